package collect

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/wattscore/wattscore-aienergy-datasource/pkg/kpi"
)

func TestTheFirstRuleThatHoldsClaimsTheProcess(t *testing.T) {
	rules, err := ParseRules([]byte(`
rules:
  - name: one run of the trainers
    match: {user: "^trainer$", environment: {RUN: "^eval-"}}
    project: research
    workload: evaluation
  - match: {user: "^trainer$"}
    project: research
    workload: training
  - match: {namespace: "^search$", pod: "^ranker-"}
    project: search
    model: ranker
    endpoint: search-ranker
  - match: {pod_uid: "^8f1c"}
    project: pinned
  - match: {cgroup: "/slurm/uid_1001/"}
    project: lab
  - match: {command: "vllm serve"}
    project: serving
`))
	require.NoError(t, err)
	assert.Equal(t, 6, rules.Len())
	tests := []struct {
		process Process
		project string
		want    kpi.Workload
	}{
		{Process{User: "trainer", Environment: map[string]string{"RUN": "eval-3"}}, "research", kpi.WorkloadEvaluation},
		{Process{User: "trainer", Environment: map[string]string{"RUN": "7"}}, "research", kpi.WorkloadTraining},
		{Process{User: "trainer"}, "research", kpi.WorkloadTraining},
		{Process{Namespace: "search", Pod: "ranker-5f"}, "search", kpi.WorkloadInference},
		{Process{Namespace: "search", Pod: "indexer", PodUID: "8f1c0a00"}, "pinned", kpi.WorkloadInference},
		{Process{Cgroup: "/slurm/uid_1001/job_5", Command: "vllm serve"}, "lab", kpi.WorkloadInference},
		{Process{Command: "python -m vllm serve x"}, "serving", kpi.WorkloadInference},
	}
	for _, test := range tests {
		assignment, claimed := rules.Resolve(test.process)
		assert.True(t, claimed)
		assert.Equal(t, []any{test.project, test.want}, []any{assignment.Project, assignment.Workload})
	}
	assignment, claimed := rules.Resolve(Process{Command: "bash"})
	assert.False(t, claimed)
	assert.Equal(t, kpi.Unallocated, assignment.Project)
	none, err := ReadRules("")
	require.NoError(t, err)
	assert.Zero(t, none.Len())
}

func TestWrongRulesSayWhatIsWrong(t *testing.T) {
	for text, reason := range map[string]string{
		"rules: [{match: {user: x}}]":                               "rule 1 (): project is missing",
		"rules: [{name: all, project: x}]":                          "rule 1 (all): match states no condition",
		"rules: [{match: {user: x}, project: y, workload: gaming}]": `unknown workload "gaming"`,
		"rules: [{match: {user: x}, project: y, workload: idle}]":   `unknown workload "idle"`,
		"rules: [{match: {command: '('}, project: y}]":              "missing closing )",
		"rules: [{match: {usr: x}, project: y}]":                    "usr not found",
		"rules: [{match: {environment: {RUN: }}, project: y}]":      "match.environment.RUN has no expression",
		"rules: {}": "cannot unmarshal",
	} {
		_, err := ParseRules([]byte(text))
		assert.ErrorContains(t, err, reason, text)
	}
	_, err := ReadRules(filepath.Join(t.TempDir(), "none.yaml"))
	assert.ErrorContains(t, err, "reading the rules")
}

func TestTheSampleRulesAreRules(t *testing.T) {
	rules, err := ReadRules(filepath.Join("..", "..", "deploy", "collect-rules.yaml"))
	require.NoError(t, err)
	assert.NotZero(t, rules.Len())
}

func FuzzParseRules(f *testing.F) {
	f.Add([]byte("rules: [{match: {user: x}, project: y}]"))
	f.Add([]byte(testRules))
	f.Fuzz(func(t *testing.T, text []byte) {
		rules, err := ParseRules(text)
		if err != nil {
			return
		}
		assignment, claimed := rules.Resolve(Process{User: "u", Command: "c", Cgroup: "/g"})
		assert.NotEmpty(t, assignment.Project)
		assert.Equal(t, claimed, assignment != unallocated || assignment.Project == kpi.Unallocated && claimed)
	})
}

func TestProcFSReadsWhatAProcessIs(t *testing.T) {
	root := t.TempDir()
	write := func(pid, name, content string) {
		require.NoError(t, os.MkdirAll(filepath.Join(root, pid), 0o755))
		require.NoError(t, os.WriteFile(filepath.Join(root, pid, name), []byte(content), 0o600))
	}
	const uid = "8f1c0a00-1111-2222-3333-444455556666"
	write("7", "cmdline", "python\x00-m\x00vllm\x00serve\x00")
	write("7", "cgroup", "0::/kubepods.slice/kubepods-burstable.slice/kubepods-burstable-pod8f1c0a00_1111_2222_3333_444455556666.slice/cri-containerd-aa.scope\n")
	write("7", "status", "Name:\tpython\nUid:\t4242424\t4242424\t0\t0\n")
	write("7", "environ", "HOSTNAME=ranker-5f\x00POD_NAMESPACE=search\x00broken\x00")
	process, err := ProcFS(root).Process(7)
	require.NoError(t, err)
	assert.Equal(t, []string{"python -m vllm serve", "4242424", uid, "ranker-5f", "search"},
		[]string{process.Command, process.User, process.PodUID, process.Pod, process.Namespace})

	write("8", "cmdline", "bash\x00")
	write("8", "cgroup", "12:devices:/kubepods/besteffort/pod"+uid+"/aa\n1:name=systemd:/x\n")
	process, err = ProcFS(root).Process(8)
	require.NoError(t, err)
	assert.Equal(t, []string{"bash", uid, "", ""}, []string{process.Command, process.PodUID, process.Pod, process.User}, "what cannot be read is empty")

	_, err = ProcFS(root).Process(9)
	assert.ErrorContains(t, err, "what process 9 is")
}

func TestAccelerator(t *testing.T) {
	for product, published := range map[string]string{
		"NVIDIA H100 80GB HBM3": "NVIDIA H100 SXM", "NVIDIA H100 PCIe": "NVIDIA H100 PCIe", "NVIDIA H100 NVL": "NVIDIA H100 NVL",
		"NVIDIA A100-SXM4-40GB": "NVIDIA A100 SXM 40GB", "A100-PCIE-40GB": "NVIDIA A100 PCIe 40GB", "NVIDIA A100-SXM4-80GB": "NVIDIA A100-SXM4-80GB",
		"NVIDIA B200": "NVIDIA B200 SXM", "NVIDIA L4": "NVIDIA L4", "NVIDIA L40S": "NVIDIA L40S",
	} {
		assert.Equal(t, published, accelerator(product), product)
	}
}
