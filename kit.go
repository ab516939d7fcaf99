package litekeep

import (
	"context"
	"errors"
	"path/filepath"
	"slices"
	"strings"

	"github.com/litekeep/litekeep/internal/destination"
	"github.com/litekeep/litekeep/internal/human"
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
	places, err := s.kitPlaces()
	if err != nil {
		return nil, err
	}
	kit := keys.Kit{Made: s.now(), Writer: "litekeep " + Version, Databases: names, Destinations: places}
	for _, ref := range s.cfg.Keys {
		k, err := kitKey(ctx, ref, includeKeys)
		if err != nil {
			return nil, err
		}
		kit.Keys = append(kit.Keys, k)
	}
	kit.Commands = kitCommands(kit.Destinations, names, s.cfg.Keys[0])
	text, err := kit.Text()
	return text, explain("key kit", dir, err)
}

// RecoveryKitOf is RecoveryKit for the databases of several Configs, each of which has
// a Name, and places and keys of its own: the page says for each of them where its
// backups are, which of the keys open them, and how to restore from each place. A Config
// without Keys is one whose backups are not sealed. from is the path of the configuration
// that they come from, "" for none.
func RecoveryKitOf(ctx context.Context, from string, all []Config, includeKeys bool, o ...Option) ([]byte, error) {
	b := kitBuilder{kit: keys.Kit{Made: New(Config{}, o...).now(), Writer: "litekeep " + Version, From: from}, numbers: map[string]int{}}
	for _, c := range all {
		if err := b.add(ctx, New(c, o...), includeKeys); err != nil {
			return nil, err
		}
	}
	for _, s := range b.kit.Sets {
		ref := ""
		if len(s.Keys) > 0 {
			ref = b.kit.Keys[s.Keys[0]].Source.String()
		}
		for _, c := range kitCommands(s.Destinations, s.Databases, ref) {
			if !slices.Contains(b.kit.Commands, c) { // sets may share a place
				b.kit.Commands = append(b.kit.Commands, c)
			}
		}
	}
	text, err := b.kit.Text()
	return text, explain("key kit", from, err)
}

// kitBuilder puts a kit together.
type kitBuilder struct {
	kit     keys.Kit
	numbers map[string]int // of the keys, by their references
}

// add adds the database of a Service, to those that have the same places and keys.
func (b *kitBuilder) add(ctx context.Context, s *Service, includeKeys bool) error {
	if err := s.cfg.validateAnywhere(); err != nil {
		return err
	}
	places, err := s.kitPlaces()
	if err != nil {
		return err
	}
	set := keys.KitSet{Databases: []string{s.cfg.Name}, Destinations: places}
	for _, ref := range s.cfg.Keys {
		n, known := b.numbers[ref]
		if !known {
			k, err := kitKey(ctx, ref, includeKeys)
			if err != nil {
				return err
			}
			n = len(b.kit.Keys)
			b.numbers[ref], b.kit.Keys = n, append(b.kit.Keys, k)
		}
		set.Keys = append(set.Keys, n)
	}
	same := slices.IndexFunc(b.kit.Sets, func(x keys.KitSet) bool {
		return slices.Equal(x.Destinations, set.Destinations) && slices.Equal(x.Keys, set.Keys)
	})
	if same >= 0 {
		b.kit.Sets[same].Databases = append(b.kit.Sets[same].Databases, s.cfg.Name)
		return nil
	}
	b.kit.Sets = append(b.kit.Sets, set)
	return nil
}

// kitPlaces are the places of the backups as they are found from anywhere on this
// machine, BackupDirectory first.
func (s *Service) kitPlaces() (places []string, err error) {
	for _, text := range append([]string{s.cfg.BackupDirectory}, s.cfg.Copies...) {
		if text, err = absolute(text); err != nil {
			return nil, err
		}
		places = append(places, text)
	}
	return places, nil
}

// kitKey describes one key. Of a key file the page has the fingerprint at least.
func kitKey(ctx context.Context, ref string, include bool) (keys.KitKey, error) {
	source, err := keys.ParseSource(ref)
	if err != nil {
		return keys.KitKey{}, keyError(ctx, err)
	}
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
// the backups first, with the reference of a key, "" for none.
func kitCommands(places, names []string, ref string) []keys.KitCommand {
	dir, key := places[0], ""
	commands := []keys.KitCommand{{Why: "See what there is", Line: "litekeep list --dir " + human.ShellWord(dir)}}
	if ref != "" {
		key = " --key " + human.ShellWord(ref)
		commands = append(commands, keys.KitCommand{Why: "Try the key", Line: "litekeep key check --dir " + human.ShellWord(dir) + key})
	}
	for _, name := range names {
		for i, place := range places {
			why := "Restore the newest backup of " + name + " to a new file"
			if i > 0 {
				why = "The same from " + place
			}
			from := destination.Join(place, vault.Ref{Database: name})
			commands = append(commands, keys.KitCommand{
				Why: why, Line: "litekeep restore " + human.ShellWord(from) + " " + human.ShellWord("restored-"+name+".db") + key,
			})
		}
	}
	return commands
}
