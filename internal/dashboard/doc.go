// Package dashboard shows the service to people: what can be restored, what is
// wrong, what goes on, and forms for everything that they may do.
//
// # Model
//
// Each page is made on the server by html/template from what the door of the
// service (package service) tells. Each action is a form that is posted; the
// answer is a redirect to the page that shows what came of it, so that a reload
// does nothing twice. The one exception is the page that shows a new token,
// since its secret is nowhere but in that answer.
//
// A script of our own makes pages live, and nothing needs it: it listens to
// /live, fetches the page that it is on again when something changed, and puts
// the regions marked data-live in the place of the old ones. So there is one
// way to render anything. Without the script pages of runs reload themselves.
//
// # What a browser may do with it
//
// Everything comes from this server: no other host, no inline script, no inline
// style (see access.SecurityHeaders). Files under /static have the hash of their content in
// their names and are kept for ever; pages are never stored.
//
// # Vocabulary
//
// The zone of a database is that of its schedule; its times are shown in it.
// Times that belong to no database are in Options.Location. A moment is a time
// as one would say it ("02:00 today").
//
// # Caveats
//
// Whoever may not do something is not shown the form for it. That is a courtesy;
// the door refuses all the same, and is the only thing that decides. A Dashboard
// stands behind an access.Guard, which knows who asks, and checks that forms come
// from our own pages.
//
// Charts are our own SVG rather than a library's: those write inline styles,
// which the policy forbids, and fixed colours, which do not follow the theme.
package dashboard
