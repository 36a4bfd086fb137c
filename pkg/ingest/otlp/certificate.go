package otlp

import (
	"crypto/tls"
	"fmt"
	"os"
	"sync"
	"time"
)

// ReadCertificate is TLS with the certificate of a pair of files in PEM, which is read
// anew when it was changed. Two empty paths are none.
func ReadCertificate(certificatePath, keyPath string) (*tls.Config, error) {
	if certificatePath == "" && keyPath == "" {
		return nil, nil
	}
	files := &certificateFiles{certificate: certificatePath, key: keyPath}
	if _, err := files.current(nil); err != nil {
		return nil, err
	}
	return &tls.Config{MinVersion: tls.VersionTLS12, GetCertificate: files.current}, nil
}

type certificateFiles struct {
	certificate, key string

	mu     sync.Mutex
	loaded *tls.Certificate
	of     time.Time
}

func (f *certificateFiles) current(*tls.ClientHelloInfo) (*tls.Certificate, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	status, err := os.Stat(f.certificate)
	if err == nil && f.loaded != nil && status.ModTime().Equal(f.of) {
		return f.loaded, nil
	}
	pair, err2 := tls.LoadX509KeyPair(f.certificate, f.key)
	switch {
	case err == nil && err2 == nil:
		f.loaded, f.of = &pair, status.ModTime()
	case f.loaded == nil:
		return nil, fmt.Errorf("reading the certificate: %w", err2)
	}
	return f.loaded, nil // the old one while the files are being changed
}
