package config

import (
	"testing"
	"time"

	"github.com/litekeep/litekeep/internal/notify"
)

// TestChannels makes the real channels of those that are accepted, so that what this
// package lets pass is what they take.
func TestChannels(t *testing.T) {
	made := map[string]int{}
	for _, ch := range mustParse(t, full).Notifications.Channels {
		var err error
		switch ch.Type {
		case TypeEmail:
			_, err = notify.NewEmail(notify.EmailConfig{
				Host: ch.Host, Port: ch.Port, TLS: ch.TLS, User: ch.User, Password: ch.Password.Reveal(), From: ch.From, To: ch.To,
			})
		case TypeSlack:
			_, err = notify.NewSlack(ch.URL.Reveal())
		case TypeWebhook:
			_, err = notify.NewWebhook(ch.URL.Reveal(), ch.Secret.Reveal(), time.Now)
		case TypeHeartbeat:
			_, err = notify.NewHeartbeat(notify.HeartbeatConfig{
				Success: ch.URL.Reveal(), Start: ch.StartURL.Reveal(), Failure: ch.FailureURL.Reveal(),
			})
		}
		if err != nil {
			t.Errorf("%s: %v", ch.Name, err)
		}
		made[ch.Type]++
	}
	if len(made) != 4 {
		t.Errorf("not all types of channels are tried: %v", made)
	}
}

// TestEvents holds the names of events against those that there are.
func TestEvents(t *testing.T) {
	for _, name := range Events() {
		if err := (notify.Filter{Kinds: []notify.Kind{notify.Kind(name)}}).Validate(); err != nil {
			t.Error(err)
		}
	}
	if err := (notify.Filter{Kinds: []notify.Kind{"wibble"}}).Validate(); err == nil {
		t.Error("a filter takes any kind")
	}
}
