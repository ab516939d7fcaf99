package faulty

import "io"

// content applies a rule to what is read from r.
func (a *active) content(r io.ReadCloser) io.ReadCloser {
	return &content{ReadCloser: r, rule: a}
}

type content struct {
	io.ReadCloser
	rule *active
	n    int64
}

func (c *content) Read(p []byte) (int, error) {
	cut := c.rule.Do == Truncate || c.rule.Do == Break
	if cut {
		p = p[:min(int64(len(p)), c.rule.At-c.n)]
		if len(p) == 0 {
			if c.rule.Do == Break {
				return 0, c.rule.Err
			}
			return 0, io.EOF
		}
	}
	n, err := c.ReadCloser.Read(p)
	if at := c.rule.At - c.n; c.rule.Do == Flip && at >= 0 && at < int64(n) {
		p[at] ^= 0xff
	}
	c.n += int64(n)
	return n, err
}
