package bench

import (
	"context"
	"crypto/sha256"
	_ "embed"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/wattscore/wattscore-aienergy-datasource/pkg/warehouse"
)

// KeepVariable says what becomes of the databases, which are dropped otherwise:
// measure keeps them, and measures on those that are there already and were made of
// the same; load makes those that are missing and measures nothing. Both are for a
// server named by DSNVariable, because one of our own goes with its databases.
const KeepVariable = "WATTSCORE_BENCH_KEEP"

type keep string

const (
	keepNothing keep = ""
	keepMeasure keep = "measure"
	keepLoad    keep = "load"
)

// keptFor is how old the end of the facts may be: days that are empty would make the
// 90 days before now faster to answer.
const keptFor = 24 * time.Hour

func keeping() (keep, error) {
	wanted := keep(os.Getenv(KeepVariable))
	switch wanted {
	case keepNothing:
		return wanted, nil
	case keepMeasure, keepLoad:
		if os.Getenv(DSNVariable) == "" {
			return "", fmt.Errorf("%s=%s keeps databases on a server that stays: name it with %s", KeepVariable, wanted, DSNVariable)
		}
		return wanted, nil
	}
	return "", fmt.Errorf("%s is %s or %s, and has %q", KeepVariable, keepMeasure, keepLoad, wanted)
}

//go:embed statements/loaded.sql
var loadedSQL string

//go:embed statements/mark_loaded.sql
var markLoadedSQL string

// madeOf tells apart what databases are loaded with: their shape, the number of
// facts and the statements that make them.
func (l loaded) madeOf() (string, error) {
	hash := sha256.New()
	fmt.Fprintf(hash, "%+v %d %s", l.shape, l.facts, factsOfMonthSQL)
	files, err := fs.Glob(companyFiles, "statements/company/*.sql")
	if err != nil {
		return "", err
	}
	for _, file := range files {
		text, err := companyFiles.ReadFile(file)
		if err != nil {
			return "", err
		}
		hash.Write(text)
	}
	return hex.EncodeToString(hash.Sum(nil)), nil
}

// findKept looks for a database that was loaded with the same and not long ago, and
// brings its schema up to date.
func (b *bench) findKept(ctx context.Context, l loaded, now time.Time) (found loaded, ok bool, err error) {
	wanted, err := l.madeOf()
	if err != nil {
		return l, false, err
	}
	var made string
	err = b.server.on(ctx, l.database, func(connection *pgx.Conn) error {
		return connection.QueryRow(ctx, loadedSQL).Scan(&made, &l.span.from, &l.span.to)
	})
	var refused *pgconn.PgError
	const noDatabase, noSchema, noTable = "3D000", "3F000", "42P01"
	if errors.As(err, &refused) && (refused.Code == noDatabase || refused.Code == noSchema || refused.Code == noTable) {
		return l, false, nil
	}
	if err != nil || made != wanted || now.Sub(l.span.to) > keptFor {
		return l, false, err
	}
	config := b.server.config.Copy()
	config.Database = l.database
	if _, err := warehouse.Migrate(ctx, config); err != nil {
		return l, false, err
	}
	// What was measured before has left a tail, and a migration tables that the planner
	// does not know yet.
	err = b.server.on(ctx, l.database, func(connection *pgx.Conn) error {
		if err := refresh(ctx, connection); err != nil {
			return err
		}
		_, err := connection.Exec(ctx, "VACUUM (ANALYZE)")
		return err
	})
	return l, err == nil, err
}
