CREATE TABLE runs (
  id             TEXT NOT NULL PRIMARY KEY,
  database       TEXT NOT NULL,
  kind           TEXT NOT NULL,
  "trigger"      TEXT NOT NULL,
  actor          TEXT NOT NULL,
  slot           INTEGER,
  attempt        INTEGER NOT NULL,
  dry_run        INTEGER NOT NULL,
  started        INTEGER,
  ended          INTEGER,          -- NULL while it is under way
  outcome        TEXT NOT NULL,
  error          TEXT NOT NULL,
  hint           TEXT NOT NULL,
  backup         TEXT NOT NULL,
  size_bytes     INTEGER NOT NULL,
  document_bytes INTEGER NOT NULL,
  table_count    INTEGER NOT NULL,
  record_count   INTEGER NOT NULL,
  duration       INTEGER NOT NULL, -- nanoseconds
  verified       INTEGER NOT NULL,
  detail         TEXT NOT NULL,    -- JSON, or nothing
  log            TEXT NOT NULL,    -- JSON array of lines, or nothing
  process        TEXT NOT NULL     -- name of the Store that began it
) STRICT;
CREATE INDEX runs_database ON runs(database, kind, id);
CREATE INDEX runs_open ON runs(id) WHERE ended IS NULL;

CREATE TABLE slots (
  database TEXT NOT NULL PRIMARY KEY,
  slot     INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE tokens (
  id        TEXT NOT NULL PRIMARY KEY,
  name      TEXT NOT NULL,
  hash      BLOB NOT NULL UNIQUE CHECK (length(hash) = 32),
  role      TEXT NOT NULL,
  databases TEXT NOT NULL,         -- JSON array of names; none is all
  created   INTEGER,
  expires   INTEGER,
  used      INTEGER,
  revoked   INTEGER
) STRICT;

CREATE TABLE messages (
  id        TEXT NOT NULL PRIMARY KEY,
  channel   TEXT NOT NULL,
  body      TEXT NOT NULL,         -- JSON
  created   INTEGER,
  next      INTEGER,               -- when to try (again)
  attempts  INTEGER NOT NULL,
  error     TEXT NOT NULL,         -- of the last attempt
  failed    INTEGER,               -- when that was
  delivered INTEGER                -- NULL while it waits
) STRICT;
CREATE INDEX messages_waiting ON messages(next) WHERE delivered IS NULL;

CREATE TABLE conditions (
  subject TEXT NOT NULL,
  kind    TEXT NOT NULL,
  since   INTEGER,
  told    INTEGER,
  count   INTEGER NOT NULL,
  detail  TEXT NOT NULL,           -- JSON
  PRIMARY KEY (subject, kind)
) STRICT, WITHOUT ROWID;

CREATE TABLE drills (
  id       TEXT NOT NULL PRIMARY KEY,
  database TEXT NOT NULL,
  backup   TEXT NOT NULL,
  started  INTEGER,
  ended    INTEGER,
  outcome  TEXT NOT NULL,
  detail   TEXT NOT NULL           -- JSON
) STRICT;
CREATE INDEX drills_database ON drills(database, id);

CREATE TABLE notes (
  key   TEXT NOT NULL PRIMARY KEY,
  value TEXT NOT NULL              -- JSON
) STRICT, WITHOUT ROWID;
