package engine

import "strings"

// indexText is what the text of a CREATE INDEX says.
type indexText struct {
	terms []string // the columns and expressions, with their COLLATE but without ASC and DESC
	where string   // the condition, "" if there is none
}

// parseIndexText takes apart the text of an index that SQLite has loaded, so that the text is
// known to be one. It reports false for what it does not understand all the same.
func parseIndexText(sql string) (x indexText, ok bool) {
	s := sqlScanner{text: sql}
	depth, start, last := 0, 0, ""
	for {
		from := s.at
		token := s.next()
		switch {
		case token == "":
			return x, false
		case token == "(":
			if depth++; depth == 1 {
				start = s.at
			}
		case depth == 1 && (token == "," || token == ")"):
			term := sql[start:from]
			if strings.EqualFold(last, "ASC") || strings.EqualFold(last, "DESC") {
				term = term[:strings.LastIndex(term, last)]
			}
			x.terms = append(x.terms, term)
			start = s.at
			if token == ")" {
				return x, x.condition(&s)
			}
		case token == ")":
			depth--
		}
		last = token
	}
}

// condition takes what follows the terms.
func (x *indexText) condition(s *sqlScanner) bool {
	switch token := s.next(); {
	case token == "":
		return true
	case strings.EqualFold(token, "WHERE"):
		from, to := s.at, s.at
		for s.next() != "" {
			to = s.at // without a comment at the end
		}
		x.where = s.text[from:to]
		return true
	}
	return false
}

// sqlScanner finds the tokens of SQL that matter to parseIndexText: words, quoted names and
// literals as a whole, and each other character. White space and comments are passed over.
type sqlScanner struct {
	text string
	at   int // behind the last token
}

// next returns the next token, "" at the end.
func (s *sqlScanner) next() string {
	s.skip()
	from := s.at
	if from == len(s.text) {
		return ""
	}
	switch c := s.text[from]; {
	case c == '\'' || c == '"' || c == '`':
		s.quoted(c)
	case c == '[':
		s.to("]")
	case isNameByte(c):
		for s.at < len(s.text) && isNameByte(s.text[s.at]) {
			s.at++
		}
	default:
		s.at++
	}
	return s.text[from:s.at]
}

func isNameByte(c byte) bool {
	return c >= 0x80 || c == '_' || c == '$' || '0' <= c && c <= '9' || 'a' <= c|0x20 && c|0x20 <= 'z'
}

// skip passes over white space and comments.
func (s *sqlScanner) skip() {
	for s.at < len(s.text) {
		rest := s.text[s.at:]
		switch {
		case strings.HasPrefix(rest, "--"):
			s.to("\n")
		case strings.HasPrefix(rest, "/*"):
			s.at += 2
			s.to("*/")
		case strings.IndexByte(" \t\n\v\f\r", rest[0]) >= 0:
			s.at++
		default:
			return
		}
	}
}

// to goes behind the next end, or to the end of the text.
func (s *sqlScanner) to(end string) {
	if i := strings.Index(s.text[s.at:], end); i >= 0 {
		s.at += i + len(end)
		return
	}
	s.at = len(s.text)
}

// quoted goes behind what is quoted by c, which is doubled where it is meant.
func (s *sqlScanner) quoted(c byte) {
	for s.at++; ; s.at++ {
		s.to(string(c))
		if s.at == len(s.text) || s.text[s.at] != c {
			return
		}
	}
}
