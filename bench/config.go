package main

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"
)

// config is what the flags say.
type config struct {
	size        int64    // bytes of each database
	memorySizes []int64  // bytes of the databases whose peak memory is compared
	shapes      []string // names of shapes
	peers       []string // programs that may be used
	only        []string // parts of the measurement
	runs        int
	databases   []int         // how many the service is to keep
	pressFor    time.Duration // of requests on each address of the service
	json        bool
	dir         string
	s3          string        // URL of a bucket for the vault, "" for none
	litekeep    string        // a binary to measure; built when empty
	limit       time.Duration // after which a contender is given up
	writerPause time.Duration // between two commits of the writer
}

var (
	allShapes = []string{"mixed", "narrow", "text"}
	allParts  = []string{"backup", "restore", "memory", "writer", "vault", "service"}
	allPeers  = []string{"sqlite3", "zstd", "python3", "restic"}
)

func parse(args []string) (*config, error) {
	c := &config{}
	f := flag.NewFlagSet("bench", flag.ContinueOnError)
	size := f.String("size", "400MB", "`bytes` of each database")
	memory := f.String("memory-sizes", "400MB,4GB", "`sizes` at which peak memory is compared")
	shapes := f.String("shapes", strings.Join(allShapes, ","), "`shapes` of databases")
	peers := f.String("peers", strings.Join(allPeers, ","), "`programs` to compare with")
	only := f.String("only", strings.Join(allParts, ","), "`parts` to measure")
	databases := f.String("databases", "1,20,200", "how many databases the service keeps, one `number` after the other")
	f.DurationVar(&c.pressFor, "load", 3*time.Second, "`time` of requests on each address of the service")
	f.IntVar(&c.runs, "runs", 3, "`rounds` of each measurement")
	f.BoolVar(&c.json, "json", false, "print JSON")
	f.StringVar(&c.dir, "dir", filepath.Join(os.TempDir(), "litekeep-bench"), "`folder` for databases and outputs, kept for the next run")
	f.StringVar(&c.s3, "s3", "", "`URL` of a bucket for the vault; what is put there stays")
	f.StringVar(&c.litekeep, "litekeep", "", "`path` of a litekeep binary; built from this module when empty")
	f.DurationVar(&c.limit, "limit", 10*time.Minute, "`time` after which a contender is given up")
	f.DurationVar(&c.writerPause, "writer-pause", 5*time.Millisecond, "`time` between two commits of the writer")
	if err := f.Parse(args); err != nil {
		return nil, err
	}
	if f.NArg() > 0 {
		return nil, fmt.Errorf("unknown argument %q", f.Arg(0))
	}
	if c.runs < 1 {
		return nil, fmt.Errorf("-runs %d: at least 1", c.runs)
	}
	var err error
	if c.size, err = parseSize(*size); err != nil {
		return nil, fmt.Errorf("-size: %w", err)
	}
	for _, s := range strings.Split(*memory, ",") {
		n, err := parseSize(s)
		if err != nil {
			return nil, fmt.Errorf("-memory-sizes: %w", err)
		}
		c.memorySizes = append(c.memorySizes, n)
	}
	for word := range strings.SplitSeq(*databases, ",") {
		n, err := strconv.Atoi(strings.TrimSpace(word))
		if err != nil || n < 1 || n > 1000 {
			return nil, fmt.Errorf("-databases: %q is no number from 1 to 1000", word)
		}
		c.databases = append(c.databases, n)
	}
	for _, list := range []struct {
		flag, given string
		known       []string
		to          *[]string
	}{{"shapes", *shapes, allShapes, &c.shapes}, {"peers", *peers, allPeers, &c.peers}, {"only", *only, allParts, &c.only}} {
		if *list.to, err = parseList(list.given, list.known); err != nil {
			return nil, fmt.Errorf("-%s: %w", list.flag, err)
		}
	}
	c.dir, err = filepath.Abs(c.dir)
	return c, err
}

// parseList splits a comma-separated list and refuses words that are not
// known. The empty list is allowed.
func parseList(s string, known []string) ([]string, error) {
	var list []string
	for word := range strings.SplitSeq(s, ",") {
		if word = strings.TrimSpace(word); word == "" {
			continue
		}
		if !slices.Contains(known, word) {
			return nil, fmt.Errorf("%q is none of %s", word, strings.Join(known, ", "))
		}
		list = append(list, word)
	}
	return list, nil
}

// parseSize reads a number of bytes with an optional unit: kB, MB, GB (powers
// of 1000) or KiB, MiB, GiB.
func parseSize(s string) (int64, error) {
	s = strings.TrimSpace(s)
	factor := int64(1)
	for _, u := range []struct {
		name string
		n    int64
	}{{"KiB", 1 << 10}, {"MiB", 1 << 20}, {"GiB", 1 << 30}, {"kB", 1e3}, {"KB", 1e3}, {"MB", 1e6}, {"GB", 1e9}, {"B", 1}} {
		if rest, ok := strings.CutSuffix(s, u.name); ok {
			s, factor = rest, u.n
			break
		}
	}
	n, err := strconv.ParseFloat(strings.TrimSpace(s), 64)
	if err != nil || !(n*float64(factor) >= 1 && n*float64(factor) < 1<<50) { // NaN too
		return 0, fmt.Errorf("%q is no size", s)
	}
	return int64(n * float64(factor)), nil
}
