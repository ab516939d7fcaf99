package config

import (
	"fmt"
	"reflect"
	"slices"
	"strconv"
	"time"

	"github.com/goccy/go-yaml/ast"
)

// A decoder fills structs from YAML and remembers where everything stood.
type decoder struct {
	*problems
	env      func(string) (string, bool)
	readFile func(path string) (string, error) // of secrets
	folder   string                            // that relative paths begin at
	at       map[string]place                  // values, by their paths
	keyAt    map[string]place                  // keys, by the paths of their values
	bad      map[string]bool                   // values that are wrong
	variable map[string]string                 // the environment variables that values are from, by their paths
	gaps     map[[2]string]time.Duration       // of schedules and zones, see shortestGap
	// fresh is what the elements of a list begin as. Missing types begin as zero.
	fresh map[reflect.Type]func() reflect.Value
}

// join makes the path of a key or an element below another.
func join(path, name string) string {
	if path == "" {
		return name
	}
	return path + "." + name
}

// wrong adds a problem with the value at a path.
func (d *decoder) wrong(path, hint, format string, args ...any) {
	d.bad[path] = true
	key := path
	if v := d.variable[path]; v != "" {
		key = v
	}
	d.add(d.place(path), key, fmt.Sprintf(format, args...), hint)
}

// has reports whether the file has a value at a path.
func (d *decoder) has(path string) bool {
	_, ok := d.at[path]
	return ok
}

// place is where the value at a path stands, or the nearest thing around it.
func (d *decoder) place(path string) place {
	for {
		if at, ok := d.at[path]; ok {
			return at
		}
		if at, ok := d.keyAt[path]; ok {
			return at
		}
		up, ok := parent(path)
		if !ok {
			return place{}
		}
		path = up
	}
}

func parent(path string) (string, bool) {
	for i := len(path) - 1; i >= 0; i-- {
		if path[i] == '.' {
			return path[:i], true
		}
	}
	return "", false
}

// mapping fills a struct. What the node does not have stays as it is. Keys are read in
// the order of the struct, so that databases see the defaults.
func (d *decoder) mapping(path string, node *ast.MappingNode, v reflect.Value) {
	keys := keysOf(v.Type())
	values := map[string]ast.Node{}
	for _, entry := range node.Values {
		if d.full() {
			return
		}
		name, ok := d.keyName(path, entry)
		if !ok {
			continue
		}
		full := join(path, name)
		at := placeOf(entry.Key.GetToken())
		switch known := slices.ContainsFunc(keys, func(k key) bool { return k.name == name }); {
		case !known:
			d.add(at, full, "there is no such key", keyHint(name, v.Type()))
			continue
		case values[name] != nil:
			d.add(at, full, fmt.Sprintf("stands here for the second time; the first is on line %d", d.keyAt[full].line), "")
			continue
		}
		values[name], d.keyAt[full] = entry.Value, at
	}
	for _, k := range keys {
		full := join(path, k.name)
		if value := values[k.name]; value != nil {
			d.value(full, value, v.FieldByIndex(k.index), k)
		} else if k.required || k.or != "" && values[k.or] == nil {
			d.add(d.missingAt(path, node), full, "is missing", "")
			d.bad[full] = true
		}
	}
}

// missingAt is the place that lacks a key.
func (d *decoder) missingAt(path string, node *ast.MappingNode) place {
	if path == "" || len(node.Values) == 0 {
		return d.place(path)
	}
	return placeOf(node.Values[0].Key.GetToken())
}

// maxKey is how much is read of a key, in bytes.
const maxKey = 100

// keyName returns the name of a key, unless it is of a kind that no key here is.
func (d *decoder) keyName(path string, entry *ast.MappingValueNode) (string, bool) {
	at := placeOf(entry.Key.GetToken())
	switch k := entry.Key.(type) {
	case *ast.StringNode:
		if len(k.Value) > maxKey {
			return k.Value[:maxKey] + "…", true // no key is as long
		}
		return k.Value, true
	case *ast.MergeKeyNode:
		d.add(at, path, "merge keys are not read", "put what databases share under defaults")
	default:
		d.add(at, path, "a key must be a plain word", "")
	}
	return "", false
}

// value fills v, a field or an element, from a node.
func (d *decoder) value(path string, node ast.Node, v reflect.Value, k key) {
	if d.full() {
		return
	}
	d.at[path] = startOf(node)
	switch node := node.(type) {
	case *ast.AnchorNode, *ast.AliasNode:
		hint := "put what databases share under defaults"
		if v.Kind() == reflect.String {
			hint = "put a value that begins with & or * in quotes"
		}
		d.wrong(path, hint, "anchors and aliases are not read")
	case *ast.TagNode:
		d.wrong(path, "leave it out, or put a value that begins with ! in quotes", "tags are not read")
	case *ast.NullNode:
		d.wrong(path, "leave the key out for the default", "has no value")
	case *ast.MappingNode:
		if v.Kind() != reflect.Struct || v.Type() == secretType {
			d.wrong(path, bracesHint(node, v), "want %s, not keys with values", want(v.Type()))
			return
		}
		d.mapping(path, node, v)
	case *ast.SequenceNode:
		if v.Kind() != reflect.Slice {
			d.wrong(path, "", "want %s, not a list", want(v.Type()))
			return
		}
		d.sequence(path, node, v, k)
	default:
		d.scalar(path, node, v, k)
	}
}

// bracesHint tells of the quotes that a text such as {name} lacks.
func bracesHint(node *ast.MappingNode, v reflect.Value) string {
	if v.Kind() == reflect.String && node.IsFlowStyle {
		return "put a text that begins with { in quotes"
	}
	return ""
}

// startOf is where a value begins.
func startOf(node ast.Node) place {
	if m, ok := node.(*ast.MappingNode); ok && len(m.Values) > 0 && !m.IsFlowStyle {
		return placeOf(m.Values[0].Key.GetToken())
	}
	return placeOf(node.GetToken())
}

// sequence makes v a list of the elements of a node, in the place of what it was.
func (d *decoder) sequence(path string, node *ast.SequenceNode, v reflect.Value, k key) {
	elem := v.Type().Elem()
	made := reflect.MakeSlice(v.Type(), len(node.Values), len(node.Values))
	for i, n := range node.Values {
		if fresh := d.fresh[elem]; fresh != nil {
			made.Index(i).Set(fresh())
		}
		d.value(join(path, strconv.Itoa(i)), n, made.Index(i), key{name: k.name, typ: elem, enum: k.enum})
	}
	v.Set(made)
}

var (
	secretType   = reflect.TypeFor[Secret]()
	durationType = reflect.TypeFor[time.Duration]()
	bytesType    = reflect.TypeFor[Bytes]()
	percentType  = reflect.TypeFor[Percent]()
)

// want names what a value of a type looks like.
func want(t reflect.Type) string {
	switch {
	case t == secretType, t.Kind() == reflect.String:
		return "a text"
	case t == durationType:
		return "a duration such as 90s, 15m, 26h or 7d"
	case t == bytesType:
		return "a size such as 2GiB"
	case t == percentType:
		return "a percentage such as 50%"
	case t.Kind() == reflect.Bool:
		return "true or false"
	case t.Kind() == reflect.Int:
		return "a whole number"
	case t.Kind() == reflect.Slice:
		return "a list"
	}
	return "keys with values"
}
