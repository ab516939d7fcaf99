package notify

import (
	"context"
	"errors"
	"net/url"
	"slices"
	"strings"
	"sync"
)

// databaseMark stands for the name of the database in the URL of a channel.
const databaseMark = "{database}"

// noDatabase takes its place where an event is about none.
const noDatabase = "-"

// addressOf is the URL for a database; "" is an event about none.
func addressOf(address, database string) string {
	if database == "" {
		database = noDatabase
	}
	return strings.ReplaceAll(address, databaseMark, url.PathEscape(database))
}

// A posting sends messages to one URL, or where that has databaseMark to one for each
// database, each with what is about it. A message that some of the URLs did not take is
// tried again as a whole; those that took their part do not get the same again.
type posting struct {
	address string
	send    func(context.Context, *poster, *Message) error

	mu   sync.Mutex
	took map[string]bool // parts of a message that is to be tried again, by their ids
}

// newPosting checks the address, which is a secret. The error matches ErrChannel.
func newPosting(address string, send func(context.Context, *poster, *Message) error) (*posting, error) {
	if _, err := newPoster(addressOf(address, "x"), nil); err != nil {
		return nil, err
	}
	return &posting{address: address, send: send, took: map[string]bool{}}, nil
}

// deliver sends m, or its parts in the order in which their databases come.
func (p *posting) deliver(ctx context.Context, m *Message) error {
	if !strings.Contains(p.address, databaseMark) {
		return p.post(ctx, "", m)
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	var errs []error
	for _, part := range m.parts() {
		if p.took[part.ID] {
			continue
		}
		err := p.post(ctx, part.Stories[0].Database, part)
		p.took[part.ID] = err == nil
		errs = append(errs, err)
	}
	err := errors.Join(errs...)
	if err == nil {
		clear(p.took)
	}
	return err
}

func (p *posting) post(ctx context.Context, database string, m *Message) error {
	to, err := newPoster(addressOf(p.address, database), nil)
	if err != nil {
		return err
	}
	return p.send(ctx, to, m)
}

// parts are messages of m, each about one database.
func (m *Message) parts() (list []*Message) {
	var databases []string
	of := map[string][]Story{}
	for _, s := range m.Stories {
		if !slices.Contains(databases, s.Database) {
			databases = append(databases, s.Database)
		}
		of[s.Database] = append(of[s.Database], s)
	}
	for _, name := range databases {
		list = append(list, newMessage(of[name], m.Time, m.Host, m.own...))
	}
	return list
}
