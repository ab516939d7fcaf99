package dashboard_test

import (
	"strings"
	"testing"
	"time"

	"github.com/litekeep/litekeep/internal/access"
	"github.com/litekeep/litekeep/internal/service"
)

// TestOffersRestore: the page of a database offers to restore the newest good backup to
// whoever may; where backups fail it does so first.
func TestOffersRestore(t *testing.T) {
	w := newWorld(t, true)
	shop := w.fake.find("shop")
	list := w.fake.backups["shop"]
	list[0].Damaged = true
	shop.RestorableTo = list[1].Timestamp
	link := `href="/databases/shop/backups/` + list[1].File + `/restore">Restore…</a>`
	order := func(role access.Role) (restore, backup int) {
		body := w.get(role, "/databases/shop").body
		return strings.Index(body, link), strings.Index(body, `id="backup-now"`)
	}
	if restore, backup := order(access.Admin); backup < 0 || restore < backup {
		t.Errorf("restore at %d, backup at %d", restore, backup)
	}
	if restore, _ := order(access.Viewer); restore >= 0 {
		t.Error("a viewer is offered a restore")
	}
	shop.Condition = service.ConditionFailing
	if restore, backup := order(access.Admin); restore < 0 || backup < restore {
		t.Errorf("failing: restore at %d, backup at %d", restore, backup)
	}
	shop.Condition, shop.LastRun = service.ConditionOverdue, &service.Run{Outcome: service.OutcomeRefused}
	if restore, backup := order(access.Admin); restore < 0 || backup < restore {
		t.Errorf("overdue: restore at %d, backup at %d", restore, backup)
	}
	shop.RestorableTo = time.Time{}
	if restore, _ := order(access.Admin); restore >= 0 {
		t.Error("a restore is offered where there is nothing to restore")
	}
}

// TestMarkedHints: what hints have between backquotes is code, and nothing else is markup.
func TestMarkedHints(t *testing.T) {
	w := newWorld(t, true)
	w.fake.find("shop").Problems[0].Hint = "run `sqlite3 <db> .recover`, or `litekeep list` <b>"
	if body := w.get(access.Admin, "/databases/shop").body; !strings.Contains(body, "run <code>sqlite3 &lt;db&gt; .recover</code>, or <code>litekeep list</code> &lt;b&gt;") {
		t.Error("the hint is not marked")
	}
	w.fake.find("shop").Problems[0].Hint = "a lone ` <b>"
	if body := w.get(access.Admin, "/databases/shop").body; !strings.Contains(body, "a lone ` &lt;b&gt;") {
		t.Error("a lone backquote is not as it was")
	}
}

// TestAway shows what is wrong where the folder of the backups is not the one that it
// was, and that there is nothing to see of them.
func TestAway(t *testing.T) {
	w := newWorld(t, true)
	w.fake.find("shop").Problems[0].Summary = "/mnt/nas is not there: is it mounted?"
	w.fake.away = true
	if got := w.get(access.Admin, "/databases/shop"); got.status != 200 || !strings.Contains(got.body, "/mnt/nas is not there: is it mounted?") {
		t.Errorf("%d: %s", got.status, got.body)
	}
	file := w.fake.backups["shop"][0].File
	if got := w.get(access.Admin, "/databases/shop/backups/"+file); got.status != 503 {
		t.Errorf("a backup: %d: %s", got.status, got.body)
	}
}

// TestOffersCancel: whoever may begin a run of a kind is offered to stop one, and nobody
// else is.
func TestOffersCancel(t *testing.T) {
	w := newWorld(t, true)
	for path, operator := range map[string]bool{"/databases/shop/sync": true, "/databases/shop/cleanup": false} {
		run := w.post(access.Admin, path, nil).header.Get("Location")
		for role, want := range map[access.Role]bool{access.Viewer: false, access.Operator: operator, access.Admin: true} {
			if got := strings.Contains(w.get(role, run).body, `id="cancel"`); got != want {
				t.Errorf("%s, to the %s: %v", path, role, got)
			}
		}
		w.fake.idle()
	}
}
