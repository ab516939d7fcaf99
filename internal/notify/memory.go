package notify

import (
	"context"
	"maps"
	"slices"
	"sync"
	"time"
)

// Memory is a Store that keeps nothing beyond the process: for tests, and for a
// service without state.
type Memory struct {
	mu         sync.Mutex
	items      map[string]Item
	conditions map[[2]string]Condition
}

var _ Store = (*Memory)(nil)

// NewMemory returns an empty Memory.
func NewMemory() *Memory {
	return &Memory{items: map[string]Item{}, conditions: map[[2]string]Condition{}}
}

// Enqueue keeps items.
func (m *Memory) Enqueue(_ context.Context, items ...Item) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, it := range items {
		m.items[it.ID] = it
	}
	return nil
}

// Undelivered returns what was not delivered.
func (m *Memory) Undelivered(context.Context) ([]Item, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return slices.Collect(maps.Values(m.items)), nil
}

// Delivered forgets items.
func (m *Memory) Delivered(_ context.Context, _ time.Time, ids ...string) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, id := range ids {
		delete(m.items, id)
	}
	return nil
}

// Failed notes an attempt.
func (m *Memory) Failed(_ context.Context, next time.Time, reason string, ids ...string) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, id := range ids {
		if it, ok := m.items[id]; ok {
			it.Next, it.LastError = next, reason
			it.Attempts++
			m.items[id] = it
		}
	}
	return nil
}

// PutCondition keeps a trouble.
func (m *Memory) PutCondition(_ context.Context, c Condition) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.conditions[[2]string{c.Subject, string(c.Kind)}] = c
	return nil
}

// DeleteCondition forgets a trouble.
func (m *Memory) DeleteCondition(_ context.Context, subject string, kind Kind) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	delete(m.conditions, [2]string{subject, string(kind)})
	return nil
}

// AllConditions returns all troubles.
func (m *Memory) AllConditions(context.Context) ([]Condition, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return slices.Collect(maps.Values(m.conditions)), nil
}
