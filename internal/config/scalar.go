package config

import (
	"fmt"
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"unicode"

	"github.com/goccy/go-yaml/ast"
)

// scalar fills v from a node that is one value.
func (d *decoder) scalar(path string, node ast.Node, v reflect.Value, k key) {
	text, isText := scalarText(node)
	if v.Kind() == reflect.Slice {
		d.wrong(path, "put it in brackets, or on a line of its own after a -", "want a list, not one value")
		return
	}
	if v.Kind() == reflect.Struct && v.Type() != secretType {
		d.wrong(path, "", "want %s, not one value", want(v.Type()))
		return
	}
	expanded, err := expand(text, d.env)
	if err != nil {
		d.wrong(path, "", "%v", err)
		return
	}
	wasReference := expanded != text
	switch {
	case v.Type() == secretType:
		d.secret(path, text, expanded, isText, v)
	case v.Kind() == reflect.String:
		d.text(path, expanded, isText, v, k)
	case v.Kind() == reflect.Bool:
		d.boolean(path, expanded, node, wasReference, v)
	case v.Type() == durationType:
		x, err := parseDuration(expanded)
		if err != nil {
			d.wrong(path, unitHint(expanded), "%v", err)
		}
		v.SetInt(int64(x))
	case v.Type() == bytesType:
		x, err := ParseBytes(expanded)
		if err != nil {
			d.wrong(path, "", "%v", err)
		}
		v.SetInt(int64(x))
	case v.Type() == percentType:
		x, err := ParsePercent(expanded)
		if err != nil {
			d.wrong(path, "", "%v", err)
		}
		v.SetInt(int64(x))
	default:
		d.integer(path, expanded, v, k)
	}
}

// scalarText returns the text of a value, and whether YAML takes it for a text and not
// for a number, a boolean and so on.
func scalarText(node ast.Node) (string, bool) {
	switch n := node.(type) {
	case *ast.StringNode:
		return n.Value, true
	case *ast.LiteralNode:
		return n.Value.Value, true
	}
	return node.GetToken().Value, false
}

func (d *decoder) text(path, text string, isText bool, v reflect.Value, k key) {
	switch {
	case !isText:
		d.wrong(path, fmt.Sprintf("put it in quotes: %.80q", text), "want a text, not %.80s", text)
	case strings.ContainsFunc(text, unicode.IsControl):
		d.wrong(path, "", "has line feeds or other control characters")
	case k.enum != nil && !slices.Contains(k.enum, text):
		d.wrong(path, didYouMean(text, k.enum), "%.80q is not one of %s", text, oneOf(k.enum))
	default:
		v.SetString(text)
	}
}

// secret takes a secret as it stands, or what a file: reference leads to. Nothing of
// it is ever in a message.
func (d *decoder) secret(path, text, expanded string, isText bool, v reflect.Value) {
	if !isText {
		d.wrong(path, "put it in quotes", "want a text")
		return
	}
	if file, ok := strings.CutPrefix(text, "file:"); ok && file != "" {
		var err error
		if expanded, err = d.readFile(d.absolute(expanded[len("file:"):])); err != nil {
			d.wrong(path, "", "%v", err)
			return
		}
	}
	switch {
	case expanded == "":
		d.wrong(path, "leave the key out if there is none", "is empty")
	case strings.ContainsFunc(expanded, unicode.IsControl):
		d.wrong(path, "", "has line feeds or other control characters")
	default:
		s := NewSecret(expanded)
		s.literal = expanded == text
		v.Set(reflect.ValueOf(s))
	}
}

func (d *decoder) boolean(path, text string, node ast.Node, wasReference bool, v reflect.Value) {
	_, isBool := node.(*ast.BoolNode)
	switch {
	case (isBool || wasReference) && strings.EqualFold(text, "true"):
		v.SetBool(true)
	case (isBool || wasReference) && strings.EqualFold(text, "false"):
		v.SetBool(false)
	default:
		hint := ""
		switch strings.ToLower(text) {
		case "yes", "on", "1", "y", "true":
			hint = "did you mean true?"
		case "no", "off", "0", "n", "false":
			hint = "did you mean false?"
		}
		d.wrong(path, hint, "want true or false, not %.80q", text)
	}
}

// plainInteger is how whole numbers are written; YAML has more ways, which somebody
// who writes 010 does not mean.
var plainInteger = regexp.MustCompile(`^(0|-?[1-9][0-9]{0,8})$`)

func (d *decoder) integer(path, text string, v reflect.Value, k key) {
	if !plainInteger.MatchString(text) {
		d.wrong(path, "", "want a whole number, not %.80q", text)
		return
	}
	n, err := strconv.Atoi(text)
	switch {
	case err != nil:
		d.wrong(path, "", "want a whole number, not %.80q", text)
	case k.min != nil && n < *k.min:
		d.wrong(path, "", "%d is too little; the least is %d", n, *k.min)
	case k.max != nil && n > *k.max:
		d.wrong(path, "", "%d is too much; the most is %d", n, *k.max)
	default:
		v.SetInt(int64(n))
	}
}

// longUnits are the units that people write out, or with a space before them. An M
// alone is none: it may be months.
var longUnits = regexp.MustCompile(`^([0-9]+) ?((?i:weeks?|days?|hours?|hrs?|minutes?|mins?|seconds?|secs?)|[wdhms])$`)

// unitHint is a hint for a duration without a unit, or with one that is written out.
func unitHint(text string) string {
	if plainInteger.MatchString(text) && text[0] != '-' {
		return fmt.Sprintf("the unit is missing: %ss is seconds, %sm is minutes, %sh is hours", text, text, text)
	}
	if m := longUnits.FindStringSubmatch(text); m != nil {
		like := m[1] + strings.ToLower(m[2][:1])
		if _, err := parseDuration(like); err == nil {
			return "did you mean " + like + "?"
		}
	}
	return ""
}
