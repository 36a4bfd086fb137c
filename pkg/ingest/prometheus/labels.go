package prometheus

import (
	"maps"
	"net"
	"regexp"
	"slices"
	"strings"

	"github.com/prometheus/common/model"
)

// The labels that every series has under one name, whatever its exporter and its scrape
// call them.
const (
	labelPod       = "pod"
	labelNamespace = "namespace"
	labelContainer = "container"
	labelHost      = "host"
)

// labels are those of a series, with pod, namespace, container and host as what the
// series is about has them.
type labels map[string]string

// text returns a label, empty where there is none.
func (l labels) text(name string) string { return l[name] }

// exporterPods are pods that measure others: their own names say nothing of who used
// what.
var exporterPods = regexp.MustCompile(`dcgm-exporter|kepler`)

// labelsOf reads the labels of a series.
//
// Where Prometheus is not told to honour an exporter's labels, its own pod, namespace
// and container take their places and those of the pod that is measured are called
// exported_pod and so on. A GPU that no pod has then carries the exporter's pod.
// Exporters of old called the labels pod_name and pod_namespace, as Kepler does.
//
// Labels that tell replicas apart are left out.
func labelsOf(series model.Metric, replicas []string) labels {
	l := make(labels, len(series))
	for name, value := range series {
		if name != model.MetricNameLabel && !slices.Contains(replicas, string(name)) {
			l[string(name)] = string(value)
		}
	}
	first := func(names ...string) string {
		for _, name := range names {
			if value := strings.TrimSpace(l[name]); value != "" {
				return value
			}
		}
		return ""
	}
	pod, namespace, container := first("exported_pod", "pod_name"), first("exported_namespace", "pod_namespace"), first("exported_container", "container_name")
	if pod == "" && !exporterPods.MatchString(l[labelPod]) {
		pod, namespace, container = l[labelPod], first("pod_namespace", labelNamespace), first("container_name", labelContainer)
	}
	host := first("node_name", "node", "kubernetes_node", "exported_node")
	if own := first("hostname", "Hostname"); host == "" && !exporterPods.MatchString(own) {
		host = own
	}
	if host == "" {
		host = withoutPort(l["instance"])
	}
	for name, value := range map[string]string{labelPod: pod, labelNamespace: namespace, labelContainer: container, labelHost: host} {
		if value == "" {
			delete(l, name)
			continue
		}
		l[name] = value
	}
	return l
}

func withoutPort(instance string) string {
	if host, _, err := net.SplitHostPort(instance); err == nil {
		return host
	}
	return instance
}

// gpuUUID is the GPU that a series is of: MIG instances have the one they are a part of.
func (l labels) gpuUUID() string {
	for _, name := range []string{"UUID", "uuid", "gpu_uuid"} {
		if value := l[name]; value != "" {
			return value
		}
	}
	return ""
}

// replicaLabels tell the halves of a highly available Prometheus apart, which scrape the
// same: their series are one.
var replicaLabels = []string{"prometheus_replica", "__replica__", "receive_replica"}

// parts tell the series of one server's metric apart.
var parts = []string{"le", "finished_reason", "finish_reason", "is_streaming"}

// identity is what a series is of, as a text: its labels but for the parts.
func (l labels) identity(without ...string) string {
	var text strings.Builder
	for _, name := range slices.Sorted(maps.Keys(l)) {
		if slices.Contains(parts, name) || slices.Contains(without, name) {
			continue
		}
		text.WriteString(name + "\x00" + l[name] + "\x00")
	}
	return text.String()
}

// describe is a series as a person writes it, for messages and the reject file.
func describe(series model.Metric) string { return series.String() }
