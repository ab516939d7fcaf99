package notify

import "time"

// ChannelStatus is how a channel does.
type ChannelStatus struct {
	Name string `json:"name"`
	Type string `json:"type"`
	// Pending counts the stories that wait; Oldest is when the first came.
	Pending int       `json:"pending"`
	Oldest  time.Time `json:"oldest,omitzero"`
	// LastSuccess is when it last took a message, and LastFailure when it last did
	// not, with the error. Both are of this run of the service.
	LastSuccess time.Time `json:"last_success,omitzero"`
	LastFailure time.Time `json:"last_failure,omitzero"`
	LastError   string    `json:"last_error,omitempty"`
	// Failing says that the last attempt failed, also if it reached some.
	Failing bool `json:"failing"`
	// Next is when what waits is to be sent.
	Next time.Time `json:"next,omitzero"`
	// Dropped counts the stories that could not be told since the last success.
	Dropped int `json:"dropped"`
}

// Status tells of all channels, in the order of their configuration.
func (c *Center) Status() []ChannelStatus {
	c.mu.Lock()
	defer c.mu.Unlock()
	list := make([]ChannelStatus, 0, len(c.lanes))
	for _, l := range c.lanes {
		s := l.status
		s.Name, s.Type = l.target.Name, l.target.Type
		s.Pending, s.Dropped = len(l.pending), l.dropped
		if s.Pending > 0 {
			s.Oldest = l.pending[0].Created
			s.Next, _ = l.due(c.options.Now())
		}
		list = append(list, s)
	}
	return list
}

// note notes the outcome of an attempt.
func (l *lane) note(err error) {
	now := l.center.options.Now()
	s := &l.status
	s.Failing = err != nil
	if err == nil {
		s.LastSuccess = now
		return
	}
	s.LastFailure, s.LastError = now, cut(oneLine(err.Error()), 500)
}

// Words say in one clause what the trouble is, as messages do: "app could not be
// backed up".
func (t Condition) Words(now time.Time) string { return writer{now}.title(t.story(false)) }
