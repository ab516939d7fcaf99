package config

import "time"

// The comment on each field with a key is what people read of it, in the JSON schema
// and in docs/CONFIGURATION.md; so it speaks of the key and not of the Go name.

// Config is a whole litekeep.yaml.
type Config struct {
	// Folder of the service's own state and audit log. Only one service may use it.
	State string `yaml:"state"`
	// Settings of every database that does not say otherwise.
	Defaults Settings `yaml:"defaults"`
	// The databases to keep safe, at least one.
	Databases []Database `yaml:"databases" jsonschema:"required"`
	// Entries with a pattern, which stand under databases in the file. Expand makes databases of them.
	Patterns []Database `yaml:"-"`
	// What Expand could not make a database of.
	Misfits []Misfit `yaml:"-"`
	// Who is told what, and how often.
	Notifications Notifications `yaml:"notifications"`
	// The HTTP API and the dashboard.
	Server Server `yaml:"server"`
	// How runs are carried out.
	Runs Runs `yaml:"runs"`
}

// Database is one database, or a fleet of them.
type Database struct {
	// Name among the backups, in the API and in messages. No two are alike, also not in capitals alone. Changing it begins a new series of backups. With match, {name} in it is the name of the file without its ending, {dir} that of its folder.
	Name string `yaml:"name" jsonschema:"required"`
	// Path of the SQLite file. A relative path begins at the folder of this file.
	Path string `yaml:"path,omitempty" or:"match"`
	// Pattern of paths, in the place of path: each file that fits is a database with the keys of this entry, also one that comes later. * and ? stand for letters of a name, [a-z] for one of some; none for a /.
	Match string `yaml:"match,omitempty"`
	// Names that match is not to bring, in which * and ? stand for letters.
	Except []string `yaml:"except,omitempty"`
	// The file was there, and is not any more.
	Gone bool `yaml:"-"`

	Settings `yaml:",inline"`
}

// Settings are the keys that a database and the defaults have in common.
type Settings struct {
	// When backups are made: the five fields of cron, or @hourly, @daily, @weekly, @monthly, @yearly (in quotes, since YAML reserves the @); off for never.
	Schedule string `yaml:"schedule"`
	// Time zone of the schedule and of the days of the retention, such as Europe/Berlin. Local is the system's.
	TimeZone string `yaml:"time_zone"`
	// Longest delay after the time of the schedule, so that databases do not all start at once. It is always the same for one database. Less than the time between two slots; default 10m, or a tenth of that time if it is shorter.
	Spread time.Duration `yaml:"spread"`
	// Where backups are kept. The first is a folder and is written first; the others get copies: folders, or URLs of s3, gs and azblob.
	Destinations []string `yaml:"destinations"`
	// How many destinations must hold a backup for it to be a success. 0 is all.
	MinCopies int `yaml:"min_copies" jsonschema:"minimum=0"`
	// Keys that backups are sealed under, any one of which opens them: file:PATH, passphrase-file:PATH, passphrase-env:NAME, or the URL of a key management service. Never the key itself.
	Keys []string `yaml:"keys,omitempty"`
	// Refuse to run without a key, so that no backup is left in the clear because a setting got lost.
	Sealed bool `yaml:"sealed"`
	// How backups are compressed: zstd, gzip or none.
	Compression string `yaml:"compression" jsonschema:"enum=zstd,enum=gzip,enum=none"`
	// Level of the compression: 1 to 22 for zstd, 1 to 9 for gzip. 0 is the fastest.
	CompressionLevel int `yaml:"compression_level" jsonschema:"minimum=0,maximum=22"`
	// How a backup is verified: read-back compares what was stored before the backup counts; full also reads and parses all of it once more; none leaves it unverified, and then nothing is ever pruned.
	Verify string `yaml:"verify" jsonschema:"enum=full,enum=read-back,enum=none"`
	// A run that takes longer is stopped and counts as hung.
	TimeLimit time.Duration `yaml:"time_limit"`
	// The database is overdue when its newest verified backup is older than this. Default: when a slot has gone by, and spread and time_limit with it, without a verified backup.
	Promise time.Duration `yaml:"promise,omitempty"`
	// Percentage that rows or size may fall by from one backup to the next before somebody is told and pruning pauses. 0% does not look.
	Shrink Percent `yaml:"shrink"`
	// Remove what the retention does not keep after each verified success.
	Prune bool `yaml:"prune"`
	// What is kept. A backup stays if any of its rules keeps it.
	Retention Retention `yaml:"retention"`
	// Folder for the snapshot, which needs as much room as the database. Default: inside the first destination.
	Temp string `yaml:"temp,omitempty"`
	// How long to wait for a database or backups that others have locked.
	BusyTimeout time.Duration `yaml:"busy_timeout"`
}

// Retention says which backups stay. Hours, days, ISO weeks, months and years begin
// in the time zone of the database.
type Retention struct {
	// Keep all backups that are younger than this.
	Within time.Duration `yaml:"within"`
	// Keep the newest ones, this many.
	Last int `yaml:"last" jsonschema:"minimum=0,maximum=36500"`
	// Keep one of each hour that has a backup, for so many hours.
	Hourly int `yaml:"hourly" jsonschema:"minimum=0,maximum=36500"`
	// Keep one of each day that has a backup, for so many days.
	Daily int `yaml:"daily" jsonschema:"minimum=0,maximum=36500"`
	// Keep one of each ISO week that has a backup, for so many weeks.
	Weekly int `yaml:"weekly" jsonschema:"minimum=0,maximum=36500"`
	// Keep one of each month that has a backup, for so many months.
	Monthly int `yaml:"monthly" jsonschema:"minimum=0,maximum=36500"`
	// Keep one of each year that has a backup, for so many years.
	Yearly int `yaml:"yearly" jsonschema:"minimum=0,maximum=36500"`
	// Never go below this many good backups, whatever the rules say.
	Minimum int `yaml:"minimum" jsonschema:"minimum=1,maximum=36500"`
	// What is pruned can be taken back for this long; 0s removes at once.
	Trash time.Duration `yaml:"trash"`
}

// Notifications says who is told what.
type Notifications struct {
	// Where messages go.
	Channels []Channel `yaml:"channels,omitempty"`
	// What happens within this time goes into one message.
	Group time.Duration `yaml:"group"`
	// A trouble that lasts is told again after this time.
	Repeat time.Duration `yaml:"repeat"`
	// Messages on one channel within 24 hours; what comes after is summed up in one. 0 is no limit.
	Limit int `yaml:"limit" jsonschema:"minimum=0"`
	// Tell that a disk is running low when a folder of backups has less room than this. 0 does not look.
	DiskLow Bytes `yaml:"disk_low"`
}

// Channel is one way to reach people or their tools. Its type says which keys it has.
type Channel struct {
	// Name of the channel, in `litekeep notify test NAME` and on the dashboard. No two are alike.
	Name string `yaml:"name" jsonschema:"required"`
	// What kind of channel it is: email, slack, webhook or heartbeat.
	Type string `yaml:"type" jsonschema:"required,enum=email,enum=slack,enum=webhook,enum=heartbeat"`
	// Events that go to the channel. Default: all.
	Events []string `yaml:"events,omitempty"`
	// Databases whose events go to the channel, by name. Default: all.
	Databases []string `yaml:"databases,omitempty"`

	// Name of the mail server. For email.
	Host string `yaml:"host,omitempty" for:"email"`
	// Port of the mail server. For email. Default: 587, or 465 with tls: tls, or 25 with tls: none.
	Port int `yaml:"port,omitempty" for:"email" jsonschema:"minimum=0,maximum=65535"`
	// Encryption of the mail connection: starttls, tls (from the first byte) or none. For email. none is for a server on this machine. Default: starttls.
	TLS string `yaml:"tls,omitempty" for:"email" jsonschema:"enum=starttls,enum=tls,enum=none"`
	// User at the mail server. For email.
	User string `yaml:"user,omitempty" for:"email"`
	// Password at the mail server, as ${VARIABLE} or file:PATH. For email.
	Password Secret `yaml:"password,omitempty" for:"email"`
	// Address that mail comes from. For email.
	From string `yaml:"from,omitempty" for:"email"`
	// Addresses that mail goes to. For email.
	To []string `yaml:"to,omitempty" for:"email"`

	// Where to post or, for heartbeat, what to call after each verified success, as ${VARIABLE} or file:PATH. {database} in it, and then in the other URLs too, is the name of the database. For slack, webhook and heartbeat.
	URL Secret `yaml:"url,omitempty" for:"slack webhook heartbeat"`
	// Key that messages are signed with (HMAC-SHA256), at least 16 bytes. For webhook.
	Secret Secret `yaml:"secret,omitempty" for:"webhook"`
	// What to call when a run begins. For heartbeat. Default: nothing is called.
	StartURL Secret `yaml:"start_url,omitempty" for:"heartbeat"`
	// What to call when a run fails. For heartbeat. Default: nothing is called.
	FailureURL Secret `yaml:"failure_url,omitempty" for:"heartbeat"`
}

// Server says how the service can be reached.
type Server struct {
	// Address and port to listen on; off for none. Beyond this machine TLS is needed.
	Listen string `yaml:"listen"`
	// Certificate of the server. Without it the server speaks HTTP.
	TLS TLS `yaml:"tls,omitempty"`
	// How people reach the server; for links in messages.
	PublicURL string `yaml:"public_url,omitempty"`
	// How long a login to the dashboard lasts.
	Sessions time.Duration `yaml:"sessions"`
	// Networks of proxies whose word on the address of a client is taken, such as 10.0.0.0/8.
	TrustedProxies []string `yaml:"trusted_proxies,omitempty"`
	// A proxy in front ends TLS, so that this server may listen beyond this machine without it.
	TLSProxy bool `yaml:"tls_proxy"`
}

// TLS names the files of a certificate.
type TLS struct {
	// File of the certificate and its chain, in PEM. Read again on reload.
	Certificate string `yaml:"certificate,omitempty"`
	// File of its key, in PEM.
	Key string `yaml:"key,omitempty"`
}

// Runs says how runs are carried out.
type Runs struct {
	// Runs at the same time, of different databases.
	Parallel int `yaml:"parallel" jsonschema:"minimum=1,maximum=64"`
	// How often a run that failed for a passing reason is tried again.
	Retries int `yaml:"retries" jsonschema:"minimum=0,maximum=20"`
	// Time before the first retry; it doubles with each one.
	RetryAfter time.Duration `yaml:"retry_after"`
	// How long the service waits at its end for runs to finish before it stops them.
	Grace time.Duration `yaml:"grace"`
	// How long the history of runs is kept.
	History time.Duration `yaml:"history"`
}
