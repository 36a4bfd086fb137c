package otlp

import (
	"bufio"
	"bytes"
	"crypto/sha256"
	"crypto/subtle"
	"errors"
	"fmt"
	"os"
	"strings"
)

// Tokens are the bearer tokens that senders may have. None lets everybody in.
type Tokens struct{ hashes [][sha256.Size]byte }

var errToken = &refusal{refusedToken, "the request has no valid token: send the header Authorization: Bearer TOKEN"}

// shortestToken is as much as cannot be guessed.
const shortestToken = 16

// ReadTokens reads a file of tokens, one a line; empty lines and those that begin with
// # do not count. No file, an empty path, is no tokens. No error repeats a token.
func ReadTokens(path string) (Tokens, error) {
	var tokens Tokens
	if path == "" {
		return tokens, nil
	}
	text, err := os.ReadFile(path)
	if err != nil {
		return tokens, fmt.Errorf("reading the tokens: %w", err)
	}
	for lines, number := bufio.NewScanner(bytes.NewReader(text)), 1; lines.Scan(); number++ {
		token := strings.TrimSpace(lines.Text())
		switch {
		case token == "" || strings.HasPrefix(token, "#"):
			continue
		case len(token) < shortestToken || strings.ContainsAny(token, " \t"):
			return Tokens{}, fmt.Errorf("%s, line %d: a token is %d characters or more, without blanks", path, number, shortestToken)
		}
		tokens.hashes = append(tokens.hashes, sha256.Sum256([]byte(token)))
	}
	if len(tokens.hashes) == 0 {
		return Tokens{}, errors.New(path + " holds no token: write one a line")
	}
	return tokens, nil
}

// Len is how many tokens there are.
func (t Tokens) Len() int { return len(t.hashes) }

// admit says whether one of the values of the header Authorization holds a token.
func (t Tokens) admit(headers []string) bool {
	if len(t.hashes) == 0 {
		return true
	}
	admitted := 0
	for _, header := range headers {
		scheme, token, _ := strings.Cut(header, " ")
		hash := sha256.Sum256([]byte(strings.TrimSpace(token)))
		for _, known := range t.hashes {
			if strings.EqualFold(scheme, "Bearer") {
				admitted |= subtle.ConstantTimeCompare(hash[:], known[:])
			}
		}
	}
	return admitted == 1
}
