package child_test

import (
	"bufio"
	"os"
	"os/exec"
	"runtime"
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/wattscore/wattscore-aienergy-datasource/tools/child"
)

// role makes this test binary play a part of TestDiesWithItsParent.
const role = "WATTSCORE_CHILD_TEST_ROLE"

func TestMain(m *testing.M) {
	switch os.Getenv(role) {
	case "parent":
		process, err := child.Start(play("child"))
		if err != nil {
			panic(err)
		}
		_, _ = os.Stdout.WriteString(strconv.Itoa(process.ID()) + "\n")
		<-process.Done()
	case "careless parent":
		orphan := play("child")
		if err := orphan.Start(); err != nil {
			panic(err)
		}
		_, _ = os.Stdout.WriteString(strconv.Itoa(orphan.Process.Pid) + "\n")
	case "child":
		time.Sleep(10 * time.Minute)
	default:
		os.Exit(m.Run())
	}
}

func play(part string) *exec.Cmd {
	command := exec.Command(os.Args[0])
	command.Env = append(os.Environ(), role+"="+part)
	return command
}

func TestStopEndsTheProcess(t *testing.T) {
	process, err := child.Start(play("child"))
	require.NoError(t, err)
	assert.True(t, child.Alive(process.ID()))

	process.Stop(10 * time.Second)

	select {
	case <-process.Done():
	default:
		t.Fatal("Stop returned while the process still ran")
	}
	assert.Error(t, process.Err(), "an interrupted process does not end well")
	process.Stop(time.Second) // a second time does nothing
}

func TestAProcessThatCannotStartIsAnError(t *testing.T) {
	_, err := child.Start(exec.Command("no-such-program"))
	assert.ErrorContains(t, err, "no-such-program")
}

func TestWhatAProcessLeavesBehindEndsToo(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Log("Windows has no process groups that could be ended")
		return
	}
	command := play("careless parent")
	output, err := os.CreateTemp(t.TempDir(), "")
	require.NoError(t, err)
	command.Stdout = output
	process, err := child.Start(command)
	require.NoError(t, err)
	<-process.Done()
	text, err := os.ReadFile(output.Name())
	require.NoError(t, err)
	orphan, err := strconv.Atoi(string(text[:len(text)-1]))
	require.NoError(t, err)
	assert.Eventually(t, func() bool { return !running(orphan) }, 30*time.Second, 20*time.Millisecond, "process %d was left behind", orphan)
}

func TestDiesWithItsParent(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Log("only Linux ends a child with its parent")
		return
	}
	parent := play("parent")
	output, err := parent.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, parent.Start())
	line, err := bufio.NewReader(output).ReadString('\n')
	require.NoError(t, err)
	grandchild, err := strconv.Atoi(line[:len(line)-1])
	require.NoError(t, err)
	require.True(t, child.Alive(grandchild))

	require.NoError(t, parent.Process.Kill())
	_ = parent.Wait() // killed

	assert.Eventually(t, func() bool { return !running(grandchild) }, 30*time.Second, 20*time.Millisecond,
		"process %d outlived its parent", grandchild)
}

// running leaves out a process that has ended and that nobody has waited for,
// as happens in a container whose first process reaps none.
func running(id int) bool {
	status, err := os.ReadFile("/proc/" + strconv.Itoa(id) + "/stat")
	if err != nil {
		return false
	}
	for i := len(status) - 1; i >= 0; i-- {
		if status[i] == ')' {
			return i+2 < len(status) && status[i+2] != 'Z'
		}
	}
	return true
}
