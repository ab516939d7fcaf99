-- A state as version 1 wrote it. Statements end in ";--".
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
) STRICT;--
CREATE INDEX runs_database ON runs(database, kind, id);--
CREATE INDEX runs_open ON runs(id) WHERE ended IS NULL;--

CREATE TABLE slots (
  database TEXT NOT NULL PRIMARY KEY,
  slot     INTEGER NOT NULL
) STRICT, WITHOUT ROWID;--

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
) STRICT;--

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
) STRICT;--
CREATE INDEX messages_waiting ON messages(next) WHERE delivered IS NULL;--

CREATE TABLE conditions (
  subject TEXT NOT NULL,
  kind    TEXT NOT NULL,
  since   INTEGER,
  told    INTEGER,
  count   INTEGER NOT NULL,
  detail  TEXT NOT NULL,           -- JSON
  PRIMARY KEY (subject, kind)
) STRICT, WITHOUT ROWID;--

CREATE TABLE drills (
  id       TEXT NOT NULL PRIMARY KEY,
  database TEXT NOT NULL,
  backup   TEXT NOT NULL,
  started  INTEGER,
  ended    INTEGER,
  outcome  TEXT NOT NULL,
  detail   TEXT NOT NULL           -- JSON
) STRICT;--
CREATE INDEX drills_database ON drills(database, id);--

CREATE TABLE notes (
  key   TEXT NOT NULL PRIMARY KEY,
  value TEXT NOT NULL              -- JSON
) STRICT, WITHOUT ROWID;--
INSERT INTO runs VALUES ('20260505T020000.123Z-abcdef','app','backup','schedule','Ada',1777946400123,2,1,1777946401123,1777946402123,'partial','copy: no route','see the log','20260505T020000.123Z.json.zst',1099511627776,2199023255552,3,8589934592,12345678901,1,'{"copies": 2}','[{"time":"2026-05-05T02:00:01.123Z","level":"info","text":"begun\u0000 \"ä\""},{"time":"2026-05-05T02:00:02.123Z","level":"warn","text":""}]','OLDPROCESS');--
INSERT INTO slots VALUES ('app',1777946400123);--
INSERT INTO tokens VALUES ('t1','CI',x'00070e151c232a31383f464d545b626970777e858c939aa1a8afb6bdc4cbd2d9','operator','["app","we\"b"]',1777946400123,1777946490123,1777946403123,1777946404123);--
INSERT INTO messages VALUES ('m1','mail','{"text": "ä"}',1777946401123,1777946402123,3,'refused',1777946401123,NULL);--
INSERT INTO conditions VALUES ('database:app','failed',1777946401123,1777946402123,4,'[1]');--
INSERT INTO drills VALUES ('d1','app','x.json.zst',1777946401123,1777946402123,'ok','{}');--
INSERT INTO notes VALUES ('key','{"a": 1}');--
PRAGMA application_id=1280013172;--
PRAGMA user_version=1
