// Package notify tells people what happens to their backups, and no more than
// they need.
//
// # Words
//
// An event is something that happened: a run failed, a destination went down, a
// backup was made. A trouble is a state that lasts: it is raised by an event
// (failed, overdue, hung, shrunken, destination-down, verification-failed,
// disk-low, gone, left-out) and cleared by another one (succeeded, recovered, destination-up,
// disk-ok). A story is what one channel is to be told of one event. A message is
// all the stories that a channel gets at once. A channel is a way to people or to
// programs: email, Slack, a webhook, a heartbeat.
//
// # The way of an event
//
// The service reports every event to the Center, also each success. The Center
// remembers the troubles: one that persists is told once, and again after
// Options.Repeat, but for gone; its end is told once, and only where the trouble was told.
// What is to be told waits in a queue for each channel until the channel's
// window ends, and then goes out as one message: first after Options.First, then
// after windows that grow with each message, to an hour, until it has been
// quiet for an hour. A trouble of a kind that it was not told of since, or a worse
// one, waits for Options.First only. A channel has a limit per day; beyond it the
// queue waits, and goes out as one message that says so.
//
// A queue holds at most one story about a trouble. So a channel that was away
// for a night gets one message about what is still true in the morning.
//
// # What survives
//
// Stories and troubles are written to a Store before they are sent, so delivery
// is at least once: after a crash a message can come twice. Its id is made of
// the ids of its stories, and is the same for the same stories. When the store
// cannot be written the Center goes on from memory, says so in each message and
// by Center.StoreError, and writes all of it once that is possible again.
//
// A story that could not be delivered for a day is dropped; a trouble that
// persists comes again with the next repeat.
//
// # Caveats
//
// The counters behind the limits and the windows are kept in memory; a restart
// begins them anew. Troubles are kept, so that a service that crashes again and
// again does not tell them again and again. What messages say of errors is what
// the service puts into events: that must hold no secret. URLs of channels are
// secrets here: no error, status or log line has them.
package notify
