package e2e

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"strings"

	"github.com/wattscore/wattscore-aienergy-datasource/tools/build"
)

// chromiumVariable names a Chromium's executable. Empty is Playwright's own.
const chromiumVariable = "WATTSCORE_CHROMIUM"

// ownChromium prints the path of Playwright's own browser, which is where it would
// be if it is not installed.
const ownChromium = "process.stdout.write(require('@playwright/test').chromium.executablePath())"

// findChromium returns the executable of a browser, or nothing where Playwright has
// its own: what WATTSCORE_CHROMIUM names comes first, the system's last.
func findChromium(ctx context.Context, builder *build.Builder) (string, error) {
	if named := os.Getenv(chromiumVariable); named != "" {
		if _, err := exec.LookPath(named); err != nil {
			return "", fmt.Errorf("%s: %w", chromiumVariable, err)
		}
		return named, nil
	}
	if err := builder.NodeModules(ctx); err != nil {
		return "", err
	}
	own, err := builder.Runner.Command(ctx, "node", "-e", ownChromium).Output()
	if err != nil {
		return "", fmt.Errorf("ask Playwright for its browser: %w", err)
	}
	if _, err := os.Stat(strings.TrimSpace(string(own))); err == nil {
		return "", nil
	}
	return systemChromium()
}

func systemChromium() (string, error) {
	for _, name := range []string{"chromium", "chromium-browser", "google-chrome"} {
		if path, err := exec.LookPath(name); err == nil {
			return path, nil
		}
	}
	return "", errors.New("there is no browser: run npx playwright install chromium, or set " + chromiumVariable + " to a Chromium's executable")
}

func freePort() (int, error) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return 0, err
	}
	return listener.Addr().(*net.TCPAddr).Port, listener.Close()
}
