package sqlitefile

import (
	"encoding/binary"
	"fmt"
	"math"

	"github.com/litekeep/litekeep/internal/value"
)

// SerialLen returns the bytes of content that serial type t has. The types 10
// and 11 are reserved and have no content.
func SerialLen(t uint64) int64 {
	if t >= 12 {
		return int64((t - 12) / 2)
	}
	return int64(serialLens[t])
}

var serialLens = [12]uint8{0, 1, 2, 3, 4, 6, 8, 8, 0, 0, 0, 0}

// DecodeInt returns the integer of a serial type from 1 to 6, 8 or 9 whose
// content stands at the start of b.
func DecodeInt(t uint64, b []byte) int64 {
	switch t {
	case 1:
		return int64(int8(b[0]))
	case 2:
		return int64(int16(binary.BigEndian.Uint16(b)))
	case 3:
		return int64(int32(uint32(b[0])<<24|uint32(b[1])<<16|uint32(b[2])<<8)) >> 8
	case 4:
		return int64(int32(binary.BigEndian.Uint32(b)))
	case 5:
		return int64(int16(binary.BigEndian.Uint16(b)))<<32 | int64(binary.BigEndian.Uint32(b[2:]))
	case 6:
		return int64(binary.BigEndian.Uint64(b))
	}
	return int64(t) - 8
}

// DecodeRecord decodes a whole record. It appends one value a field to row[:0].
// TEXT is returned as RawText with its stored bytes, whatever the encoding; the
// values' bytes alias b. An error wraps ErrCorrupt.
func DecodeRecord(b []byte, row []value.Value) ([]value.Value, error) {
	row = row[:0]
	hdr, n := Varint(b)
	if n == 0 || hdr < uint64(n) || hdr > uint64(len(b)) {
		return row, fmt.Errorf("record header of %d bytes in a payload of %d: %w", hdr, len(b), ErrCorrupt)
	}
	head, body := b[n:hdr], b[hdr:]
	for len(head) > 0 {
		t, n := uint64(head[0]), 1
		if t >= 0x80 {
			if t, n = Varint(head); n == 0 {
				return row, fmt.Errorf("record header ends inside a serial type: %w", ErrCorrupt)
			}
		}
		head = head[n:]
		size := SerialLen(t)
		if uint64(size) > uint64(len(body)) {
			return row, fmt.Errorf("field %d of %d bytes runs past the end of its record: %w", len(row), size, ErrCorrupt)
		}
		if len(row) < cap(row) {
			row = row[:len(row)+1] // every part of it is set below
		} else {
			row = append(row, value.Value{})
		}
		v := &row[len(row)-1]
		switch {
		case t >= 12:
			v.Kind, v.Int = value.Blob, 0
			if t&1 != 0 {
				v.Kind = value.RawText
			}
			v.Bytes = body[:size:size]
		case t == 0:
			*v = value.Value{}
		case t == 7:
			*v = value.OfFloat(math.Float64frombits(binary.BigEndian.Uint64(body)))
		case t == 10 || t == 11:
			return row, fmt.Errorf("field %d has the serial type %d, which is reserved: %w", len(row)-1, t, ErrCorrupt)
		case t < 7 && len(body) >= 8: // any length at once
			*v = value.Value{Kind: value.Integer, Int: int64(binary.BigEndian.Uint64(body)) >> (64 - 8*size)}
		default:
			*v = value.Value{Kind: value.Integer, Int: DecodeInt(t, body)}
		}
		body = body[size:]
	}
	if len(body) > 0 {
		return row, fmt.Errorf("record has %d bytes more than its fields: %w", len(body), ErrCorrupt)
	}
	return row, nil
}

// IntSerial returns the serial type of an integer. The types 8 and 9 (the
// constants 0 and 1) exist from schema format 4 on.
func IntSerial(i int64, schemaFormat uint32) uint64 {
	u := uint64(i)
	if i < 0 {
		u = ^u
	}
	switch {
	case u <= 127:
		if schemaFormat >= 4 && (i == 0 || i == 1) {
			return uint64(8 + i)
		}
		return 1
	case u <= 32767:
		return 2
	case u <= 8388607:
		return 3
	case u <= 2147483647:
		return 4
	case u <= 0x7fffffffffff:
		return 5
	}
	return 6
}

// AppendInt appends the content of integer i as serial type t.
func AppendInt(dst []byte, t uint64, i int64) []byte {
	switch t {
	case 1:
		return append(dst, byte(i))
	case 2:
		return append(dst, byte(i>>8), byte(i))
	case 3:
		return append(dst, byte(i>>16), byte(i>>8), byte(i))
	case 4:
		return binary.BigEndian.AppendUint32(dst, uint32(i))
	case 5:
		return binary.BigEndian.AppendUint32(append(dst, byte(i>>40), byte(i>>32)), uint32(i))
	case 6:
		return binary.BigEndian.AppendUint64(dst, uint64(i))
	}
	return dst
}

// SerialType returns the serial type with which v is stored. Text must already
// be in the encoding of the database.
func SerialType(v *value.Value, schemaFormat uint32) uint64 {
	switch v.Kind {
	case value.Integer:
		return IntSerial(v.Int, schemaFormat)
	case value.Real:
		return 7
	case value.Blob:
		return uint64(len(v.Bytes))*2 + 12
	case value.Text, value.RawText:
		return uint64(len(v.Bytes))*2 + 13
	}
	return 0
}

// AppendRecord appends the record of row. Text must already be in the encoding
// of the database.
func AppendRecord(dst []byte, row []value.Value, schemaFormat uint32) []byte {
	dst = AppendRecordHeader(dst, row, schemaFormat)
	for i := range row {
		dst = appendField(dst, &row[i], schemaFormat)
	}
	return dst
}

// AppendRecordOf is AppendRecord for values that lie apart.
func AppendRecordOf(dst []byte, row []*value.Value, schemaFormat uint32) []byte {
	start := len(dst)
	dst = append(dst, 0)
	for _, v := range row {
		dst = AppendVarint(dst, SerialType(v, schemaFormat))
	}
	dst = endHeader(dst, start)
	for _, v := range row {
		dst = appendField(dst, v, schemaFormat)
	}
	return dst
}

// AppendRecordHeader appends the header of the record of row, without its
// content.
func AppendRecordHeader(dst []byte, row []value.Value, schemaFormat uint32) []byte {
	start := len(dst)
	dst = append(dst, 0)
	for i := range row {
		dst = AppendVarint(dst, SerialType(&row[i], schemaFormat))
	}
	return endHeader(dst, start)
}

// endHeader puts the length of the header that begins at start into the byte that
// was left for it, which is enough in the common case.
func endHeader(dst []byte, start int) []byte {
	n := len(dst) - start
	if n < 128 {
		dst[start] = byte(n)
		return dst
	}
	extra := VarintLen(uint64(n)) - 1 // the length counts its own bytes
	if VarintLen(uint64(n+extra)) > extra+1 {
		extra++
	}
	dst = append(dst, make([]byte, extra)...)
	copy(dst[start+1+extra:], dst[start+1:start+n])
	AppendVarint(dst[:start], uint64(n+extra))
	return dst
}

func appendField(dst []byte, v *value.Value, schemaFormat uint32) []byte {
	switch v.Kind {
	case value.Integer:
		return AppendInt(dst, IntSerial(v.Int, schemaFormat), v.Int)
	case value.Real:
		return binary.BigEndian.AppendUint64(dst, uint64(v.Int))
	case value.Null:
		return dst
	}
	return append(dst, v.Bytes...)
}

// RecordParts returns the record of row in pieces that share the values' bytes,
// so that a large value is not copied.
func RecordParts(row []value.Value, schemaFormat uint32) [][]byte {
	parts := [][]byte{AppendRecordHeader(nil, row, schemaFormat)}
	for i := range row {
		v := &row[i]
		if v.Kind == value.Integer || v.Kind == value.Real {
			parts = append(parts, appendField(nil, v, schemaFormat))
		} else if len(v.Bytes) > 0 {
			parts = append(parts, v.Bytes)
		}
	}
	return parts
}
