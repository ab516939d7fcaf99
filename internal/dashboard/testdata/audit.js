(() => {
  const wrong = [];
  const say = (text, e) => wrong.push(text + (e ? ": " + e.outerHTML.slice(0, 140) : ""));
  const shown = (e) => e.checkVisibility({ visibilityProperty: true });

  if (document.documentElement.scrollWidth > innerWidth) {
    const wide = [...document.querySelectorAll("main *, header *")].find((e) => e.getBoundingClientRect().right > innerWidth + 1 && shown(e) && !e.closest(".visually-hidden"));
    say(`the page is ${document.documentElement.scrollWidth} wide, not ${innerWidth}`, wide);
  }
  for (const e of document.querySelectorAll("input:not([type=hidden]), select, textarea")) {
    if (!e.labels.length && !e.ariaLabel) say("no label", e);
  }
  for (const e of document.querySelectorAll("button, a, summary")) {
    if (!e.textContent.trim() && !e.ariaLabel) say("no name", e);
  }
  const ids = new Set();
  for (const e of document.querySelectorAll("[id]")) {
    if (ids.has(e.id)) say("doubled id", e);
    ids.add(e.id);
  }
  for (const e of document.querySelectorAll("[aria-labelledby], [aria-describedby]")) {
    for (const id of (e.getAttribute("aria-labelledby") ?? e.getAttribute("aria-describedby")).split(" ")) if (!ids.has(id)) say("names an id that is not there", e);
  }
  let level = 0;
  for (const e of document.querySelectorAll("h1, h2, h3, h4")) {
    const now = +e.localName[1];
    if (now > level + 1) say(`heading ${now} after ${level}`, e);
    level = now;
  }
  if (document.querySelectorAll("h1").length !== 1) say("not one h1");
  if (document.querySelectorAll("main").length !== 1) say("not one main");
  for (const e of document.querySelectorAll("table")) {
    if (!e.caption) say("a table without a caption", e);
    for (const h of e.querySelectorAll("th")) if (!h.scope) say("a th without scope", h);
  }
  for (const e of document.querySelectorAll("svg")) {
    if (e.getAttribute("aria-hidden") !== "true" && !(e.getAttribute("role") === "img" && e.ariaLabel)) say("a picture without words", e);
  }
  for (const e of document.querySelectorAll("button, .button, input, select")) {
    const box = e.getBoundingClientRect();
    if (shown(e) && e.type !== "hidden" && e.type !== "checkbox" && box.height < 23) say(`only ${box.height} high`, e);
  }

  // Contrast, of text against what is behind it.
  const pixel = document.createElement("canvas").getContext("2d", { willReadFrequently: true });
  const rgba = (color) => {
    pixel.clearRect(0, 0, 1, 1);
    pixel.fillStyle = color;
    pixel.fillRect(0, 0, 1, 1);
    return [...pixel.getImageData(0, 0, 1, 1).data];
  };
  const light = ([r, g, b]) => {
    const c = [r, g, b].map((v) => (v /= 255) <= 0.03928 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4);
    return 0.2126 * c[0] + 0.7152 * c[1] + 0.0722 * c[2];
  };
  const behind = (e) => {
    for (; e; e = e.parentElement) {
      const c = rgba(getComputedStyle(e).backgroundColor);
      if (c[3] === 255) return c;
    }
    return [255, 255, 255];
  };
  const texts = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  const seen = new Set();
  while (texts.nextNode()) {
    const e = texts.currentNode.parentElement;
    if (!texts.currentNode.data.trim() || seen.has(e) || !shown(e) || e.closest(".visually-hidden, .skip, svg, option, datalist")) continue;
    seen.add(e);
    const a = light(rgba(getComputedStyle(e).color)), b = light(behind(e));
    const ratio = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
    if (ratio < 4.5) say(`contrast of ${ratio.toFixed(2)}`, e);
  }
  return wrong;
})()
