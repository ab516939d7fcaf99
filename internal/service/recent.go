package service

import "sync"

// maxRecent is how many runs that ended are kept with their results.
const maxRecent = 200

// recent are runs that have ended, with what the state does not keep.
type recent struct {
	mu    sync.Mutex
	runs  map[string]Run
	order []string
}

func newRecent() *recent { return &recent{runs: map[string]Run{}} }

func (c *recent) add(r Run) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.runs[r.ID] = r
	c.order = append(c.order, r.ID)
	if len(c.order) > maxRecent {
		delete(c.runs, c.order[0])
		c.order = c.order[1:]
	}
}

func (c *recent) get(id string) (Run, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	r, ok := c.runs[id]
	return r, ok
}

// list returns all of them, oldest first.
func (c *recent) list() []Run {
	c.mu.Lock()
	defer c.mu.Unlock()
	runs := make([]Run, 0, len(c.order))
	for _, id := range c.order {
		runs = append(runs, c.runs[id])
	}
	return runs
}
