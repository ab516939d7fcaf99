package seal_test

// A reader of sealed objects that is written from docs/FORMAT.md alone: it uses
// nothing of this module.

import (
	"bytes"
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"golang.org/x/crypto/argon2"
)

type plainHeader struct {
	Version int    `json:"litekeep_sealed"`
	Backup  string `json:"backup"`
	Codec   string `json:"codec"`
	Cipher  string `json:"cipher"`
	MAC     string `json:"mac"`
	Keys    []struct {
		Type, ID, KDF string
		Salt, Wrapped []byte
		Time          uint32
		Memory        uint32 `json:"memory_kib"`
		Lanes         uint8
	} `json:"keys"`
}

func plainDerive(key []byte, label string, n int) []byte {
	b, err := hkdf.Key(sha256.New, key, nil, label, n)
	if err != nil {
		panic(err)
	}
	return b
}

// plainOpen opens nonce, ciphertext and tag.
func plainOpen(key, sealed, data []byte) ([]byte, error) {
	block, err := aes.NewCipher(key)
	if err != nil {
		return nil, err
	}
	gcm, err := cipher.NewGCM(block)
	if err != nil {
		return nil, err
	}
	if len(sealed) < 12 {
		return nil, errors.New("short")
	}
	return gcm.Open(nil, sealed[:12], sealed[12:], data)
}

// plainKeyFile returns the key of a key file.
func plainKeyFile(text string) ([]byte, error) {
	for line := range strings.Lines(text) {
		if key, ok := strings.CutPrefix(strings.TrimSpace(line), "key: "); ok {
			return base64.StdEncoding.DecodeString(key)
		}
	}
	return nil, errors.New("no key")
}

// plainUnwrap finds the data key among the records of a header, or of a
// rewrapped one.
func plainUnwrap(text []byte, fileKey []byte, passphrase string) (dataKey []byte, err error) {
	var h plainHeader
	if err := json.Unmarshal(text, &h); err != nil {
		return nil, err
	}
	id, err := hex.DecodeString(h.Backup)
	if err != nil {
		return nil, err
	}
	for _, r := range h.Keys {
		key := fileKey
		if r.Type == "passphrase" {
			key = argon2.IDKey([]byte(passphrase), r.Salt, r.Time, r.Memory, r.Lanes, 32)
		}
		if key == nil || hex.EncodeToString(plainDerive(key, "litekeep 1 id", 8)) != r.ID {
			continue
		}
		return plainOpen(plainDerive(key, "litekeep 1 wrap", 32), r.Wrapped, id)
	}
	return nil, errors.New("no key opens it")
}

// plainRead opens all frames of an object.
func plainRead(object, dataKey []byte) (frames [][]byte, err error) {
	end := bytes.Index(object, []byte("\n]}\n")) + 4
	fixed := object[:bytes.Index(object, []byte(`"mac":`))]
	var h plainHeader
	if err := json.Unmarshal(object[:end], &h); err != nil {
		return nil, err
	}
	mac := hmac.New(sha256.New, plainDerive(dataKey, "litekeep 1 header", 32))
	mac.Write(fixed)
	if hex.EncodeToString(mac.Sum(nil)) != h.MAC {
		return nil, errors.New("the mac does not match")
	}
	identity := sha256.Sum256(fixed)
	key := plainDerive(dataKey, "litekeep 1 frames", 32)
	rest := object[end:]
	var frame []byte
	for piece := uint32(0); ; {
		if len(rest) < 24 || !strings.HasPrefix(h.Backup, hex.EncodeToString(rest[:8])) {
			return nil, errors.New("no prefix of this backup")
		}
		n := binary.BigEndian.Uint32(rest[8:])
		number, at, flags := binary.BigEndian.Uint32(rest[12:]), binary.BigEndian.Uint32(rest[16:]), binary.BigEndian.Uint32(rest[20:])
		if number != uint32(len(frames)) || at != piece || int(n) > len(rest)-24 {
			return nil, fmt.Errorf("frame %d, piece %d, length %d", number, at, n)
		}
		text, err := plainOpen(key, rest[24:24+n], append(bytes.Clone(identity[:]), rest[:24]...))
		if err != nil {
			return nil, err
		}
		rest, frame, piece = rest[24+n:], append(frame, text...), piece+1
		if flags&1 != 0 {
			frames, frame, piece = append(frames, frame), nil, 0
			if flags&2 != 0 {
				break
			}
		}
	}
	if len(rest) > 0 {
		return nil, errors.New("bytes follow")
	}
	return frames, nil
}

// plainBlob opens a blob.
func plainBlob(object, dataKey []byte, purpose string, sealed []byte) ([]byte, error) {
	identity := sha256.Sum256(object[:bytes.Index(object, []byte(`"mac":`))])
	return plainOpen(plainDerive(dataKey, "litekeep 1 blobs", 32), sealed, append(identity[:], purpose...))
}
