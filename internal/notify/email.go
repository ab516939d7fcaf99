package notify

import (
	"cmp"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	netmail "net/mail"
	"strings"
	"time"

	"github.com/wneessen/go-mail"
)

// How mail is protected on its way to the server.
const (
	TLSStart    = "starttls" // plain at first, then TLS or nothing; port 587 or 25
	TLSImplicit = "tls"      // TLS from the first byte; port 465
	TLSNone     = "none"     // nothing; for a server on this machine
)

// mailTime bounds one delivery.
const mailTime = 30 * time.Second

// EmailConfig says how to send mail. Host, From and To are needed.
type EmailConfig struct {
	Host string
	Port int    // default 587, 465 with TLSImplicit, 25 with TLSNone
	TLS  string // TLSStart (default), TLSImplicit or TLSNone
	// AllowPlain permits TLSNone to a server on another machine.
	AllowPlain     bool
	User, Password string // both empty: no login. Never sent without TLS
	From           string // an address, also with a name: "litekeep <backup@example.org>"
	To             []string
	// RootCAs are trusted instead of those of the system.
	RootCAs *x509.CertPool
}

// Email sends messages by SMTP, as plain text and HTML. Messages about one
// trouble are one thread.
type Email struct {
	config EmailConfig
	from   *netmail.Address
	to     []*netmail.Address
}

var _ Channel = (*Email)(nil)

// NewEmail returns a channel. The error matches ErrChannel and says what is wrong.
func NewEmail(c EmailConfig) (*Email, error) {
	refuse := func(format string, args ...any) (*Email, error) {
		return nil, fmt.Errorf("email: %w: %s", ErrChannel, fmt.Sprintf(format, args...))
	}
	c.TLS = cmp.Or(c.TLS, TLSStart)
	port, ok := map[string]int{TLSStart: 587, TLSImplicit: 465, TLSNone: 25}[c.TLS]
	c.Port = cmp.Or(c.Port, port)
	switch {
	case !ok:
		return refuse("tls must be starttls, tls or none, not %q", c.TLS)
	case c.Host == "":
		return refuse("it needs a host")
	case c.Port < 1 || c.Port > 65535:
		return refuse("there is no port %d", c.Port)
	case c.TLS == TLSNone && !c.AllowPlain && !loopback(c.Host):
		return refuse("without TLS only a server on this machine is used, not %s", c.Host)
	case c.TLS == TLSNone && c.User != "":
		return refuse("a password is not sent without TLS")
	case (c.User == "") != (c.Password == ""):
		return refuse("user and password belong together")
	case len(c.To) == 0:
		return refuse("it needs somebody to write to")
	}
	e := &Email{config: c}
	var err error
	if e.from, err = netmail.ParseAddress(c.From); err != nil {
		return refuse("the sender %q is no address", c.From)
	}
	for _, to := range c.To {
		a, err := netmail.ParseAddress(to)
		if err != nil {
			return refuse("the recipient %q is no address", to)
		}
		e.to = append(e.to, a)
	}
	return e, nil
}

// loopback reports whether the host is this machine.
func loopback(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}

// Deliver sends m to all recipients: each has a mail of its own, so that one whose
// address is wrong does not keep it from the others.
func (e *Email) Deliver(ctx context.Context, m *Message) error {
	ctx, cancel := context.WithTimeout(ctx, mailTime)
	defer cancel()
	client, err := e.client(ctx)
	if err != nil {
		return e.wrap(err)
	}
	var mails []*mail.Msg
	for _, to := range e.to {
		msg, err := e.mail(m, to)
		if err != nil {
			return e.wrap(err)
		}
		mails = append(mails, msg)
	}
	err = client.DialAndSendWithContext(ctx, mails...)
	if err == nil {
		return nil
	}
	if ctx.Err() != nil {
		err = fmt.Errorf("no answer in time: %w", ctx.Err())
	}
	var failed []error
	for i, msg := range mails {
		if !msg.IsDelivered() {
			failed = append(failed, fmt.Errorf("to %s: %w", e.to[i].Address, cmp.Or(msg.SendError(), err)))
		}
	}
	switch len(failed) {
	case 0: // all have it, only the goodbye went wrong
		return nil
	case len(mails):
		return e.wrap(err)
	}
	return &PartialError{Err: errors.Join(failed...)}
}

func (e *Email) wrap(err error) error {
	text := oneLine(err.Error())
	if p := e.config.Password; p != "" {
		text = strings.ReplaceAll(text, p, "(secret)")
	}
	return fmt.Errorf("send mail by %s:%d: %s", e.config.Host, e.config.Port, cut(text, 500))
}

// dial connects. The connection is closed when ctx ends: go-mail looks at its own
// time limit alone once it is connected.
func (e *Email) dial(ctx context.Context, secure *tls.Config) mail.DialContextFunc {
	return func(short context.Context, network, address string) (conn net.Conn, err error) {
		if e.config.TLS == TLSImplicit {
			conn, err = (&tls.Dialer{Config: secure}).DialContext(short, network, address)
		} else {
			conn, err = new(net.Dialer).DialContext(short, network, address)
		}
		if err == nil {
			context.AfterFunc(ctx, func() { _ = conn.Close() })
		}
		return conn, err
	}
}

// logins are the ways to log in, the best first. All of them are under TLS.
var logins = []mail.SMTPAuthType{
	mail.SMTPAuthSCRAMSHA256PLUS, mail.SMTPAuthSCRAMSHA256, mail.SMTPAuthSCRAMSHA1PLUS, mail.SMTPAuthSCRAMSHA1,
	mail.SMTPAuthPlain, mail.SMTPAuthLogin, mail.SMTPAuthCramMD5,
}

// client prepares one delivery, which ends with ctx.
func (e *Email) client(ctx context.Context) (*mail.Client, error) {
	secure := &tls.Config{ServerName: e.config.Host, RootCAs: e.config.RootCAs, MinVersion: tls.VersionTLS12}
	options := []mail.Option{
		mail.WithPort(e.config.Port),
		mail.WithTimeout(mailTime),
		mail.WithTLSConfig(secure),
		mail.WithDialContextFunc(e.dial(ctx, secure)),
	}
	switch e.config.TLS {
	case TLSStart:
		options = append(options, mail.WithTLSPolicy(mail.TLSMandatory))
	case TLSImplicit:
		options = append(options, mail.WithSSL())
	case TLSNone:
		options = append(options, mail.WithTLSPolicy(mail.NoTLS))
	}
	if e.config.User != "" {
		options = append(options, mail.WithOpportunisticSMTPAuth(logins...),
			mail.WithUsername(e.config.User), mail.WithPassword(e.config.Password))
	}
	return mail.NewClient(e.config.Host, options...)
}

// mail makes the mail to one recipient.
func (e *Email) mail(m *Message, to *netmail.Address) (*mail.Msg, error) {
	html, err := m.HTML()
	if err != nil {
		return nil, err
	}
	msg := mail.NewMsg()
	msg.FromMailAddress(e.from)
	msg.ToMailAddress(to)
	msg.Subject(m.Subject)
	msg.SetDateWithValue(m.Time)
	// The thread names a mail that nobody ever sent; mail programs put what refers
	// to it together all the same.
	msg.SetMessageIDWithValue(m.ID + "@" + e.domain())
	if thread := m.Thread(); thread != m.ID {
		root := "<" + thread + "@" + e.domain() + ">"
		msg.SetGenHeader(mail.HeaderInReplyTo, root)
		msg.SetGenHeader(mail.HeaderReferences, root)
	}
	// Out-of-office programs must not answer (RFC 3834).
	msg.SetGenHeader("Auto-Submitted", "auto-generated")
	msg.SetGenHeader("X-Auto-Response-Suppress", "All")
	if m.Severity == Critical {
		msg.SetImportance(mail.ImportanceHigh)
	}
	msg.SetBodyString(mail.TypeTextPlain, m.Text())
	msg.AddAlternativeString(mail.TypeTextHTML, html)
	return msg, nil
}

// domain is that of the sender, for ids.
func (e *Email) domain() string {
	_, domain, _ := strings.Cut(e.from.Address, "@")
	return domain
}
