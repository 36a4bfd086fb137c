package ingest

import (
	"fmt"
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
// Equal records have equal times. So that memory stays flat, only the newest
// records are remembered: at least a million. A record that is so far out of the
// order of time that an equal one might be forgotten is an error.
type identities struct {
	newest, older map[uuid.UUID]int
	newestTime    time.Time // the latest in newest
	olderTime     time.Time // the latest in older
	forgotten     time.Time // the latest in what came before
	generation    int
}

const remembered = 1 << 20

func newIdentities() *identities {
	return &identities{newest: map[uuid.UUID]int{}, generation: remembered}
}

// of returns the id of a record of a source, which happened at a time, from the
// texts that make it what it is.
func (i *identities) of(source string, at time.Time, content ...string) (uuid.UUID, error) {
	if !i.forgotten.IsZero() && !at.After(i.forgotten) {
		return uuid.Nil, fmt.Errorf("its time %s lies before that of a record over %d records earlier, so equal records cannot be told apart: "+
			"sort the file by time and import it again", at.UTC().Format(time.RFC3339), i.generation)
	}
	id := uuid.NewSHA1(eventNamespace, []byte(joined(source, content)))
	ordinal, seen := i.newest[id]
	if !seen {
		ordinal = i.older[id]
	}
	if len(i.newest) >= i.generation {
		i.older, i.newest = i.newest, map[uuid.UUID]int{}
		i.forgotten, i.olderTime, i.newestTime = later(i.forgotten, i.olderTime), i.newestTime, time.Time{}
	}
	i.newest[id] = ordinal + 1
	i.newestTime = later(i.newestTime, at)
	if ordinal == 0 {
		return id, nil
	}
	return uuid.NewSHA1(id, []byte(strconv.Itoa(ordinal))), nil
}

// joined keeps the texts apart whatever they hold.
func joined(source string, content []string) string {
	var all strings.Builder
	all.WriteString(source)
	for _, text := range content {
		all.WriteString("\x00" + strconv.Itoa(len(text)) + ":" + text)
	}
	return all.String()
}

func later(a, b time.Time) time.Time {
	if b.After(a) {
		return b
	}
	return a
}

func earlier(a, b time.Time) time.Time {
	if b.Before(a) {
		return b
	}
	return a
}
