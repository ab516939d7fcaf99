// Package audit keeps the audit log of the service: who did what, when, from
// where, and how it ended, for every action, allowed or refused.
//
// # The files
//
// The log is a folder. Its files audit-NNNNNNNNNNNN.jsonl are only ever appended
// to; the number is that of the first entry in the file. A line is one entry: a
// JSON object with all its members in a fixed order, without blanks, strings
// escaped as little as JSON allows. Entries are numbered from 1, across files.
// Each names the SHA-256 of the entry before (the first one, and only it, names
// zeros) and ends in its own, which is that of the line without the member hash:
//
//	{"seq":2,"time":"2026-11-22T02:00:00.123Z","actor":"ada","actor_id":"tk_…",
//	 "role":"admin","from":"192.0.2.7","action":"restore","database":"app",
//	 "object":"20261122T020000.123Z.json.zst","outcome":"allowed","detail":"…",
//	 "request_id":"…","prev":"<64 digits>","hash":"<64 digits>"}
//
// (on one line). When a file has reached its size, the next entry begins a new
// one and goes on with the chain. Nothing is ever deleted.
//
// The head, the file audit.head, has the number and the hash of the last entry. It
// is replaced after the entry is flushed, so it is never ahead of the log.
//
// # Writing
//
// Append returns when its entry and the head are flushed to the medium. Calls that
// come at the same time share a flush. Every write is made under a lock on the
// folder, and goes on from whatever is there: the service and a command line can
// write side by side, and the chain stays one.
//
// A crash in the middle of a write leaves lines that are whole, which count, and
// possibly bytes that are no entry. The next writer ends that line, leaves it where
// it is, and records it: an entry with the action ActionRecovered that has the
// length and the SHA-256 of those bytes. That is done only behind the head: what the
// head covers was flushed, so a crash cannot have taken it. When something is
// missing or changed there, the writer records ActionDamaged, leaves a gap in the
// numbers, and goes on.
//
// # What Verify finds, and what it cannot
//
// The hashes are no signatures: whoever can write the files can make a new chain.
// What is found without anything else:
//
//   - an entry that was changed, in any byte; dropped from the middle or the
//     beginning; put elsewhere, doubled, or inserted;
//   - an end that was cut off, by the head, unless the head was changed too.
//
// Whoever rewrites the log from some entry to its end, and the head, is found only
// by an anchor: a head that was kept where they cannot write. Head gives it,
// for the state database or another machine, and Verify takes any number of them.
// An anchor holds all entries up to its own. Entries that were made after the last
// anchor are as safe as the folder is.
//
// A crash is told from tampering as far as the head allows: bytes that are no entry
// at the very end, behind the head, may be either. They were never acknowledged.
//
// # Caveats
//
// Times are those of the machine's clock, which may jump; the order is that of the
// numbers. An entry whose Append failed may be there all the same: the door has
// refused the action then, and the entry tells of the attempt. On network file
// systems the lock may not hold (see internal/durable).
package audit
