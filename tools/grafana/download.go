package grafana

import (
	"archive/tar"
	"compress/gzip"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path"
	"path/filepath"
	"strings"
	"time"

	"github.com/wattscore/wattscore-aienergy-datasource/tools/project"
)

const (
	downloadSite = "https://dl.grafana.com/oss/release"
	// answerPatience is how long the site may take to say anything: without a
	// network the demo should not hang.
	answerPatience   = 5 * time.Second
	downloadPatience = 15 * time.Minute
)

// downloaded fetches an official Grafana into the project's cache, once.
func downloaded(ctx context.Context, log io.Writer) (Installation, error) {
	cache, err := project.Cache("grafana")
	if err != nil {
		return nil, err
	}
	return download(ctx, log, downloadSite, cache, project.ThisPlatform())
}

func download(ctx context.Context, log io.Writer, site, cache string, platform project.Platform) (Installation, error) {
	directory := filepath.Join(cache, Version)
	if found, err := openHome(directory); err == nil {
		return found, nil
	}
	if platform.OS == "windows" {
		return nil, errors.New("for Windows the demo downloads no Grafana")
	}
	archive := fmt.Sprintf("%s/grafana-%s.%s-%s.tar.gz", site, Version, platform.OS, platform.Arch)
	wanted, err := fetchChecksum(ctx, archive+".sha256")
	if err != nil {
		return nil, fmt.Errorf("Grafana cannot be downloaded (%w)", withoutAddresses(err))
	}
	fmt.Fprintf(log, "Downloading %s\n", archive)
	staging, err := os.MkdirTemp(cache, "downloading-")
	if err != nil {
		return nil, err
	}
	defer func() { _ = os.RemoveAll(staging) }() // it has moved away if all went well
	if err := fetchArchive(ctx, archive, wanted, staging); err != nil {
		return nil, fmt.Errorf("the download of Grafana failed (%w)", err)
	}
	if _, err := openHome(staging); err != nil {
		return nil, fmt.Errorf("the download of Grafana holds something else (%w)", err)
	}
	if err := errors.Join(os.RemoveAll(directory), os.Rename(staging, directory)); err != nil {
		return nil, err
	}
	return openHome(directory)
}

// withoutAddresses shortens what a machine without a network gets to see.
func withoutAddresses(err error) error {
	var unknown *net.DNSError
	if errors.As(err, &unknown) {
		return fmt.Errorf("%s: %s", unknown.Name, unknown.Err)
	}
	return err
}

func fetchChecksum(ctx context.Context, address string) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, answerPatience)
	defer cancel()
	response, err := get(ctx, address)
	if err != nil {
		return "", err
	}
	defer response.Body.Close() //nolint:errcheck // read only
	text, err := io.ReadAll(io.LimitReader(response.Body, 1<<10))
	if err != nil {
		return "", err
	}
	fields := strings.Fields(string(text)) // the sum, perhaps followed by the file's name
	if len(fields) == 0 || len(fields[0]) != hex.EncodedLen(sha256.Size) {
		return "", fmt.Errorf("%s is no checksum", address)
	}
	return fields[0], nil
}

// fetchArchive unpacks an archive without its topmost folder. What it leaves in
// the directory is good only if it returns no error.
func fetchArchive(ctx context.Context, address, wantedSum, directory string) error {
	ctx, cancel := context.WithTimeout(ctx, downloadPatience)
	defer cancel()
	response, err := get(ctx, address)
	if err != nil {
		return err
	}
	defer response.Body.Close() //nolint:errcheck // read only
	sum := sha256.New()
	summed := io.TeeReader(response.Body, sum)
	if err := unpack(summed, directory); err != nil {
		return err
	}
	if _, err := io.Copy(io.Discard, summed); err != nil { // what follows the last file counts too
		return err
	}
	if got := hex.EncodeToString(sum.Sum(nil)); got != wantedSum {
		return fmt.Errorf("the checksum of %s is %s and should be %s", address, got, wantedSum)
	}
	return nil
}

func get(ctx context.Context, address string) (*http.Response, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return nil, err
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return nil, err
	}
	if response.StatusCode != http.StatusOK {
		_ = response.Body.Close()
		return nil, fmt.Errorf("%s answers %s", address, response.Status)
	}
	return response, nil
}

func unpack(compressed io.Reader, directory string) error {
	// An os.Root refuses names that lead out of the directory.
	root, err := os.OpenRoot(directory)
	if err != nil {
		return err
	}
	defer root.Close() //nolint:errcheck // read only
	plain, err := gzip.NewReader(compressed)
	if err != nil {
		return err
	}
	files := tar.NewReader(plain)
	for {
		header, err := files.Next()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		_, name, _ := strings.Cut(strings.TrimPrefix(header.Name, "./"), "/")
		if name == "" { // the topmost folder itself
			continue
		}
		if err := unpackOne(root, name, header, files); err != nil {
			return err
		}
	}
}

func unpackOne(root *os.Root, name string, header *tar.Header, content io.Reader) error {
	if header.Typeflag == tar.TypeDir {
		return root.MkdirAll(name, 0o755)
	}
	if err := root.MkdirAll(path.Dir(name), 0o755); err != nil {
		return err
	}
	switch header.Typeflag {
	case tar.TypeSymlink:
		return root.Symlink(header.Linkname, name)
	case tar.TypeReg:
		file, err := root.OpenFile(name, os.O_CREATE|os.O_EXCL|os.O_WRONLY, header.FileInfo().Mode().Perm())
		if err != nil {
			return err
		}
		_, err = io.Copy(file, content)
		return errors.Join(err, file.Close())
	}
	return nil // nothing else is in the archive
}
