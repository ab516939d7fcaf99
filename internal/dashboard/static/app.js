// Makes pages live. Everything works without it: it listens to what happens,
// fetches the page again, and puts the new regions in the place of the old.
(() => {
  "use strict";

  const every = 60_000; // how often a page is fetched when nothing happens
  const pause = 1_000;  // between two fetches, at least
  const follow = 3_000; // between two fetches while a run goes on

  // What has the focus, as something that is found again in the new page.
  const focused = (region) => {
    const at = document.activeElement;
    if (!at || !region.contains(at)) return null;
    if (at.id) return "#" + CSS.escape(at.id);
    const href = at.getAttribute("href");
    return href ? `${at.localName}[href="${CSS.escape(href)}"]` : null;
  };

  // Somebody fills in a form in there, which must stay.
  const busy = (region) =>
    [...region.querySelectorAll("input:not([type=hidden]), select, textarea")].some(
      (e) => e === document.activeElement || (e.type === "checkbox" ? e.checked !== e.defaultChecked : e.localName === "input" && e.value !== e.defaultValue));

  let last = 0, timer = 0, fetching = false;
  const was = new WeakMap(); // what the server sent for each region

  const refresh = async () => {
    if (fetching) return later(pause);
    fetching = true;
    last = Date.now();
    try {
      const url = new URL(location.href);
      url.searchParams.delete("done");
      const answer = await fetch(url, { headers: { Accept: "text/html" } });
      if (answer.redirected || !answer.ok) return; // logged out, or stopping: what is shown stays
      const page = new DOMParser().parseFromString(await answer.text(), "text/html");
      for (const old of document.querySelectorAll("[data-live]")) {
        const fresh = page.getElementById(old.id);
        if (!fresh || busy(old) || fresh.outerHTML === was.get(old)) continue;
        const sent = fresh.outerHTML, focus = focused(old);
        old.replaceWith(document.adoptNode(fresh));
        was.set(fresh, sent);
        decorate(fresh);
        if (focus) fresh.querySelector(focus)?.focus({ preventScroll: true });
      }
      filter();
    } catch {
      // The server is away. The next event or the clock tries again.
    } finally {
      fetching = false;
    }
  };

  const later = (wait) => {
    clearTimeout(timer);
    timer = setTimeout(refresh, Math.max(wait, last + pause - Date.now()));
  };

  const say = (text) => {
    const place = document.getElementById("announce");
    if (text && place) place.textContent = text;
  };

  const listen = (from) => {
    const events = new EventSource(from);
    // What happened between the page and the stream, or two streams, is in no event.
    events.addEventListener("open", () => later(0));
    events.addEventListener("change", (e) => {
      say(JSON.parse(e.data).say);
      later(0);
    });
    events.addEventListener("progress", (e) => {
      const p = JSON.parse(e.data);
      for (const place of document.querySelectorAll(`[data-run="${CSS.escape(p.run)}"]`)) {
        const bar = place.querySelector("progress");
        if (p.percent > 0) bar.value = p.percent; else bar.removeAttribute("value");
        place.querySelector("[data-progress-text]").textContent = p.text;
      }
      if (Date.now() - last > follow) later(0); // its log
    });
    addEventListener("pagehide", () => events.close());
    addEventListener("pageshow", (e) => { if (e.persisted) location.reload(); });
    setInterval(() => { if (!document.hidden) later(0); }, every);
  };

  // The filter of the overview works at once; without the script it is a form.
  const filter = () => {
    const form = document.querySelector("[data-filter]");
    if (!form) return;
    const words = form.elements.q.value.toLowerCase().split(/\s+/).filter(Boolean);
    let shown = 0;
    const rows = document.querySelectorAll("[data-text]");
    for (const row of rows) {
      const text = (row.dataset.text + " " + (row.querySelector(".badge")?.textContent ?? "")).toLowerCase();
      row.hidden = !words.every((w) => text.includes(w));
      if (!row.hidden) shown++;
    }
    for (const part of document.querySelectorAll("#databases > section")) {
      part.hidden = !part.querySelector("[data-text]:not([hidden])");
    }
    const empty = document.querySelector("[data-filter-empty]");
    if (empty) empty.hidden = shown > 0 || rows.length === 0;
  };

  // Buttons that copy commands and checksums, where the browser lets us.
  const decorate = (root) => {
    if (!navigator.clipboard) return;
    for (const code of root.querySelectorAll("[data-copy]")) {
      const button = document.createElement("button");
      button.type = "button";
      button.className = "copy";
      button.textContent = "Copy";
      button.setAttribute("aria-label", "Copy " + code.textContent);
      button.addEventListener("click", async () => {
        await navigator.clipboard.writeText(code.textContent);
        button.textContent = "Copied";
        say("Copied.");
        setTimeout(() => { button.textContent = "Copy"; }, 2000);
      });
      code.after(button);
    }
  };

  for (const region of document.querySelectorAll("[data-live]")) was.set(region, region.outerHTML);
  decorate(document);
  document.querySelector("[data-filter] [name=q]")?.addEventListener("input", (e) => {
    const url = new URL(location.href); // so that the server, asked again, sends what fits
    url.searchParams.set("q", e.target.value);
    history.replaceState(null, "", url);
    filter();
    later(300);
  });
  if (document.body.dataset.liveFrom) listen(document.body.dataset.liveFrom);
})();
