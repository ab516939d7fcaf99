package config

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"time"
)

// maxSecretFile bounds what is read of the file of a secret, in bytes.
const maxSecretFile = 64 << 10

// Load reads the file at path; see Parse.
func Load(path string, env func(string) (string, bool)) (*Config, error) {
	text, err := readFile(path)
	if err != nil {
		return nil, err
	}
	return Parse(path, text, env)
}

func readFile(path string) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("read configuration: %w", err)
	}
	defer f.Close()
	text, err := io.ReadAll(io.LimitReader(f, maxBytes+1))
	if err != nil {
		return nil, fmt.Errorf("read configuration: %w", err)
	}
	return text, nil
}

// Parse reads a configuration. name is the file's, for messages and for the folder
// that relative paths begin at; env looks up environment variables, as os.LookupEnv
// does. The files of secrets are read. The error is an *Error with all that is wrong,
// and matches ErrInvalid.
func Parse(name string, text []byte, env func(string) (string, bool)) (*Config, error) {
	folder, err := filepath.Abs(filepath.Dir(name))
	if err != nil {
		return nil, fmt.Errorf("read configuration: %w", err)
	}
	return parseConfig(name, folder, text, env, readSecret)
}

func parseConfig(name, folder string, text []byte, env func(string) (string, bool), readFile func(string) (string, error)) (*Config, error) {
	c, err := decodeConfig(name, folder, text, env, readFile)
	if err != nil {
		return nil, err
	}
	return c, nil
}

// decodeConfig is parseConfig that also returns what could be read of a configuration
// that is not valid; nil if it is not YAML.
func decodeConfig(name, folder string, text []byte, env func(string) (string, bool), readFile func(string) (string, error)) (*Config, error) {
	p := &problems{name: name, text: newSource(string(text)), hidden: map[place]bool{}}
	top := readDocument(text, p)
	if err := p.err(); err != nil {
		return nil, err
	}
	c := Default()
	d := &decoder{
		problems: p, env: env, readFile: readFile, folder: folder,
		at: map[string]place{}, keyAt: map[string]place{}, bad: map[string]bool{}, variable: map[string]string{},
		gaps: map[[2]string]time.Duration{},
	}
	checked := false
	d.fresh = map[reflect.Type]func() reflect.Value{
		reflect.TypeFor[Database](): func() reflect.Value {
			if !checked { // defaults stand before databases in Config
				d.settings("defaults", &c.Defaults)
				checked = true
			}
			return reflect.ValueOf(Database{Settings: c.Defaults.clone()})
		},
	}
	if top == nil {
		d.add(place{}, "databases", "there is no database", "`litekeep config init DATABASE` writes a file to begin with")
		return nil, d.err()
	}
	d.mapping("", top, reflect.ValueOf(c).Elem())
	if !checked {
		d.settings("defaults", &c.Defaults)
	}
	if !d.full() {
		d.override(c)
		d.validate(c)
	}
	return c, d.err()
}

// clone returns settings that share nothing with s.
func (s Settings) clone() Settings {
	s.Destinations = slices.Clone(s.Destinations)
	s.Keys = slices.Clone(s.Keys)
	return s
}

// readSecret reads the file of a secret, without the line feed at its end.
func readSecret(path string) (string, error) {
	info, err := os.Stat(path)
	if err != nil {
		return "", fmt.Errorf("read secret: %w", err)
	}
	if !info.Mode().IsRegular() {
		return "", fmt.Errorf("read secret: %s is not a file", path)
	}
	f, err := os.Open(path)
	if err != nil {
		return "", fmt.Errorf("read secret: %w", err)
	}
	defer f.Close()
	text, err := io.ReadAll(io.LimitReader(f, maxSecretFile+1))
	switch {
	case err != nil:
		return "", fmt.Errorf("read secret: %w", err)
	case len(text) > maxSecretFile:
		return "", errors.New("read secret: " + path + " is too large; is it another file?")
	}
	return strings.TrimRight(string(text), "\r\n"), nil
}
