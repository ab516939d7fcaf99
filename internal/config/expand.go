package config

import (
	"errors"
	"fmt"
	"strings"
)

// expand puts the values of environment variables in the place of ${NAME}. A $${ is
// a ${ that is meant as it stands. What a variable holds is not expanded again.
func expand(text string, env func(string) (string, bool)) (string, error) {
	var b strings.Builder
	for {
		at := strings.Index(text, "${")
		if at < 0 {
			b.WriteString(text)
			return b.String(), nil
		}
		if at > 0 && text[at-1] == '$' {
			b.WriteString(text[:at-1] + "${")
			text = text[at+2:]
			continue
		}
		b.WriteString(text[:at])
		name, rest, ok := strings.Cut(text[at+2:], "}")
		if !ok {
			return "", errors.New("the } of ${ is missing; write $${ for a ${ that is meant as it stands")
		}
		if !isVariable(name) {
			// Not quoted: it may be a piece of a password.
			return "", errors.New("between ${ and } must be the name of an environment variable, and nothing else; write $${ for a ${ that is meant as it stands")
		}
		value, ok := env(name)
		if !ok {
			return "", fmt.Errorf("the environment variable %s is not set", name)
		}
		b.WriteString(value)
		text = rest
	}
}

// escape is the reverse of expand for a text without references.
func escape(text string) string { return strings.ReplaceAll(text, "${", "$${") }

func isVariable(name string) bool {
	const letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz_"
	return name != "" && strings.Trim(name, letters+"0123456789") == "" && strings.Contains(letters, name[:1])
}
