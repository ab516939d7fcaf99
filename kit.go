package litekeep

import (
	"context"
	"errors"
	"path/filepath"
	"slices"
	"strings"

	"github.com/litekeep/litekeep/internal/destination"
	"github.com/litekeep/litekeep/internal/keys"
	"github.com/litekeep/litekeep/internal/vault"
)

// RecoveryKit returns a page that says what it takes to restore without this
// machine: where the backups are, which keys open them, and the exact commands,
// with a checksum. It is meant to be printed. With includeKeys the content of
// key files is on it, so that the page and a backup are enough; passphrases
// never are.
func (s *Service) RecoveryKit(ctx context.Context, includeKeys bool) ([]byte, error) {
	if err := s.cfg.Validate(); err != nil {
		return nil, err
	}
	if !s.cfg.sealed() {
		return nil, &Error{Op: "key kit", Kind: ErrNoKey, Err: errors.New("no key was given"), Hint: "--key names the key, and LITEKEEP_KEYS"}
	}
	dir, err := filepath.Abs(s.cfg.BackupDirectory)
	if err != nil {
		return nil, err
	}
	names, err := s.names()
	if err != nil {
		return nil, explain("key kit", s.cfg.BackupDirectory, err)
	}
	if s.cfg.Name == "" { // a backup that was refused leaves a folder without any
		names = slices.DeleteFunc(names, func(name string) bool {
			used, err := s.used(ctx, name)
			return err == nil && !used
		})
	}
	places := []string{dir}
	for _, text := range s.cfg.Copies {
		if !destination.IsURL(text) {
			if text, err = filepath.Abs(text); err != nil {
				return nil, err
			}
		}
		places = append(places, text)
	}
	kit := keys.Kit{Made: s.now(), Writer: "litekeep " + Version, Databases: names, Destinations: places}
	for _, ref := range s.cfg.Keys {
		source, err := keys.ParseSource(ref)
		if err != nil {
			return nil, keyError(ctx, err)
		}
		k, err := kitKey(ctx, source, includeKeys)
		if err != nil {
			return nil, err
		}
		kit.Keys = append(kit.Keys, k)
	}
	kit.Commands = kitCommands(kit.Destinations, names, s.cfg.Keys[0])
	text, err := kit.Text()
	return text, explain("key kit", dir, err)
}

// kitKey describes one key. Of a key file the page has the fingerprint at least.
func kitKey(ctx context.Context, source keys.Source, include bool) (keys.KitKey, error) {
	path, ok := strings.CutPrefix(source.String(), "file:")
	if !ok {
		return keys.KitKey{Source: source}, nil
	}
	f, err := keys.ReadFile(path)
	if err != nil {
		return keys.KitKey{}, keyError(ctx, err)
	}
	return keys.KitKey{Source: source, File: f, Print: include}, nil
}

// kitCommands are the steps of a restore from each of the places, the folder of
// the backups first, with the reference of a key.
func kitCommands(places, names []string, ref string) []keys.KitCommand {
	dir, key := places[0], " --key "+quote(ref)
	commands := []keys.KitCommand{
		{Why: "See what there is", Line: "litekeep list --dir " + quote(dir)},
		{Why: "Try the key", Line: "litekeep key check --dir " + quote(dir) + key},
	}
	for i, place := range places {
		for _, name := range names {
			why := "Restore the newest backup of " + name + " to a new file"
			if i > 0 {
				why = "The same from " + place
			}
			from := destination.Join(place, vault.Ref{Database: name})
			commands = append(commands, keys.KitCommand{
				Why: why, Line: "litekeep restore " + quote(from) + " " + quote("restored-"+name+".db") + key,
			})
		}
	}
	return commands
}

// quote writes s as one word for a POSIX shell.
func quote(s string) string {
	plain := func(r rune) bool {
		return r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || strings.ContainsRune("/._-+:@%,=", r)
	}
	if s != "" && strings.IndexFunc(s, func(r rune) bool { return !plain(r) }) < 0 {
		return s
	}
	return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'"
}
