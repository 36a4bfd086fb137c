package grafana

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"encoding/hex"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/wattscore/wattscore-aienergy-datasource/tools/project"
)

var linux = project.Platform{OS: "linux", Arch: "arm64"}

// site serves an archive of the given files, and a checksum.
func site(t *testing.T, files map[string]string, checksum func(archive []byte) string) string {
	t.Helper()
	var archive bytes.Buffer
	compressed := gzip.NewWriter(&archive)
	writer := tar.NewWriter(compressed)
	for name, content := range files {
		require.NoError(t, writer.WriteHeader(&tar.Header{Name: name, Typeflag: tar.TypeReg, Mode: 0o755, Size: int64(len(content))}))
		_, err := io.WriteString(writer, content)
		require.NoError(t, err)
	}
	require.NoError(t, writer.Close())
	require.NoError(t, compressed.Close())
	mux := http.NewServeMux()
	address := "/grafana-" + Version + ".linux-arm64.tar.gz"
	mux.HandleFunc(address, func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write(archive.Bytes()) })
	mux.HandleFunc(address+".sha256", func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, checksum(archive.Bytes())) })
	server := httptest.NewServer(mux)
	t.Cleanup(server.Close)
	return server.URL
}

func rightSum(archive []byte) string {
	sum := sha256.Sum256(archive)
	return hex.EncodeToString(sum[:]) + "  grafana.tar.gz\n"
}

var wholeGrafana = map[string]string{
	"grafana-v1/bin/grafana":         "program",
	"grafana-v1/bin/grafana.exe":     "program",
	"grafana-v1/conf/defaults.ini":   "",
	"grafana-v1/public/build/app.js": "",
}

func TestDownload(t *testing.T) {
	cache := t.TempDir()
	address := site(t, wholeGrafana, rightSum)

	found, err := download(t.Context(), io.Discard, address, cache, linux)

	require.NoError(t, err)
	assert.Equal(t, "Grafana in "+filepath.Join(cache, Version), found.String())

	again, err := download(t.Context(), io.Discard, "http://127.0.0.1:1/unreachable", cache, linux)
	require.NoError(t, err, "it is in the cache")
	assert.Equal(t, found, again)
}

func TestABadDownloadLeavesNothing(t *testing.T) {
	tests := map[string]struct {
		files    map[string]string
		checksum func([]byte) string
		want     string
	}{
		"another checksum": {wholeGrafana, func([]byte) string { return hex.EncodeToString(make([]byte, sha256.Size)) }, "should be 0000"},
		"no checksum":      {wholeGrafana, func([]byte) string { return "<html>" }, "is no checksum"},
		"another program":  {map[string]string{"other/bin/other": "x"}, rightSum, "holds something else"},
		"a name outside":   {map[string]string{"grafana-v1/../../outside": "x"}, rightSum, "download of Grafana failed"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			cache := filepath.Join(t.TempDir(), "cache")
			require.NoError(t, os.Mkdir(cache, 0o755))

			_, err := download(t.Context(), io.Discard, site(t, test.files, test.checksum), cache, linux)

			assert.ErrorContains(t, err, test.want)
			left, err := os.ReadDir(cache)
			require.NoError(t, err)
			assert.Empty(t, left)
			assert.NoFileExists(t, filepath.Join(filepath.Dir(cache), "outside"))
		})
	}
}

func TestWithoutANetworkThereIsNoDownload(t *testing.T) {
	_, err := download(t.Context(), io.Discard, "http://127.0.0.1:1", t.TempDir(), linux)
	assert.ErrorContains(t, err, "cannot be downloaded")
}
