package durable

import "time"

// Turns makes room for others at a lock that nobody hands over: who takes it again at
// once leaves it free for microseconds, in which no one finds it who looks once in
// a while. So it is left alone for Breath after ten times as long. Turns is not safe for
// concurrent use.
type Turns struct {
	Breath time.Duration // longer than others wait between two looks

	began time.Time // since when there was no breath
	ended time.Time // when the lock was last given up
}

// Begin is called before the lock is taken.
func (t *Turns) Begin() {
	switch now := time.Now(); {
	case now.Sub(t.ended) > t.Breath:
		t.began = now
	case now.Sub(t.began) > 10*t.Breath:
		time.Sleep(t.Breath)
		t.began = time.Now()
	}
}

// End is called when the lock was given up.
func (t *Turns) End() { t.ended = time.Now() }
