package dashboard_test

import (
	"context"
	_ "embed"
	"errors"
	"fmt"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"

	"github.com/litekeep/litekeep/internal/access"
	"github.com/litekeep/litekeep/internal/testserver"
)

// audit is a script that lists what is wrong with a page for people who use a
// keyboard, a screen reader or a phone.
//
//go:embed testdata/audit.js
var auditScript string

// A tab is a page of a real browser, and all that it complained of.
type tab struct {
	*world
	ctx  context.Context
	mu   sync.Mutex
	said []string
	want int // the status that pages are meant to have, 0 for success
}

// newTab starts Debian's chromium. Without one the test is skipped, but on CI it
// fails.
func newTab(t *testing.T, w *world) *tab {
	t.Helper()
	path := ""
	for _, name := range []string{"chromium", "chromium-browser", "google-chrome"} {
		if found, err := exec.LookPath(name); err == nil {
			path = found
			break
		}
	}
	if path == "" {
		testserver.Unavailable(t, "chromium", errors.New("apt-get install chromium"))
	}
	options := append(chromedp.DefaultExecAllocatorOptions[:], chromedp.ExecPath(path), chromedp.UserDataDir(t.TempDir()),
		chromedp.Flag("disable-dev-shm-usage", true), chromedp.WSURLReadTimeout(2*time.Minute))
	if os.Geteuid() == 0 {
		options = append(options, chromedp.NoSandbox)
	}
	limited, cancel := context.WithTimeout(t.Context(), 8*time.Minute)
	t.Cleanup(cancel)
	allocator, end := chromedp.NewExecAllocator(limited, options...)
	t.Cleanup(end)
	ctx, closeTab := chromedp.NewContext(allocator)
	t.Cleanup(closeTab)
	b := &tab{world: w, ctx: ctx}
	b.run(chromedp.Navigate("about:blank")) // starts the browser
	if err := chromedp.Listen(ctx, b.hear); err != nil {
		t.Fatal(err)
	}
	b.run(command(network.Enable, network.EnableParams{}), command(log.Enable, cdp.Empty{}), command(runtime.Enable, cdp.Empty{}))
	return b
}

// hear writes down what a page complains of.
func (b *tab) hear(event any) {
	b.mu.Lock()
	defer b.mu.Unlock()
	switch e := event.(type) {
	case *runtime.EventConsoleAPICalled:
		if e.Type == runtime.ConsoleAPICalledTypeError || e.Type == runtime.ConsoleAPICalledTypeWarning {
			b.said = append(b.said, "console: "+string(e.Args[0].Value))
		}
	case *runtime.EventExceptionThrown:
		b.said = append(b.said, "exception: "+e.ExceptionDetails.Text)
	case *log.EventEntryAdded:
		meant := b.want > 0 && strings.Contains(e.Entry.Text, fmt.Sprint(b.want))
		if (e.Entry.Level == log.EntryLevelError || e.Entry.Level == log.EntryLevelWarning) && !meant {
			b.said = append(b.said, "log: "+e.Entry.Text+" "+e.Entry.URL)
		}
	case *network.EventLoadingFailed:
		if !e.Canceled { // as the events of a page that one leaves
			b.said = append(b.said, "request: "+e.ErrorText)
		}
	case *network.EventResponseReceived:
		if e.Response.Status >= 400 && int(e.Response.Status) != b.want {
			b.said = append(b.said, fmt.Sprintf("request: %d of %s", e.Response.Status, e.Response.URL))
		}
		// The browser's own controls have pictures as data.
		if !strings.HasPrefix(e.Response.URL, b.server.URL) && !strings.HasPrefix(e.Response.URL, "data:") {
			b.said = append(b.said, "another host: "+e.Response.URL)
		}
	}
}

// quiet fails if the browser complained of anything.
func (b *tab) quiet(where string) {
	b.t.Helper()
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, s := range b.said {
		b.t.Errorf("%s: %s", where, s)
	}
	b.said = nil
}

// command is a command of the browser's protocol without an answer.
func command[P any](c cdp.Command[P, cdp.Empty], params P) chromedp.Action[chromedp.Void] {
	return chromedp.Func(func(ctx context.Context, t *chromedp.Target) error {
		_, err := cdp.Call(ctx, t, c, params)
		return err
	})
}

func (b *tab) run(actions ...chromedp.Action[chromedp.Void]) {
	b.t.Helper()
	if err := chromedp.Do(b.ctx, actions...); err != nil {
		b.t.Fatalf("%v\n%s", err, b.body())
	}
}

// value evaluates an expression in a page.
func value[T any](b *tab, expression string) T {
	b.t.Helper()
	v, err := chromedp.Run(b.ctx, chromedp.Evaluate[T](expression))
	if err != nil {
		b.t.Fatal(err)
	}
	return v
}

// body is the text of the page, for messages.
func (b *tab) body() string {
	text, err := chromedp.Run(b.ctx, chromedp.Evaluate[string](`location.pathname + "\n" + document.body.innerText.slice(0, 1500)`))
	if err != nil {
		return err.Error()
	}
	return text
}

// open goes to a page.
func (b *tab) open(path string) {
	b.t.Helper()
	b.run(chromedp.Navigate(b.server.URL+path), chromedp.WaitReady(chromedp.CSS("main")))
}

// click clicks, and waits for what comes then.
func (b *tab) click(selector, then string) {
	b.t.Helper()
	b.run(chromedp.Click(chromedp.CSS(selector)), chromedp.WaitVisible(chromedp.CSS(then)))
}

// waitTime is how long a page may take to become what it should be: less than the minute
// between two looks of a page at which nothing happens.
const waitTime = 40 * time.Second

// wait waits until an expression is true in the page.
func (b *tab) wait(expression string) {
	b.t.Helper()
	limited, cancel := context.WithTimeout(b.ctx, waitTime)
	defer cancel()
	for {
		_, err := chromedp.Run(limited, chromedp.Poll[bool](expression))
		if err == nil {
			return
		}
		if limited.Err() != nil { // otherwise another page came meanwhile
			b.t.Fatalf("%s: %v\n%s", expression, err, b.body())
		}
	}
}

// logIn logs in as people do.
func (b *tab) logIn(role access.Role) {
	b.t.Helper()
	b.open("/")
	b.run(chromedp.SendKeys(chromedp.CSS("#token"), b.secrets[role]+"\r"), chromedp.WaitVisible(chromedp.CSS("#databases")))
}

// screens are the windows that pages are looked at in.
var screens = []struct {
	name          string
	width, height int64
	scheme        string
}{
	{"wide-light", 1280, 800, "light"},
	{"wide-dark", 1280, 800, "dark"},
	{"phone-light", 360, 740, "light"},
	{"phone-dark", 360, 740, "dark"},
}

// TestBrowserPages looks at each page in each window: nothing complains, nothing
// is wider than a phone, and all can be read. Pictures are kept in the folder of
// LITEKEEP_SCREENSHOTS, if there is one: they take most of the time.
func TestBrowserPages(t *testing.T) {
	t.Parallel()
	w := newWorld(t, true)
	b := newTab(t, w)
	folder := os.Getenv("LITEKEEP_SCREENSHOTS")
	if folder != "" {
		if err := os.MkdirAll(folder, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	b.open("/login")
	b.look(folder, "login")
	b.logIn(access.Admin)
	check, err := w.fake.StartRestore(t.Context(), access.Principal{Name: "ada", Role: access.Admin}, "auth", dryRunOf(w.someFile("auth")))
	if err != nil {
		t.Fatal(err)
	}
	w.fake.finish(check.ID)
	shop := "/databases/shop/backups/" + w.someFile("shop")
	for name, path := range map[string]string{
		"overview": "/", "overview-filtered": "/?q=nothing", "database": "/databases/shop", "database-shrunken": "/databases/sessions",
		"database-new": "/databases/billing", "database-running": "/databases/wiki", "cleanup": "/databases/shop/cleanup", "backup": shop,
		"restore": shop + "/restore", "restore-ready": "/databases/auth/backups/" + w.someFile("auth") + "/restore?run=" + check.ID,
		"runs": "/runs", "run-failed": "/runs/crm-100", "run-going": "/runs/live-1", "run-dry": "/runs/" + check.ID, "trash": "/trash", "audit": "/audit?verify=1",
		"settings": "/settings", "tokens": "/settings/tokens",
	} {
		b.open(path)
		b.look(folder, name)
	}
	b.want = 404
	b.open("/nothing")
	b.look(folder, "error")
}

// look checks the page in all windows, and keeps pictures if folder is not "".
func (b *tab) look(folder, name string) {
	b.t.Helper()
	for _, s := range screens {
		b.run(
			command(emulation.SetDeviceMetricsOverride, emulation.SetDeviceMetricsOverrideParams{Width: s.width, Height: s.height, DeviceScaleFactor: 1}),
			command(emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{Features: []*emulation.MediaFeature{
				{Name: "prefers-color-scheme", Value: s.scheme}, {Name: "prefers-reduced-motion", Value: "reduce"},
			}}),
		)
		wrong := value[[]string](b, auditScript)
		for _, text := range wrong {
			b.t.Errorf("%s, %s: %s", name, s.name, text)
		}
		if folder == "" {
			continue
		}
		picture, err := chromedp.Run(b.ctx, chromedp.FullScreenshot(100))
		if err != nil {
			b.t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(folder, name+"-"+s.name+".png"), picture, 0o644); err != nil {
			b.t.Fatal(err)
		}
	}
	b.run(command(emulation.ClearDeviceMetricsOverride, cdp.Empty{}))
	b.quiet(name)
}

// query escapes text for an address.
func query(s string) string { return url.QueryEscape(s) }
