package company

import (
	"testing"
	"time"
	"fmt"

	"github.com/wattscore/wattscore-aienergy-datasource/pkg/warehouse"
	"github.com/wattscore/wattscore-aienergy-datasource/pkg/warehouse/warehousetest"
)

func TestTmpFull(t *testing.T) {
	pool := warehousetest.Open(t)
	s := time.Now()
	c := Generate(1, end)
	fmt.Println("generate", time.Since(s))
	for range 2 {
		s = time.Now()
		if err := c.Load(t.Context(), warehouse.OpenStore(pool), end, nil); err != nil { t.Fatal(err) }
		fmt.Println("load", time.Since(s), count(t, pool, "SELECT count(*) FROM wattscore.inference_energy_fact"))
	}
}
