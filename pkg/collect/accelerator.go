package collect

import (
	"regexp"
	"strings"
)

// accelerators lead from NVML's product names to those that embodied carbon is
// published under. A variant that has no figure of its own is not here: an A100 of
// 80 GB is not one of 40.
var accelerators = []struct {
	name      *regexp.Regexp
	published string
}{
	{regexp.MustCompile(`^H100 (80GB HBM3|SXM5?.*)$`), "NVIDIA H100 SXM"},
	{regexp.MustCompile(`^B200( SXM\d?.*)?$`), "NVIDIA B200 SXM"},
	{regexp.MustCompile(`^A100-SXM4-40GB$`), "NVIDIA A100 SXM 40GB"},
	{regexp.MustCompile(`^A100-PCIE-40GB$`), "NVIDIA A100 PCIe 40GB"},
}

// accelerator returns the name that a product may have in the accelerator table;
// others are there by NVML's own name, or not at all.
func accelerator(product string) string {
	short := strings.TrimPrefix(product, "NVIDIA ")
	for _, a := range accelerators {
		if a.name.MatchString(short) {
			return a.published
		}
	}
	return "NVIDIA " + short
}
