package warehouse_test

import (
	"context"
	"crypto/rand"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/wattscore/wattscore-aienergy-datasource/pkg/warehouse"
	"github.com/wattscore/wattscore-aienergy-datasource/pkg/warehouse/warehousetest"
)

func TestPutLogin(t *testing.T) {
	pool := warehousetest.Open(t)
	store := warehouse.OpenStore(pool)
	ctx := context.Background()
	// Roles belong to the server, so the name is this test's own; it needs quoting.
	name := `Test "reader" ` + rand.Text()
	t.Cleanup(func() {
		_, err := pool.Exec(ctx, "DROP ROLE IF EXISTS "+pgx.Identifier{name}.Sanitize())
		assert.NoError(t, err)
	})
	rolesOf := func() []string {
		logins, err := store.Logins(ctx)
		require.NoError(t, err)
		for _, login := range logins {
			if login.Name == name {
				return login.Roles
			}
		}
		return nil
	}

	created, err := store.PutLogin(ctx, name, warehouse.RoleReader, "pässword ' \\ one")
	require.NoError(t, err)
	assert.True(t, created)
	assert.Equal(t, []string{"wattscore_reader"}, rolesOf())
	reader := openAs(t, pool, name, "pässword ' \\ one")
	_, err = warehouse.NewReader(reader).Models(ctx)
	require.NoError(t, err, "the password opens the database")
	_, err = reader.Exec(ctx, "INSERT INTO wattscore.model (name) VALUES ('x')")
	assert.ErrorContains(t, err, "permission denied")

	created, err = store.PutLogin(ctx, name, warehouse.RoleWriter, "")
	require.NoError(t, err)
	assert.False(t, created)
	assert.Equal(t, []string{"wattscore_writer"}, rolesOf(), "a member of one of the two")
	_, err = reader.Exec(ctx, "INSERT INTO wattscore.model (name) VALUES ('x')")
	require.NoError(t, err, "and its password stays")
	assert.True(t, strings.HasPrefix(row(t, pool, "SELECT rolpassword FROM pg_authid WHERE rolname = $1", name), "(SCRAM-SHA-256$4096:"))
}

func TestLoginsThatCannotBe(t *testing.T) {
	store := warehouse.OpenStore(warehousetest.Open(t))
	for want, try := range map[string]struct {
		name string
		role warehouse.Role
	}{
		"cannot be a login":                     {"wattscore_owner", warehouse.RoleReader},
		"\"\" cannot be a login":                {"", warehouse.RoleReader},
		"\"pg_monitor\" cannot be a login":      {"pg_monitor", warehouse.RoleReader},
		"cannot be made a member of wattscore_": {"grafana", warehouse.RoleOwner},
		"NUL":                                   {"a\x00", warehouse.RoleReader},
		"longer than the 63 bytes":              {strings.Repeat("a", 64), warehouse.RoleReader},
	} {
		_, err := store.PutLogin(context.Background(), try.name, try.role, "x")
		assert.ErrorContains(t, err, want)
	}
}
