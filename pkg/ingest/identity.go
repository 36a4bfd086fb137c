package ingest

import (
	"strconv"
	"strings"
	"time"

	"github.com/google/uuid"
)

// eventNamespace sets our event ids apart from all other UUIDs of version 5.
var eventNamespace = uuid.MustParse("8da1fbd6-13a5-4cac-a6c5-9442263e64db")

// identities gives each record of a file an event id that is the same at every
// import: a hash of its source and content, and of its ordinal among equal
// records, so that two equal requests stay two.
//
// To know the ordinal it has to remember what it has seen. Memory holds the newest
// records, at most remembered of them; what came before lies sorted in a temporary
// file (identity_runs.go), 20 bytes a distinct record. Equal records have equal
// times, so a file that is sorted by time never reads it; a file in any other order
// does, and gets the same ids.
type identities struct {
	newest     map[uuid.UUID]uint32 // how many there were so far
	span       timeSpan             // of newest
	past       identityRuns
	generation int
}

// remembered is a variable for the sake of tests.
var remembered = 1 << 18

func newIdentities() *identities {
	return &identities{newest: map[uuid.UUID]uint32{}, generation: remembered}
}

// of returns the id of a record of a source, which happened at a time, from the
// texts that make it what it is. An error is the temporary file's.
func (i *identities) of(source string, at time.Time, content ...string) (uuid.UUID, error) {
	id := uuid.NewSHA1(eventNamespace, []byte(joined(source, content)))
	ordinal, seen := i.newest[id]
	if !seen {
		var err error
		if ordinal, err = i.past.count(id, at); err != nil {
			return uuid.Nil, err
		}
		if len(i.newest) >= i.generation {
			if err := i.past.add(i.newest, i.span); err != nil {
				return uuid.Nil, err
			}
			clear(i.newest)
			i.span = timeSpan{}
		}
	}
	i.newest[id] = ordinal + 1
	i.span.include(at)
	if ordinal == 0 {
		return id, nil
	}
	return uuid.NewSHA1(id, []byte(strconv.FormatUint(uint64(ordinal), 10))), nil
}

// close removes the temporary file.
func (i *identities) close() { i.past.close() }

// joined keeps the texts apart whatever they hold.
func joined(source string, content []string) string {
	var all strings.Builder
	all.WriteString(source)
	for _, text := range content {
		all.WriteByte(0)
		all.WriteString(strconv.Itoa(len(text)))
		all.WriteByte(':')
		all.WriteString(text)
	}
	return all.String()
}

// timeSpan is from a time to a time, both of them in it.
type timeSpan struct{ first, last time.Time }

func (s *timeSpan) include(at time.Time) {
	if s.first.IsZero() || at.Before(s.first) {
		s.first = at
	}
	if at.After(s.last) {
		s.last = at
	}
}

func (s timeSpan) holds(at time.Time) bool { return !at.Before(s.first) && !at.After(s.last) }
func earlier(a, b time.Time) time.Time {
	if b.Before(a) {
		return b
	}
	return a
}

func later(a, b time.Time) time.Time {
	if b.After(a) {
		return b
	}
	return a
}
