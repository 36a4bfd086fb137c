package build

import (
	"archive/zip"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/wattscore/wattscore-aienergy-datasource/tools/project"
)

// Platforms are those the archive holds an executable for.
var Platforms = []project.Platform{
	{OS: "linux", Arch: "amd64"}, {OS: "linux", Arch: "arm64"},
	{OS: "darwin", Arch: "amd64"}, {OS: "darwin", Arch: "arm64"},
	{OS: "windows", Arch: "amd64"}, {OS: "windows", Arch: "arm64"},
}

// Package builds the plugin for every platform from nothing and writes the
// archive that Grafana installs: one folder, named by the plugin's id. It
// returns the archive's path.
func (b *Builder) Package(ctx context.Context) (string, error) {
	distribution := filepath.Join(b.Root, Distribution)
	if err := os.RemoveAll(distribution); err != nil {
		return "", err
	}
	if err := b.Frontend(ctx); err != nil {
		return "", err
	}
	if err := b.Backend(Platforms...); err != nil {
		return "", err
	}
	if err := b.GPUReader(ctx, Platforms...); err != nil {
		return "", err
	}
	if err := os.MkdirAll(filepath.Join(b.Root, Binaries), 0o755); err != nil {
		return "", err
	}
	path := filepath.Join(b.Root, Binaries, fmt.Sprintf("%s-%s.zip", b.Manifest.ID, b.Manifest.Version))
	return path, b.Runner.Do("Write the archive", func() error {
		return writeArchive(path, b.Manifest, distribution)
	})
}

// writeArchive writes an archive of the folder beside its place and moves it
// there when it is whole.
func writeArchive(path string, manifest project.Manifest, directory string) error {
	file, err := os.CreateTemp(filepath.Dir(path), ".archive-")
	if err != nil {
		return err
	}
	defer func() { _ = os.Remove(file.Name()) }() // it has moved away if all went well
	archive := zip.NewWriter(file)
	err = filepath.WalkDir(directory, func(name string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		relative, err := filepath.Rel(directory, name)
		if err != nil {
			return err
		}
		return addFile(archive, name, manifest.ID+"/"+filepath.ToSlash(relative), strings.HasPrefix(relative, manifest.Executable))
	})
	if err := errors.Join(err, archive.Close(), file.Chmod(0o644), file.Close()); err != nil {
		return err
	}
	return os.Rename(file.Name(), path)
}

// archiveTime is the time of all files in the archive, the first that the format
// knows, so that the same files make the same archive.
var archiveTime = time.Date(1980, time.January, 1, 0, 0, 0, 0, time.UTC)

func addFile(archive *zip.Writer, from, name string, executable bool) error {
	file, err := os.Open(from)
	if err != nil {
		return err
	}
	defer file.Close() //nolint:errcheck // read only
	header := &zip.FileHeader{Name: name, Method: zip.Deflate, Modified: archiveTime}
	header.SetMode(0o644)
	if executable {
		header.SetMode(0o755)
	}
	entry, err := archive.CreateHeader(header)
	if err != nil {
		return err
	}
	_, err = io.Copy(entry, file)
	return err
}
