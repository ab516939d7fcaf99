package api

import (
	"context"
	"net/http"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/litekeep/litekeep/internal/access"
)

// InDatabase is the parameter of operations on one database.
type InDatabase struct {
	Database string `query:"database" maxLength:"255" doc:"Name of the database. Needed where there is more than one"`
}

// InBackup is the parameters of operations on one backup.
type InBackup struct {
	InDatabase
	File string `path:"backup_filename" doc:"File name of the backup, such as 20261122T020000.123Z.json.zst" example:"20261122T020000.123Z.json.zst"`
}

// maxName is the longest name of a file or a database, in bytes, as file systems
// have it.
const maxName = 255

// fileName refuses what cannot be the name of a backup. The door looks up the
// rest in its list.
func fileName(name string) error {
	if name == "" || len(name) > maxName || name[0] == '.' || !utf8.ValidString(name) ||
		strings.ContainsAny(name, `/\:`) || strings.ContainsFunc(name, unicode.IsControl) {
		return problem(http.StatusNotFound, "there is no such backup")
	}
	return nil
}

// database returns the database that a request is about: the one that it names,
// or the only one that by may see.
func (a *API) database(ctx context.Context, by access.Principal, named string) (string, error) {
	if named != "" {
		return named, nil
	}
	names, err := a.door.Names(ctx, by)
	if err != nil {
		return "", err
	}
	switch len(names) {
	case 0:
		return "", problem(http.StatusNotFound, "there is no database")
	case 1:
		return names[0], nil
	}
	p := badRequest("query.database", "needed, since there is more than one: "+plain(strings.Join(names, ", ")))
	p.Databases = names
	return "", p
}

// backup returns the database that a request about a backup names.
func (a *API) backup(ctx context.Context, by access.Principal, in *InBackup) (string, error) {
	if err := fileName(in.File); err != nil {
		return "", err
	}
	return a.database(ctx, by, in.Database)
}
