package main

import (
	"encoding/json"
	"errors"
	"io"
	"os"
	"os/exec"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

const module = "github.com/wattscore/wattscore-aienergy-datasource/"

// rooms says which of the project's packages each room may import; see
// docs/architecture.md. A room is a folder and those below it.
var rooms = map[string][]string{
	"pkg":           {"pkg/plugin"},
	"pkg/plugin":    {"pkg/query", "pkg/warehouse", "pkg/gpu", "pkg/kpi"},
	"pkg/query":     {"pkg/kpi", "pkg/warehouse", "pkg/gpu"},
	"pkg/report":    {"pkg/query", "pkg/kpi"},
	"pkg/export":    {"pkg/warehouse", "pkg/kpi"},
	"pkg/kpi":       {},
	"pkg/warehouse": {"pkg/kpi"},
	"pkg/gpu":       {},
	"pkg/ingest":    {"pkg/warehouse", "pkg/kpi"},
	"pkg/collect":   {"pkg/gpu", "pkg/warehouse", "pkg/kpi"},
	"pkg/cmd":       {"pkg"},
	"dashboards":    {"pkg/query", "pkg/kpi"}, // their tests check them against the query types
	"tools":         {"pkg"},
}

// pure rooms import nothing but the standard library and these modules.
var pure = map[string][]string{"pkg/kpi": {"gonum.org/v1/gonum"}}

// outside is what a pure room must not reach, though the standard library has it.
var outside = []string{"database/sql", "io/ioutil", "log", "net", "os", "syscall"}

type goPackage struct {
	ImportPath                         string
	Imports, TestImports, XTestImports []string
}

func TestImportsPointOneWay(t *testing.T) {
	for _, p := range projectPackages(t) {
		path := strings.TrimPrefix(p.ImportPath, module)
		room := roomOf(path)
		if !assert.NotEmpty(t, room, "%s is a new room: say in rooms and in docs/architecture.md what it may import", path) {
			continue
		}
		// Tests may use the tools, which give them databases and a plugin process, and
		// a warehouse to ask.
		allowedInTests := append([]string{"tools", "pkg/warehouse"}, rooms[room]...)
		allowed := rooms[room]
		if strings.HasSuffix(path, "test") { // such as warehousetest
			allowed = allowedInTests
		}
		for _, imported := range p.Imports {
			ours, isOurs := strings.CutPrefix(imported, module)
			switch {
			case isOurs && within(ours, room):
			case isOurs:
				assert.True(t, withinAny(ours, allowed), "%s imports %s; it may import %v", path, ours, allowed)
			default:
				assert.True(t, mayReach(room, imported), "%s is pure and imports %s", path, imported)
			}
		}
		for _, imported := range slices.Concat(p.TestImports, p.XTestImports) {
			if ours, isOurs := strings.CutPrefix(imported, module); isOurs && !within(ours, room) {
				assert.True(t, withinAny(ours, allowedInTests), "a test of %s imports %s", path, ours)
			}
		}
	}
}

// The driver's library stays out of the plugin and of wattctl, which must start
// where there is no C library; see docs/decisions/0004.
func TestNVMLStaysInItsRoom(t *testing.T) {
	for _, p := range projectPackages(t) {
		assert.False(t, usesNVML(p), "%s reaches NVML without the build tag nvml", p.ImportPath)
	}
	found := false
	for _, p := range projectPackages(t, "-tags=nvml") {
		if usesNVML(p) {
			found = true
			assert.Equal(t, module+"pkg/gpu", p.ImportPath, "NVML is read in one place")
		}
	}
	assert.True(t, found || runtime.GOOS != "linux", "pkg/gpu reads NVML on Linux")
}

func usesNVML(p goPackage) bool {
	return slices.ContainsFunc(p.Imports, func(imported string) bool { return within(imported, "github.com/NVIDIA") })
}

func mayReach(room, imported string) bool {
	modules, isPure := pure[room]
	if !isPure {
		return true
	}
	standard := !strings.Contains(strings.Split(imported, "/")[0], ".")
	return standard && !withinAny(imported, outside) || withinAny(imported, modules)
}

// roomOf is the innermost room that a package is in.
func roomOf(path string) string {
	best := ""
	for room := range rooms {
		if within(path, room) && len(room) > len(best) {
			// pkg itself is the entry alone, not every folder below.
			if room == "pkg" && path != "pkg" {
				continue
			}
			best = room
		}
	}
	return best
}

func within(path, folder string) bool { return path == folder || strings.HasPrefix(path, folder+"/") }

func withinAny(path string, folders []string) bool {
	return slices.ContainsFunc(folders, func(folder string) bool { return within(path, folder) })
}

func projectPackages(t *testing.T, flags ...string) []goPackage {
	t.Helper()
	arguments := slices.Concat([]string{"list", "-json=ImportPath,Imports,TestImports,XTestImports"}, flags, []string{module + "..."})
	command := exec.CommandContext(t.Context(), "go", arguments...)
	command.Env = append(os.Environ(), "CGO_ENABLED=1") // files with cgo count, whether or not there is a compiler
	output, err := command.Output()
	require.NoError(t, err)
	var packages []goPackage
	for decoder := json.NewDecoder(strings.NewReader(string(output))); ; {
		var p goPackage
		err := decoder.Decode(&p)
		if errors.Is(err, io.EOF) {
			return packages
		}
		require.NoError(t, err)
		packages = append(packages, p)
	}
}
