package prometheus

import (
	"errors"
	"strings"
)

// meterKey is what a series tells of.
func (m metric) meterKey(l labels) (string, error) {
	switch m.quantity {
	case gpuMillijoules, gpuJoules, gpuWatts, gpuUtilization, nodeGPUJoules:
		uuid := l.gpuUUID()
		if uuid == "" {
			return "", errors.New("it does not say which GPU it is of: a label UUID or gpu_uuid")
		}
		return uuid, nil
	case gpuMemoryMiB, gpuMemoryBytes, gpuEngine:
		uuid := l.gpuUUID()
		if uuid == "" {
			return "", errors.New("it does not say which GPU it is of: a label UUID or gpu_uuid")
		}
		if instance := l["GPU_I_ID"]; instance != "" {
			return uuid + "\x00" + instance, nil
		}
		return uuid, nil
	case nodeActiveJoules, nodeIdleJoules, podJoules, podGPUJoules:
		return l.identity("state"), nil
	case latencyBucket:
		if l["le"] == "" {
			return "", errors.New("it is a bucket without le")
		}
	}
	return l.series(), nil
}

// series is a series as a text.
func (l labels) series() string {
	var text strings.Builder
	text.WriteString(l.identity())
	for _, name := range parts {
		if l[name] != "" {
			text.WriteString(name + "\x00" + l[name] + "\x00")
		}
	}
	return text.String()
}

// beginsAtZero says whether the parts of one thing that this counter is of are made when
// they first count something.
func (m metric) beginsAtZero() bool { return m.group() == readServers }

// groupOf is what a counter belongs to: where that was there before and the counter was
// not, it began at 0.
func (m metric) groupOf(l labels) string {
	if m.beginsAtZero() {
		return l.identity()
	}
	return l.series()
}
