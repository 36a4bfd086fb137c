package otlp

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"maps"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/stretchr/testify/require"
	"google.golang.org/grpc/credentials"

	"github.com/wattscore/wattscore-aienergy-datasource/pkg/warehouse"
)

// fakeWarehouse keeps what it is given, each thing once.
type fakeWarehouse struct {
	mu      sync.Mutex
	away    error
	writes  int
	events  map[uuid.UUID]warehouse.Event
	kinship map[uuid.UUID]warehouse.Kinship
	streams map[uuid.UUID]warehouse.TelemetryReading
	entered chan struct{} // a write has begun, where somebody listens
	proceed chan struct{} // writes wait for it; nil: they do not
	largest int           // events of a write
}

func newFakeWarehouse() *fakeWarehouse {
	return &fakeWarehouse{events: map[uuid.UUID]warehouse.Event{}, kinship: map[uuid.UUID]warehouse.Kinship{}, streams: map[uuid.UUID]warehouse.TelemetryReading{}}
}

// refusedProject is a project that the database cannot store.
const refusedProject = "refused"

var errAway = errors.New("connection refused")

func (w *fakeWarehouse) set(away error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.away = away
}

func (w *fakeWarehouse) stored() int {
	w.mu.Lock()
	defer w.mu.Unlock()
	return len(w.events)
}

func (w *fakeWarehouse) problem() error {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.away
}

func (w *fakeWarehouse) Regions(context.Context) ([]warehouse.Region, error) {
	return []warehouse.Region{{Code: "us-central1"}}, w.problem()
}

func (w *fakeWarehouse) TaskClasses(context.Context) (map[string]string, error) {
	return map[string]string{}, w.problem()
}

func (w *fakeWarehouse) ReferenceIntensities(context.Context) (map[string]float64, error) {
	return map[string]float64{"chat": 61.3}, w.problem()
}

func (w *fakeWarehouse) CollectedHosts(context.Context) ([]warehouse.CollectedHost, error) {
	return nil, w.problem()
}

func (w *fakeWarehouse) Kinship(_ context.Context, spans []uuid.UUID) (map[uuid.UUID]warehouse.Kinship, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	known := map[uuid.UUID]warehouse.Kinship{}
	for _, span := range spans {
		if has, ok := w.kinship[span]; ok {
			known[span] = has
		}
	}
	return known, w.away
}

func (w *fakeWarehouse) TelemetryReadings(context.Context, []uuid.UUID) (map[uuid.UUID]warehouse.TelemetryReading, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return maps.Clone(w.streams), w.away
}

func (w *fakeWarehouse) WriteTelemetry(ctx context.Context, batch warehouse.TelemetryBatch, now time.Time) (result warehouse.EventResult, err error) {
	if w.proceed != nil {
		select {
		case w.entered <- struct{}{}:
		default:
		}
		select {
		case <-w.proceed:
		case <-ctx.Done():
			return result, ctx.Err()
		}
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.writes++
	if w.away != nil {
		return result, w.away
	}
	w.largest = max(w.largest, len(batch.Events))
	for _, e := range batch.Events { // as a database does: the whole batch
		if e.Project == refusedProject {
			return result, &pgconn.PgError{Code: "22021", Message: "invalid byte sequence"}
		}
	}
	for i, e := range batch.Events {
		if err := e.Validate(now); err != nil {
			result.Rejected = append(result.Rejected, warehouse.Rejection{Index: i, Reason: err})
			continue
		}
		if _, known := w.events[e.ID]; known {
			result.Unchanged++
			continue
		}
		w.events[e.ID] = e
		result.Stored++
	}
	for span, has := range batch.Kinship {
		w.kinship[span] |= has
	}
	for stream, step := range batch.Streams {
		w.streams[stream] = step.TelemetryReading
	}
	return result, nil
}

func (w *fakeWarehouse) UpsertModels(context.Context, []warehouse.Model) (warehouse.WriteResult, error) {
	return warehouse.WriteResult{}, w.problem()
}

func (w *fakeWarehouse) ForgetTelemetry(context.Context, time.Time, time.Time) error {
	return w.problem()
}

func writeFile(t testing.TB, name, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	require.NoError(t, os.WriteFile(path, []byte(text), 0o600))
	return path
}

// selfSigned makes a certificate for 127.0.0.1.
func selfSigned(t testing.TB) (certificate, key string, roots *x509.CertPool) {
	t.Helper()
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	template := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "test"}, NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, IsCA: true, BasicConstraintsValid: true}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &private.PublicKey, private)
	require.NoError(t, err)
	keyDER, err := x509.MarshalECPrivateKey(private)
	require.NoError(t, err)
	text := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})
	roots = x509.NewCertPool()
	require.True(t, roots.AppendCertsFromPEM(text))
	return writeFile(t, "cert.pem", string(text)), writeFile(t, "key.pem", string(pem.EncodeToMemory(&pem.Block{Type: "EC PRIVATE KEY", Bytes: keyDER}))), roots
}

func credentialsOf(config *tls.Config) credentials.TransportCredentials {
	return credentials.NewTLS(config)
}
