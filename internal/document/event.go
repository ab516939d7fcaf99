package document

// EventKind says what a Scanner found.
type EventKind uint8

// The kinds of events, in the order in which a document has them. TableOpen to
// TableClose come once for each table, IndexOpen to IndexClose once for each
// index, with any number of EventItems between.
const (
	EventSource     EventKind = iota + 1 // Source
	EventDatabase                        // Database
	EventSchemaRow                       // SchemaRow
	EventSchemaEnd                       //
	EventTableOpen                       // Table
	EventItems                           // Items, Count, and Table or Index
	EventTableClose                      // Table
	EventIndexOpen                       // Index
	EventIndexClose                      // Index
	EventEnd                             // End
)

// Event is what a Scanner found in one line, or in a run of item lines. Only the
// fields that its kind names are set. All but Items may be kept.
type Event struct {
	Kind      EventKind
	Offset    int64 // of the line or run, in bytes from the start of the document
	Source    *Source
	Database  *Database
	SchemaRow *SchemaRow
	Table     *Table
	Index     *Index
	End       *End
	Items     []byte // whole item lines, not parsed; points into the text that was fed
	Count     int    // how many lines Items has
}
