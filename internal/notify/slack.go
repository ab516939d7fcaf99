package notify

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
)

// Limits that Slack sets for a message:
// https://docs.slack.dev/reference/block-kit/blocks/section-block/
const (
	slackText   = 3000 // characters of a section; we count bytes, which are more
	slackBlocks = 50
	// slackValueLimit is ours: so much of a row fits even where all of it has to
	// be escaped.
	slackValueLimit = 500
)

// Slack sends messages to an incoming webhook of Slack, or of a chat that
// understands the same (Mattermost, Rocket.Chat).
type Slack struct{ posting *posting }

var _ Channel = (*Slack)(nil)

// NewSlack returns a channel to the webhook at address, which is a secret and may
// contain {database}. The error matches ErrChannel.
func NewSlack(address string) (*Slack, error) {
	p, err := newPosting(address, postSlack)
	if err != nil {
		return nil, fmt.Errorf("slack: %w", err)
	}
	return &Slack{p}, nil
}

// Deliver sends m as blocks, with its subject for notifications.
func (s *Slack) Deliver(ctx context.Context, m *Message) error { return s.posting.deliver(ctx, m) }

func postSlack(ctx context.Context, to *poster, m *Message) error {
	body, err := json.Marshal(slackMessage(m))
	if err != nil {
		return err
	}
	return to.send(ctx, http.MethodPost, http.Header{"Content-Type": {"application/json"}}, body)
}

type slackBlock struct {
	Type     string          `json:"type"`
	Text     *slackMarkdown  `json:"text,omitempty"`
	Elements []slackMarkdown `json:"elements,omitempty"`
}

type slackMarkdown struct {
	Type string `json:"type"`
	Text string `json:"text"`
}

type slackPost struct {
	Text   string       `json:"text"`
	Blocks []slackBlock `json:"blocks"`
}

func slackMessage(m *Message) slackPost {
	post := slackPost{Text: slackEscape(m.Subject)}
	for i, s := range m.Sections {
		if i == slackBlocks-2 { // one for what is left out, one for the footer
			post.add("_" + fmt.Sprintf("%d more", len(m.Sections)-i) + "_")
			break
		}
		mark := map[Severity]string{Critical: ":red_circle:", Warning: ":large_orange_circle:"}[s.Severity]
		if mark == "" {
			mark = ":large_green_circle:"
		}
		lines := []string{mark + " *" + slackEscape(s.Title) + "*"}
		for _, r := range s.Rows {
			lines = append(lines, "*"+slackEscape(r.Label)+":* "+slackValue(r))
		}
		for _, item := range s.Items {
			lines = append(lines, "• "+slackEscape(cut(item, slackValueLimit)))
		}
		post.add(fit(lines, slackText))
	}
	post.Blocks = append(post.Blocks, slackBlock{Type: "context", Elements: []slackMarkdown{
		{"mrkdwn", cut(slackEscape(strings.Join(m.footer(), " ")), slackText)},
	}})
	return post
}

func (p *slackPost) add(text string) {
	p.Blocks = append(p.Blocks, slackBlock{Type: "section", Text: &slackMarkdown{"mrkdwn", text}})
}

func slackValue(r Row) string {
	v := slackEscape(cut(r.Value, slackValueLimit))
	switch {
	case r.Style == Command && !strings.Contains(v, "`"):
		return "`" + v + "`"
	case r.Style == Lines && strings.Contains(v, "\n") && !strings.Contains(v, "```"):
		return "\n```\n" + v + "\n```"
	case r.Style == Link && isWeb(r.Value) && !strings.ContainsAny(v, "|> "):
		return "<" + v + ">"
	}
	return v
}

// fit joins as many whole lines as n bytes hold, so that no escape is cut.
func fit(lines []string, n int) string {
	const more = "\n…"
	text := ""
	for _, l := range lines {
		if len(text)+len(l)+1+len(more) > n {
			return text + more
		}
		text += l + "\n"
	}
	return strings.TrimSuffix(text, "\n")
}

// slackEscape takes their meaning from the three characters that Slack gives one
// in links and mentions: nothing in an error can call @channel.
func slackEscape(s string) string {
	return strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;").Replace(s)
}
