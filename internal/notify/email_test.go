package notify

import (
	"context"
	"errors"
	"io"
	"mime"
	"mime/multipart"
	"mime/quotedprintable"
	"net"
	netmail "net/mail"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

func newEmail(t *testing.T, c EmailConfig) *Email {
	t.Helper()
	if c.From == "" {
		c.From = "Backups <litekeep@example.org>"
	}
	if c.To == nil {
		c.To = []string{"ops@example.org"}
	}
	e, err := NewEmail(c)
	if err != nil {
		t.Fatal(err)
	}
	return e
}

// TestEmail sends to a real server in each way, and reads what arrived.
func TestEmail(t *testing.T) {
	server := startExim(t)
	for name, c := range map[string]EmailConfig{
		"starttls": {Port: server.StartTLS, User: "litekeep", Password: "a right password"},
		"tls":      {Port: server.TLS, TLS: TLSImplicit, User: "litekeep", Password: "a right password"},
		"plain":    {Port: server.Plain, TLS: TLSNone},
	} {
		t.Run(name, func(t *testing.T) {
			c.Host, c.RootCAs = "127.0.0.1", server.authority
			s := sample(KindVerificationFailed)
			s.Database = "Zähler"
			m := newMessage([]Story{s}, three, "vault1")
			if err := newEmail(t, c).Deliver(t.Context(), m); err != nil {
				t.Fatal(err)
			}
			got := server.mails(t, 1)[0]
			checkMail(t, got, m)
			by := got.Header.Get("Received")
			if secure := strings.Contains(by, "esmtpsa"); secure != (name != "plain") {
				t.Errorf("received: %s", by)
			}
		})
	}
	t.Run("thread", func(t *testing.T) { emailThread(t, server) })
	t.Run("refused", func(t *testing.T) { emailRefused(t, server) })
	t.Run("recipients", func(t *testing.T) { emailRecipients(t, server) })
}

// checkMail reads a mail as a mail program would.
func checkMail(t *testing.T, got *netmail.Message, m *Message) {
	t.Helper()
	subject, err := new(mime.WordDecoder).DecodeHeader(got.Header.Get("Subject"))
	if err != nil || subject != m.Subject || !strings.Contains(subject, "Zähler") {
		t.Errorf("subject %q, %v", subject, err)
	}
	for name, want := range map[string]string{
		"From": `"Backups" <litekeep@example.org>`, "To": "<ops@example.org>", "Message-Id": "<" + m.ID + "@example.org>",
		"Auto-Submitted": "auto-generated", "Importance": "high", "References": "<019abc-EPISODE@example.org>", "In-Reply-To": "<019abc-EPISODE@example.org>",
	} {
		if v := got.Header.Get(name); v != want {
			t.Errorf("%s is %q", name, v)
		}
	}
	if d, err := got.Header.Date(); err != nil || !d.Equal(three) {
		t.Errorf("date %v, %v", d, err)
	}
	kind, params, err := mime.ParseMediaType(got.Header.Get("Content-Type"))
	if err != nil || kind != "multipart/alternative" {
		t.Fatalf("type %q, %v", kind, err)
	}
	html, err := m.HTML()
	if err != nil {
		t.Fatal(err)
	}
	parts := multipart.NewReader(got.Body, params["boundary"])
	for _, want := range []string{m.Text(), html} {
		p, err := parts.NextRawPart()
		if err != nil {
			t.Fatal(err)
		}
		if e := p.Header.Get("Content-Transfer-Encoding"); e != "quoted-printable" {
			t.Fatalf("encoding %q", e)
		}
		text, err := io.ReadAll(quotedprintable.NewReader(p))
		if err != nil {
			t.Fatal(err)
		}
		if clean(string(text)) != clean(want) {
			t.Errorf("%s:\n%s\nwant\n%s", p.Header.Get("Content-Type"), text, want)
		}
	}
	if _, err := parts.NextRawPart(); err != io.EOF {
		t.Errorf("a third part: %v", err)
	}
}

// clean leaves out what the way by mail may change.
func clean(s string) string { return strings.TrimSpace(strings.ReplaceAll(s, "\r\n", "\n")) }

// emailThread sends a trouble, its repeat and its end.
func emailThread(t *testing.T, server *exim) {
	e := newEmail(t, EmailConfig{Host: "127.0.0.1", Port: server.Plain, TLS: TLSNone})
	ids, threads := map[string]bool{}, map[string]bool{}
	for i, kind := range []Kind{KindFailed, KindFailed, KindRecovered} {
		s := sample(kind)
		s.ID += string(rune('a' + i))
		if err := e.Deliver(t.Context(), newMessage([]Story{s}, three, "")); err != nil {
			t.Fatal(err)
		}
	}
	for _, m := range server.mails(t, 3) {
		ids[m.Header.Get("Message-Id")] = true
		threads[m.Header.Get("References")] = true
	}
	if len(ids) != 3 || len(threads) != 1 {
		t.Errorf("ids %v, threads %v", ids, threads)
	}
}

// emailRefused is what must not work, and must not tell the password.
func emailRefused(t *testing.T, server *exim) {
	for name, c := range map[string]EmailConfig{
		"password":      {Port: server.TLS, TLS: TLSImplicit, User: "litekeep", Password: "a wrong password", RootCAs: server.authority},
		"authority":     {Port: server.TLS, TLS: TLSImplicit},
		"authority too": {Port: server.StartTLS, User: "litekeep", Password: "a wrong password"},
		"no starttls":   {Port: server.Plain},
		"no tls":        {Port: server.Plain, TLS: TLSImplicit, RootCAs: server.authority},
		"no login":      {Port: server.StartTLS, RootCAs: server.authority},
		"no such user":  {Port: server.Plain, TLS: TLSNone, To: []string{"nobody@example.org"}},
		"full":          {Port: server.Plain, TLS: TLSNone, To: []string{"full@example.org"}},
		"relay":         {Port: server.Plain, TLS: TLSNone, To: []string{"a@example.com"}},
		"nobody there":  {Port: 1, TLS: TLSNone},
	} {
		c.Host = "127.0.0.1"
		err := newEmail(t, c).Deliver(t.Context(), message(KindFailed))
		if _, partial := errors.AsType[*PartialError](err); err == nil || partial {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if text := err.Error(); strings.Contains(text, "wrong password") || strings.ContainsAny(text, "\r\n") || !strings.Contains(text, "127.0.0.1:") {
			t.Errorf("%s: %v", name, err)
		}
		t.Logf("%s: %v", name, err)
	}
	server.mails(t, 0)
	log, err := os.ReadFile(filepath.Join(server.Dir, "log", "mainlog"))
	if err != nil || strings.Contains(string(log), "MAIL FROM:<litekeep") && strings.Contains(string(log), "wrong password") {
		t.Errorf("%v: the server saw a password in the clear:\n%s", err, log)
	}
}

// emailRecipients: one that is refused does not keep it from the others.
func emailRecipients(t *testing.T, server *exim) {
	e := newEmail(t, EmailConfig{Host: "127.0.0.1", Port: server.Plain, TLS: TLSNone, To: []string{"nobody@example.org", "Ada <ada@example.org>", "ops@example.org"}})
	err := e.Deliver(t.Context(), message(KindFailed))
	partial, ok := errors.AsType[*PartialError](err)
	if !ok || !strings.Contains(partial.Error(), "nobody@example.org") || strings.Contains(partial.Error(), "ada@") {
		t.Errorf("%v", err)
	}
	var to []string
	for _, m := range server.mails(t, 2) {
		to = append(to, m.Header.Get("To"))
	}
	slices.Sort(to)
	if !slices.Equal(to, []string{`"Ada" <ada@example.org>`, "<ops@example.org>"}) {
		t.Errorf("to %v", to)
	}
}

// TestSilentMailServer takes the connection and says nothing.
func TestSilentMailServer(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	ctx, cancel := context.WithTimeout(t.Context(), 200*time.Millisecond)
	defer cancel()
	began := time.Now()
	e := newEmail(t, EmailConfig{Host: "127.0.0.1", Port: l.Addr().(*net.TCPAddr).Port, TLS: TLSNone})
	if err := e.Deliver(ctx, message(KindFailed)); err == nil || time.Since(began) > 5*time.Second {
		t.Errorf("%v after %v", err, time.Since(began))
	}
}

func TestEmailConfig(t *testing.T) {
	good := EmailConfig{Host: "mail.example.org", From: "a@b.c", To: []string{"d@e.f"}}
	for name, c := range map[string]struct {
		change func(*EmailConfig)
		want   string
	}{
		"host":      {func(c *EmailConfig) { c.Host = "" }, "host"},
		"tls":       {func(c *EmailConfig) { c.TLS = "ssl" }, "starttls"},
		"port":      {func(c *EmailConfig) { c.Port = 70000 }, "port"},
		"plain":     {func(c *EmailConfig) { c.TLS = TLSNone }, "this machine"},
		"user":      {func(c *EmailConfig) { c.User = "x" }, "belong together"},
		"password":  {func(c *EmailConfig) { c.TLS, c.AllowPlain, c.User, c.Password = TLSNone, true, "x", "s3cret" }, "without TLS"},
		"from":      {func(c *EmailConfig) { c.From = "nobody" }, "no address"},
		"nobody":    {func(c *EmailConfig) { c.To = nil }, "write to"},
		"recipient": {func(c *EmailConfig) { c.To = []string{"d@e.f", "x\r\nBcc: y@z"} }, "no address"},
	} {
		bad := good
		c.change(&bad)
		_, err := NewEmail(bad)
		if !errors.Is(err, ErrChannel) || !strings.Contains(err.Error(), c.want) || strings.Contains(err.Error(), "s3cret") {
			t.Errorf("%s: %v", name, err)
		}
	}
	for tls, port := range map[string]int{"": 587, TLSImplicit: 465} {
		c := good
		c.TLS = tls
		if e := newEmail(t, c); e.config.Port != port {
			t.Errorf("%q: port %d", tls, e.config.Port)
		}
	}
}
