package access

import "container/list"

// recent is a map that holds so many entries at most: those that were used last.
type recent[K comparable, V any] struct {
	limit int
	order *list.List // of *slot, the last used first
	slots map[K]*list.Element
}

type slot[K comparable, V any] struct {
	key   K
	value V
}

func newRecent[K comparable, V any](limit int) *recent[K, V] {
	return &recent[K, V]{limit, list.New(), map[K]*list.Element{}}
}

// get returns a value for reading and changing, nil if there is none.
func (r *recent[K, V]) get(key K) *V {
	e, ok := r.slots[key]
	if !ok {
		return nil
	}
	r.order.MoveToFront(e)
	return &e.Value.(*slot[K, V]).value
}

// put stores a value, in the place of the one that was not used for longest where
// there is no room.
func (r *recent[K, V]) put(key K, value V) *V {
	if v := r.get(key); v != nil {
		*v = value
		return v
	}
	if len(r.slots) >= r.limit {
		r.remove(r.order.Back().Value.(*slot[K, V]).key)
	}
	s := &slot[K, V]{key, value}
	r.slots[key] = r.order.PushFront(s)
	return &s.value
}

func (r *recent[K, V]) remove(key K) {
	if e, ok := r.slots[key]; ok {
		r.order.Remove(e)
		delete(r.slots, key)
	}
}
