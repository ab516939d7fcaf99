package config

import (
	"errors"
	"fmt"
	"regexp"
	"strings"
	"unicode/utf8"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/lexer"
	"github.com/goccy/go-yaml/parser"
	"github.com/goccy/go-yaml/token"
)

// The bounds of a file. A thousand databases with ten keys each need a tenth of them.
const (
	maxBytes  = 1 << 20
	maxTokens = 50_000 // the parser takes a second for so many keys of one mapping
	maxDepth  = 32
)

// readDocument parses the text of a file. It returns the top mapping, nil if there
// are problems or nothing is in the file.
func readDocument(text []byte, p *problems) *ast.MappingNode {
	tokens := readTokens(text, p)
	if tokens == nil {
		return nil
	}
	file, err := parse(tokens)
	if err != nil {
		p.addSyntax(err)
		return nil
	}
	var top ast.Node
	for _, doc := range file.Docs {
		switch {
		case doc.Body == nil:
			continue
		case doc.Body.Type() == ast.DirectiveType:
			p.add(placeOf(doc.Body.GetToken()), "", "directives have no place here", "")
			return nil
		case top != nil:
			p.add(startOf(doc.Body), "", "a second YAML document in one file", "")
			return nil
		}
		top = doc.Body
	}
	switch top := top.(type) {
	case nil:
		return nil
	case *ast.MappingNode:
		return top
	default:
		p.add(placeOf(top.GetToken()), "", "want keys with values, such as databases:", "`litekeep config init DATABASE` writes a file to begin with")
		return nil
	}
}

// readTokens cuts the text into tokens and holds them to the bounds. It returns nil
// where they are broken.
func readTokens(text []byte, p *problems) token.Tokens {
	switch {
	case len(text) > maxBytes:
		p.add(place{}, "", fmt.Sprintf("the file has %d bytes; at most %d are read", len(text), maxBytes), "")
		return nil
	case !utf8.Valid(text):
		p.add(place{line: firstInvalid(text), column: 1}, "", "the line is not UTF-8", "")
		return nil
	}
	tokens := lexer.Tokenize(string(text))
	if len(tokens) > maxTokens {
		p.add(place{}, "", fmt.Sprintf("the file has %d keys, values and signs; at most %d are read", len(tokens), maxTokens), "")
		return nil
	}
	if t := tooDeep(tokens); t != nil {
		p.add(placeOf(t), "", fmt.Sprintf("nested more than %d deep", maxDepth), "")
		return nil
	}
	return tokens
}

// tooDeep returns the token at which the nesting is deeper than maxDepth, nil if none
// is. It must not be asked of the parser, which recurses.
func tooDeep(tokens token.Tokens) *token.Token {
	type opened struct{ column, count int } // by one line: its indent, and what it opened
	var lines []opened
	line, block, flow := 0, 0, 0
	for _, t := range tokens {
		if at := placeOf(t); at.line != line && flow == 0 {
			line = at.line
			for len(lines) > 0 && lines[len(lines)-1].column >= at.column {
				block -= lines[len(lines)-1].count
				lines = lines[:len(lines)-1]
			}
			lines = append(lines, opened{column: at.column})
		}
		switch t.Type {
		case token.SequenceStartType, token.MappingStartType:
			flow++
		case token.SequenceEndType, token.MappingEndType:
			flow = max(flow-1, 0)
		case token.SequenceEntryType, token.MappingKeyType, token.MappingValueType:
			if flow == 0 {
				lines[len(lines)-1].count++
				block++
			}
		}
		if flow+block > maxDepth {
			return t
		}
	}
	return nil
}

func firstInvalid(text []byte) int {
	for i, line := range strings.Split(string(text), "\n") {
		if !utf8.ValidString(line) {
			return i + 1
		}
	}
	return 0
}

// parse is parser.Parse, which must not end the service whatever it is given.
func parse(tokens token.Tokens) (file *ast.File, err error) {
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("cannot be read as YAML: %v", r)
		}
	}()
	return parser.Parse(tokens, 0, parser.AllowDuplicateMapKey()) // decode finds them all
}

// addSyntax adds what the parser complains of.
func (p *problems) addSyntax(err error) {
	var known yaml.Error
	if !errors.As(err, &known) || known.GetToken() == nil {
		p.add(place{}, "", err.Error(), "")
		return
	}
	at := placeOf(known.GetToken())
	message := "not valid YAML: " + known.GetMessage()
	if strings.Contains(message, "'\t'") || strings.Contains(message, "tab character") {
		message = "not valid YAML: a tab cannot indent; use spaces"
	}
	hint := ""
	if at.line >= 1 && at.line <= len(p.text) {
		hint = quoteHint(p.text[at.line-1])
	}
	p.add(at, "", message, hint)
}

// needsQuotes finds a value that begins with a sign that YAML keeps for itself, or a
// reference within brackets.
var (
	needsQuotes = regexp.MustCompile("(^|[-:,\\[][ \t]+|\\[)([@`%*&!|>])[^ \t]")
	inBrackets  = regexp.MustCompile(`[\[{,][^"']*\$\{`)
)

// quoteHint tells of quotes that a line lacks.
func quoteHint(line string) string {
	if m := needsQuotes.FindStringSubmatch(line); m != nil {
		return fmt.Sprintf("a value that begins with %s must be in quotes", m[2])
	}
	if inBrackets.MatchString(line) {
		return "within brackets ${…} must be in quotes"
	}
	return ""
}

func placeOf(t *token.Token) place {
	if t == nil || t.Position == nil {
		return place{}
	}
	return place{t.Position.Line, t.Position.Column}
}
