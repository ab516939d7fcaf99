package api

import (
	"bytes"
	"io"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

// stamp is how times are written: RFC 3339 in UTC with milliseconds, as the
// command line does.
const stamp = "2006-01-02T15:04:05.000Z"

// asJSON are the options of what is written. A list without elements is [], and
// a time that is not known null.
var asJSON = json.JoinOptions(
	json.WithMarshalers(json.MarshalToFunc(func(e *jsontext.Encoder, t time.Time) error {
		if t.IsZero() {
			return e.WriteToken(jsontext.Null)
		}
		return e.WriteToken(jsontext.String(t.UTC().Format(stamp)))
	})),
	jsontext.AllowInvalidUTF8(true), // a name from a file system; it is written as U+FFFD
	json.Deterministic(true),
)

// format reads and writes JSON for huma: a name that is doubled or not known is
// refused.
var format = huma.Format{
	Marshal: func(w io.Writer, v any) error {
		var b bytes.Buffer // so that an answer is whole or not begun
		if err := json.MarshalWrite(&b, v, asJSON); err != nil {
			return err
		}
		b.WriteByte('\n')
		_, err := b.WriteTo(w)
		return err
	},
	Unmarshal: func(text []byte, v any) error {
		return json.Unmarshal(text, v, json.RejectUnknownMembers(true))
	},
}
