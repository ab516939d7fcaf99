package dashboard

import (
	"net/http"

	"github.com/litekeep/litekeep/internal/service"
)

// A settingsSection is one part of the configuration.
type settingsSection struct {
	Name  string
	Lines []service.Setting
}

// settingsPage is the data of the page settings.
type settingsPage struct {
	page
	Health   service.Health
	Channels []service.ChannelStatus
	Sections []settingsSection
	Changes  []string // what a reload changed
	Reloaded bool
	Error    string // why it did not
	Hint     string
}

// settings shows the service itself: how it is, its channels, its configuration.
func (d *Dashboard) settings(c *call) error {
	p, err := d.settingsPage(c)
	if err != nil {
		return err
	}
	return c.render(http.StatusOK, "settings", p)
}

func (d *Dashboard) settingsPage(c *call) (*settingsPage, error) {
	lines, err := d.o.Door.Settings(c.ctx, c.by)
	if err != nil {
		return nil, err
	}
	p := &settingsPage{page: c.page("Settings", "settings"), Health: d.o.Door.Health(c.ctx)}
	if p.Channels, err = d.o.Door.Channels(c.ctx, c.by); err != nil {
		return nil, err
	}
	for _, s := range lines {
		if n := len(p.Sections); n == 0 || p.Sections[n-1].Name != s.Section {
			p.Sections = append(p.Sections, settingsSection{Name: s.Section})
		}
		last := &p.Sections[len(p.Sections)-1]
		last.Lines = append(last.Lines, s)
	}
	return p, nil
}

// reload takes the configuration file again. What changed is told in the answer
// itself: to reload twice does no harm.
func (d *Dashboard) reload(c *call) error {
	changes, err := d.o.Door.Reload(c.ctx, c.by)
	if err != nil && explain(err).Status != http.StatusBadRequest {
		return err
	}
	p, e := d.settingsPage(c)
	if e != nil {
		return e
	}
	p.Here = "/settings"
	if err != nil {
		p.Error, p.Hint = words(err)
		return c.render(http.StatusBadRequest, "settings", p)
	}
	p.Changes, p.Reloaded = changes, true
	return c.render(http.StatusOK, "settings", p)
}

// testChannel sends a test message. That a channel fails is no fault of this
// page: it shows beside the channel.
func (d *Dashboard) testChannel(c *call) error {
	err := d.o.Door.TestChannel(c.ctx, c.by, c.path("name"))
	if err == nil {
		return c.done("/settings", "tested")
	}
	if explain(err).Status != http.StatusInternalServerError {
		return err
	}
	p, e := d.settingsPage(c)
	if e != nil {
		return e
	}
	p.Here = "/settings"
	text, _ := words(err)
	p.Error = "The test message did not get through " + c.path("name") + ". " + text
	return c.render(http.StatusBadGateway, "settings", p)
}
