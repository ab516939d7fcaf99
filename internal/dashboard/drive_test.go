package dashboard_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"

	"github.com/litekeep/litekeep/internal/access"
	"github.com/litekeep/litekeep/internal/service"
)

// dryRunOf asks for the dry run of a restore.
func dryRunOf(file string) service.RestoreRequest {
	return service.RestoreRequest{File: file, DryRun: true}
}

// newest is the run that was begun last.
func (f *fake) newest() string {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.runs[0].ID
}

// did checks what the service was asked to do.
func (b *tab) did(want string) {
	b.t.Helper()
	if got := strings.Join(b.fake.done(), ";"); !strings.Contains(got, want) || want == "" && got != "" {
		b.t.Errorf("did %q, not %q", got, want)
	}
	b.quiet(want)
}

// TestBrowserActions does everything that people do, with a mouse and a keyboard.
func TestBrowserActions(t *testing.T) {
	t.Parallel()
	w := newWorld(t, true)
	b := newTab(t, w)
	b.logIn(access.Admin)
	b.quiet("login")

	// A backup: the page of its run moves, and says when it is done.
	b.open("/databases/auth")
	b.click("#backup-now", "#run")
	b.did("backup auth")
	id := w.fake.newest()
	w.fake.change(id, func(r *service.Run) {
		r.Progress = &service.Progress{Phase: "export", Bytes: 5 << 20, Total: 10 << 20, Percent: 50, Left: 3}
	})
	b.wait(`document.querySelector("progress").value === 50 && document.querySelector("[data-progress-text]").textContent === "Writing the backup: 5.00 MiB of 10.0 MiB, 3 s left"`)
	w.fake.finish(id)
	b.wait(`document.querySelector("h1 .badge").textContent === "Done" && !document.querySelector("progress")`)
	b.wait(`document.getElementById("announce").textContent === "Backup of auth: Done."`)

	// One that is cancelled.
	b.open("/databases/auth")
	b.click("#sync-now", "#cancel")
	b.did("sync auth")
	b.click("#cancel", ".notice.tone-ok")
	b.did("cancel sync")
	b.wait(`document.querySelector("h1 .badge").textContent === "Cancelled"`)

	// A cleanup, which is looked at first.
	b.open("/databases/shop")
	b.click(`a[href="/databases/shop/cleanup"]`, "#clean-up")
	b.click("#clean-up", "#run")
	b.did("cleanup shop")
	w.fake.finish(w.fake.newest())
	b.wait(`document.body.innerText.includes("removed")`)

	b.open("/databases/sessions")
	b.run(chromedp.SendKeys(chromedp.CSS("#accept-reason"), "old sessions were removed"))
	b.click(`form[action$="/accept"] button`, ".notice.tone-ok")
	b.did(`accept sessions "old sessions were removed"`)

	// A backup: its pin, its verification.
	file := w.someFile("shop")
	backup := "/databases/shop/backups/" + file
	b.open("/databases/shop")
	b.click(`a[href="`+backup+`"]`, "#unpin")
	b.click("#unpin", "#pin-note")
	b.did("unpin shop " + file)
	b.run(chromedp.SendKeys(chromedp.CSS("#pin-note"), "for the lawyers\r"), chromedp.WaitVisible(chromedp.CSS("#unpin")))
	b.did(`pin shop ` + file + ` "for the lawyers"`)
	b.click("#verify-now", "#run")
	b.did("verify shop " + file)
	w.fake.finish(w.fake.newest())
	b.wait(`document.body.innerText.includes("Every byte is as it was written.")`)

	b.restore(backup)
	b.others()
	b.did("")
}

// TestBrowserLongPlace: of a place whose name is too long one sees the end.
func TestBrowserLongPlace(t *testing.T) {
	t.Parallel()
	b := newTab(t, newWorld(t, true))
	b.logIn(access.Admin)
	b.wait(`(() => {
		const where = document.querySelector(".copies .where"), name = where.querySelector("bdi") ?? where;
		name.textContent = "/var/lib/litekeep/somewhere/else/disk-2";
		const last = document.createRange();
		last.setStart(name.firstChild, name.textContent.length - 1);
		last.setEnd(name.firstChild, name.textContent.length);
		const end = last.getBoundingClientRect(), box = where.getBoundingClientRect();
		return where.scrollWidth > where.clientWidth && end.width > 0 && end.left >= box.left - 1 && end.right <= box.right + 1;
	})()`)
	b.quiet("long place")
}

// TestBrowserMissedEvent ends a run before the page of its dry run listens, as one of
// a few milliseconds does: no event tells of it any more.
func TestBrowserMissedEvent(t *testing.T) {
	t.Parallel()
	w := newWorld(t, true)
	b := newTab(t, w)
	b.logIn(access.Admin)
	w.fake.beforeEvents(func() {
		if r, err := w.fake.Run(t.Context(), access.Principal{Name: "ada", Role: access.Admin}, w.fake.newest()); err == nil && r.DryRun {
			w.fake.finish(r.ID)
		}
	})
	backup := "/databases/shop/backups/" + w.someFile("shop")
	b.open(backup + "/restore")
	b.run(chromedp.Click(chromedp.CSS("#dry-run")))
	b.wait(`document.getElementById("confirm") !== null`) // not only after the minute between two looks
	b.quiet("missed event")
}

// restore goes the whole way, first with the wrong name.
func (b *tab) restore(backup string) {
	b.open(backup)
	b.click(`a[href="`+backup+`/restore"]`, "#dry-run")
	b.click("#dry-run", "progress")
	b.did("restore dry=true")
	b.fake.finish(b.fake.newest())
	b.run(chromedp.WaitVisible(chromedp.CSS("#confirm")))
	b.want = 400
	b.run(chromedp.SendKeys(chromedp.CSS("#confirm"), "shopp"), chromedp.SendKeys(chromedp.CSS("#reason"), "orders were lost"))
	b.click("#restore-now", `[role="alert"]`)
	b.did("")
	b.want = 0
	b.run(chromedp.SendKeys(chromedp.CSS("#confirm"), "shop"))
	b.click("#restore-now", "#run")
	b.did(`restore dry=false safety=true reason="orders were lost" confirm="shop"`)
	b.fake.finish(b.fake.newest())
	b.wait(`document.body.innerText.includes("What was done")`)
}

// others uses the pages of the service itself.
func (b *tab) others() {
	b.open("/trash")
	b.click("td button", ".notice.tone-ok")
	b.did("undelete shop ")
	b.open("/settings")
	b.click(`form[action="/settings/channels/ops-mail/test"] button`, ".notice.tone-ok")
	b.did("test ops-mail")
	b.click("#reload", ".notice.tone-ok li")
	b.did("reload")
	b.click(`a[href="/settings/tokens"]`, "#create-token")
	b.run(chromedp.SendKeys(chromedp.CSS("#name"), "grafana"), chromedp.SetValue(chromedp.CSS("#days"), "365"))
	b.click("#create-token", "#secret")
	b.did("token grafana viewer [] 2027-11-22")
	b.open("/settings/tokens")
	b.click(`form[action$="/t1/revoke"] button`, ".notice.tone-ok")
	b.did("revoke t1")
	b.open("/audit")
	b.run(chromedp.SendKeys(chromedp.CSS("#action"), "restore"))
	b.click("#verify-chain", ".notice.tone-ok")
	b.open("/runs")
	b.run(chromedp.SetValue(chromedp.CSS("#outcome"), "failed"))
	b.click(".filter button", "table")
	b.wait(`location.search.includes("outcome=failed")`)

	// The filter of the overview works as one types.
	b.open("/")
	b.run(chromedp.SendKeys(chromedp.CSS("#q"), "wik"))
	b.wait(`[...document.querySelectorAll("[data-text]")].filter((e) => e.checkVisibility()).length === 1 && location.search.includes("q=wik")`)
	b.run(chromedp.SendKeys(chromedp.CSS("#q"), strings.Repeat(kb.Backspace, 3)))
	b.wait(`[...document.querySelectorAll("[data-text]")].filter((e) => e.checkVisibility()).length === 9`)

	// Light, dark, and out.
	for _, want := range []string{"light", "dark", ""} {
		b.run(chromedp.Click(chromedp.CSS(`form[action="/theme"] button`)))
		b.wait(fmt.Sprintf(`(document.documentElement.dataset.theme ?? "") === %q && document.readyState === "complete"`, want))
	}
	b.click(`form[action="/logout"] button`, "#token")
}

// TestBrowserKeyboard reaches everything with the Tab key, and sees where it is.
func TestBrowserKeyboard(t *testing.T) {
	t.Parallel()
	w := newWorld(t, true)
	b := newTab(t, w)
	b.logIn(access.Admin)
	for _, path := range []string{"/", "/databases/shop", "/databases/shop/backups/" + w.someFile("shop"), "/settings", "/settings/tokens"} {
		b.open(path)
		all := value[int](b, `(() => {
			const all = [...document.querySelectorAll("a[href], button, input:not([type=hidden]), select, summary")].filter((e) => e.checkVisibility());
			window.missing = new Set(all);
			window.unseen = [];
			document.addEventListener("focusin", (e) => {
				window.missing.delete(e.target);
				if (getComputedStyle(e.target).outlineStyle === "none") window.unseen.push(e.target.outerHTML.slice(0, 120));
			});
			return all.length;
		})()`)
		keys := strings.Repeat(kb.Tab, all+12) // a date has several stops
		b.run(chromedp.KeyEvent(keys))
		for _, e := range value[[]string](b, `[...window.missing].map((e) => e.outerHTML.slice(0, 120))`) {
			t.Errorf("%s: the Tab key does not reach %s", path, e)
		}
		for _, e := range value[[]string](b, `window.unseen`) {
			t.Errorf("%s: one does not see the focus on %s", path, e)
		}
	}
	b.open("/")
	b.run(chromedp.KeyEvent(kb.Tab+kb.Enter), chromedp.WaitReady(chromedp.CSS("main:focus")))
	b.quiet("keyboard")
}

// TestBrowserWithoutScript restores with the script switched off.
func TestBrowserWithoutScript(t *testing.T) {
	t.Parallel()
	w := newWorld(t, true)
	b := newTab(t, w)
	b.run(command(emulation.SetScriptExecutionDisabled, emulation.SetScriptExecutionDisabledParams{Value: true}))
	b.logIn(access.Admin)
	b.open("/?q=" + query("wiki shop"))
	b.open("/databases/auth")
	b.click("#backup-now", "#run")
	b.did("backup auth")
	w.fake.finish(w.fake.newest())
	b.run(chromedp.WaitNotPresent(chromedp.CSS("#run progress"))) // the page reloads itself
	b.restore("/databases/shop/backups/" + w.someFile("shop"))
}
