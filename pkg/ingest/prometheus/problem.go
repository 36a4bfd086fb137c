package prometheus

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"strings"

	v1 "github.com/prometheus/client_golang/api/prometheus/v1"
)

// Problem is an error of a Prometheus in words that a person can act on.
type Problem struct {
	message string
	cause   error
}

func (p *Problem) Error() string { return p.message }
func (p *Problem) Unwrap() error { return p.cause }

// passes says whether an error may pass by itself.
func passes(err error) bool {
	var asked *v1.Error
	if errors.As(err, &asked) {
		switch asked.Type {
		case v1.ErrServer:
			return !isTooMuch(err)
		case v1.ErrClient:
			return strings.Contains(asked.Msg, "429")
		}
		return false
	}
	if errors.Is(err, errTooLarge) || isCertificate(err) {
		return false
	}
	var network net.Error
	var operation *net.OpError
	return errors.As(err, &network) || errors.As(err, &operation) || errors.Is(err, context.DeadlineExceeded) || strings.HasSuffix(err.Error(), "EOF")
}

// isTooMuch says whether less would be answered: a query of a shorter span.
func isTooMuch(err error) bool {
	var asked *v1.Error
	if errors.As(err, &asked) {
		text := strings.ToLower(asked.Msg + asked.Detail)
		// Prometheus answers a query that took too long with 503.
		return asked.Type == v1.ErrTimeout || strings.Contains(text, `"errortype":"timeout"`) || asked.Type == v1.ErrExec && strings.Contains(text, "too many samples") ||
			strings.Contains(text, "limit") && (strings.Contains(text, "sample") || strings.Contains(text, "chunks") || strings.Contains(text, "bytes"))
	}
	return errors.Is(err, errTooLarge) || errors.Is(err, context.DeadlineExceeded)
}

func isCertificate(err error) bool {
	var unknown x509.UnknownAuthorityError
	var name x509.HostnameError
	var invalid x509.CertificateInvalidError
	var verification *tls.CertificateVerificationError
	return errors.As(err, &unknown) || errors.As(err, &name) || errors.As(err, &invalid) || errors.As(err, &verification)
}

// explain says of an error what was being done, what is wrong, and what to do.
func (c *Client) explain(doing string, err error) error {
	return &Problem{message: fmt.Sprintf("%s: %s", doing, c.reason(err)), cause: err}
}

func (c *Client) reason(err error) string {
	var asked *v1.Error
	var dns *net.DNSError
	var operation *net.OpError
	switch {
	case errors.Is(err, context.Canceled):
		return "interrupted"
	case errors.As(err, &asked):
		return c.reasonOf(asked)
	case errors.Is(err, errTooLarge):
		return err.Error() + " for the shortest span that is asked for: choose fewer series with select in the mapping"
	case isCertificate(err):
		return fmt.Sprintf("the certificate of %s is not trusted (%v): name its authority with --tls-ca FILE", c.address, lastOf(err))
	case errors.As(err, &dns):
		return fmt.Sprintf("%s has no address (%v): check --url", c.address, dns.Err)
	case errors.Is(err, context.DeadlineExceeded):
		return fmt.Sprintf("%s did not answer within %s: look at its load, or allow more with --timeout", c.address, c.timeout)
	case errors.As(err, &operation):
		return fmt.Sprintf("%s cannot be reached (%v): check --url, and that it runs", c.address, operation.Err)
	}
	return fmt.Sprintf("%s cannot be asked: %v", c.address, lastOf(err))
}

func (c *Client) reasonOf(asked *v1.Error) string {
	text := asked.Msg
	if asked.Detail != "" {
		text += ": " + excerpt(asked.Detail)
	}
	switch {
	case strings.HasSuffix(asked.Msg, "401"), strings.HasSuffix(asked.Msg, "403"):
		return fmt.Sprintf("%s refuses the credentials (%s): pass --token-file, --user with --password-file, or --http-config", c.address, asked.Msg)
	case strings.HasSuffix(asked.Msg, "404"):
		return fmt.Sprintf("%s has no Prometheus API under it (%s): the URL is the one before /api/v1, for example https://mimir.example.com/prometheus", c.address, asked.Msg)
	case strings.HasSuffix(asked.Msg, "429"):
		return fmt.Sprintf("%s allows no more queries for now (%s): raise its limit, or pull more rarely", c.address, text)
	case asked.Type == v1.ErrTimeout, isTooMuch(asked):
		return fmt.Sprintf("it is too much for %s even for the shortest span that is asked for (%s): raise its query limits (--query.max-samples, --query.timeout), or choose fewer series with select in the mapping",
			c.address, text)
	case asked.Type == v1.ErrBadData:
		return fmt.Sprintf("%s does not understand the query (%s): check select in the mapping", c.address, text)
	case asked.Type == v1.ErrBadResponse:
		return fmt.Sprintf("%s answers with something else than Prometheus' JSON (%s): is there a page to log in before it, or another service at this address?", c.address, text)
	case asked.Type == v1.ErrServer:
		return fmt.Sprintf("%s fails (%s): look at its log", c.address, text)
	}
	return fmt.Sprintf("%s answered: %s", c.address, text)
}

// lastOf is the innermost message of an error: those around it repeat the URL, which may
// hold credentials.
func lastOf(err error) error {
	for {
		inner := errors.Unwrap(err)
		if inner == nil {
			return err
		}
		err = inner
	}
}

// excerpt bounds a text that somebody else wrote, for a message.
func excerpt(text string) string {
	const most = 120
	text = strings.ToValidUTF8(strings.Join(strings.Fields(text), " "), "?")
	if len(text) > most {
		text = strings.ToValidUTF8(text[:most], "") + "…"
	}
	return text
}
