package notify

import (
	"bytes"
	"html/template"
	"strings"
	"sync"
	"unicode/utf8"
)

// Text returns the message as plain text.
func (m *Message) Text() string {
	var b strings.Builder
	for i, s := range m.Sections {
		if i > 0 {
			b.WriteByte('\n')
		}
		b.WriteString(s.Title + "\n\n")
		width := 0
		for _, r := range s.Rows {
			width = max(width, utf8.RuneCountInString(r.Label))
		}
		for _, r := range s.Rows {
			below := "\n" + strings.Repeat(" ", width+4) // the lines of a value stand below each other
			b.WriteString("  " + r.Label + ":" + strings.Repeat(" ", width-utf8.RuneCountInString(r.Label)+1) + strings.ReplaceAll(r.Value, "\n", below) + "\n")
		}
		for _, item := range s.Items {
			b.WriteString("  - " + item + "\n")
		}
	}
	b.WriteString("\n-- \n") // a signature, as mail programs know it
	for _, n := range m.footer() {
		b.WriteString(n + "\n")
	}
	return b.String()
}

// footer is what stands below a message.
func (m *Message) footer() []string {
	from := "Sent by litekeep."
	if m.Host != "" {
		from = "Sent by litekeep on " + m.Host + "."
	}
	var lines []string
	for _, n := range append([]string{from}, m.Notes...) {
		lines = append(lines, oneLine(n))
	}
	return lines
}

// page needs no style sheet: mail programs drop those. It sets no background, so
// that dark mode works. It is made when it is first used: most commands send no
// mail.
var page = sync.OnceValue(func() *template.Template {
	return template.Must(template.New("page").Funcs(template.FuncMap{
		"colour": func(s Severity) string {
			switch s {
			case Critical:
				return "#c62828"
			case Warning:
				return "#b26a00"
			}
			return "#2e7d32"
		},
		"code":   func(r Row) bool { return r.Style == Command },
		"lines":  func(r Row) bool { return r.Style == Lines },
		"linked": func(r Row) bool { return r.Style == Link && isWeb(r.Value) },
	}).Parse(`<!DOCTYPE html>
<html lang="en"><head><meta charset="utf-8"><title>{{.Subject}}</title></head>
<body style="font-family:sans-serif;line-height:1.4">
{{range .Sections}}<div style="border-left:4px solid {{colour .Severity}};padding-left:12px;margin-bottom:24px">
<h2 style="font-size:18px;margin:0 0 8px">{{.Title}}</h2>
<table role="presentation" cellpadding="2">
{{range .Rows}}<tr><td style="vertical-align:top;white-space:nowrap;padding-right:12px"><b>{{.Label}}</b></td><td>{{if code .}}<code>{{.Value}}</code>{{else if lines .}}<pre style="margin:0;white-space:pre-wrap">{{.Value}}</pre>{{else if linked .}}<a href="{{.Value}}">{{.Value}}</a>{{else}}{{.Value}}{{end}}</td></tr>
{{end}}</table>
{{if .Items}}<ul>
{{range .Items}}<li>{{.}}</li>
{{end}}</ul>
{{end}}</div>
{{end}}<p style="font-size:12px">{{range .Footer}}{{.}}<br>
{{end}}</p>
</body></html>
`))
})

// isWeb reports whether a link may be made a link.
func isWeb(u string) bool { return strings.HasPrefix(u, "https://") || strings.HasPrefix(u, "http://") }

// HTML returns the message as a page.
func (m *Message) HTML() (string, error) {
	var b bytes.Buffer
	err := page().Execute(&b, struct {
		*Message
		Footer []string
	}{m, m.footer()})
	return b.String(), err
}
