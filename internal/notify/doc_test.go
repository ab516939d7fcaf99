package notify

import (
	"encoding/json"
	"os"
	"reflect"
	"strings"
	"testing"
)

// TestDocument holds docs/NOTIFICATIONS.md to the kinds and to the webhook.
func TestDocument(t *testing.T) {
	text, err := os.ReadFile("../../docs/NOTIFICATIONS.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, k := range Kinds() {
		if !strings.Contains(string(text), "`"+string(k)+"`") {
			t.Errorf("it does not tell of %s", k)
		}
	}
	_, sample, _ := strings.Cut(string(text), "```json\n")
	sample, _, _ = strings.Cut(sample, "```")
	var body webhookBody
	d := json.NewDecoder(strings.NewReader(sample))
	d.DisallowUnknownFields()
	if err := d.Decode(&body); err != nil {
		t.Fatal(err)
	}
	for _, v := range []any{body, body.Events[0]} {
		r := reflect.ValueOf(v)
		for i := range r.NumField() {
			if r.Field(i).IsZero() {
				t.Errorf("the sample has no %s", r.Type().Field(i).Name)
			}
		}
	}
	for _, h := range []string{HeaderID, HeaderSignature} {
		if !strings.Contains(string(text), h) {
			t.Errorf("it does not name %s", h)
		}
	}
}
