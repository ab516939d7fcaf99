// Package config reads litekeep.yaml and turns it into plain, checked values. The
// daemon and the commands see a Config and never the file.
//
// # Model
//
// A file has a list of databases and a section of defaults that they share. Every
// key of a Settings may stand in either; what a database says wins, key by key, also
// within its retention. A Config is resolved: each Database has all its settings, and
// Config.Defaults are only for showing. Types and their comments in types.go are the
// one description of the keys; the JSON schema, the tables in docs/CONFIGURATION.md
// and the check of unknown keys are made from them.
//
// # Strictness
//
// A key that is unknown or stands twice, a value of the wrong type, a value out of
// its range: each is a Problem with its place in the file, and all of a file's
// problems are found in one reading. A file of which anything is wrong gives no
// Config at all, since a backup that silently runs otherwise than somebody wrote is
// worse than none.
//
// YAML is used for its layout only. Anchors, aliases, merge keys and tags are refused:
// what they are for, the defaults do, and a file without them cannot blow up. Size,
// depth and number of values are bounded (see maxBytes and the constants beside it).
//
// # Secrets
//
// Passwords and URLs that let whoever has them in are of the type Secret, which no way
// of printing reveals. In the file they are given as ${VARIABLE}, or as file:PATH.
// An excerpt in an error shows stars in the place of what may be one.
//
// # Caveats
//
// Nothing here opens a database: a daemon that did would drop its own locks when it
// closed the file. Parse looks at nothing but its input and the files of secrets;
// whether folders exist and can be written to is what Config.Check is for.
package config
