package daemon

import (
	"fmt"
	"time"

	"github.com/litekeep/litekeep/internal/config"
	"github.com/litekeep/litekeep/internal/notify"
)

// Targets makes the channels of a configuration, which has been checked.
func Targets(c *config.Config, now func() time.Time) ([]notify.Target, error) {
	var list []notify.Target
	for i := range c.Notifications.Channels {
		t, err := target(&c.Notifications.Channels[i], now)
		if err != nil {
			return nil, fmt.Errorf("channel %s: %w", c.Notifications.Channels[i].Name, err)
		}
		list = append(list, t)
	}
	return list, nil
}

func target(c *config.Channel, now func() time.Time) (notify.Target, error) {
	t := notify.Target{Name: c.Name, Type: c.Type, Filter: notify.Filter{Databases: c.Databases}}
	for _, e := range c.Events {
		t.Filter.Kinds = append(t.Filter.Kinds, notify.Kind(e))
	}
	var err error
	switch c.Type {
	case config.TypeEmail:
		t.Channel, err = notify.NewEmail(notify.EmailConfig{
			Host: c.Host, Port: c.Port, TLS: c.TLS, User: c.User, Password: c.Password.Reveal(), From: c.From, To: c.To,
		})
	case config.TypeSlack:
		t.Channel, err = notify.NewSlack(c.URL.Reveal())
	case config.TypeWebhook:
		t.Channel, err = notify.NewWebhook(c.URL.Reveal(), c.Secret.Reveal(), now)
	case config.TypeHeartbeat:
		t.Channel, err = notify.NewHeartbeat(notify.HeartbeatConfig{
			Success: c.URL.Reveal(), Failure: c.FailureURL.Reveal(), Start: c.StartURL.Reveal(),
		})
	default:
		err = fmt.Errorf("%q is no type of channel", c.Type)
	}
	return t, err
}
