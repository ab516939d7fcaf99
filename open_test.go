package litekeep_test

import (
	"context"
	"errors"

	"github.com/litekeep/litekeep/internal/engine"
)

// playHolder keeps two connections to a database open and runs the statements
// that it is told: those that begin with a minus on the second connection.
func playHolder(ctx context.Context, args []string) error {
	var conns [2]*engine.Conn
	for i := range conns {
		c, err := engine.Open(ctx, args[0], engine.OpenOptions{BusyTimeout: patience})
		if err != nil {
			return err
		}
		defer c.Close()
		conns[i] = c
	}
	return answer(func(line string) (string, error) {
		c := conns[0]
		if line[0] == '-' {
			c, line = conns[1], line[1:]
		}
		rows, err := queryConn(ctx, c, line)
		if errors.Is(err, engine.ErrBusy) {
			return "busy", nil
		}
		return rows, err
	})
}
