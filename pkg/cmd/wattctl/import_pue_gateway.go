package main

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"net/http"
	"os"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/wattscore/wattscore-aienergy-datasource/pkg/ingest"
	"github.com/wattscore/wattscore-aienergy-datasource/pkg/warehouse"
)

// importPUEFromGateway asks a gateway, once or until it is stopped.
func (c console) importPUEFromGateway(cmd *cobra.Command, flags pueFlags) error {
	gateway, err := c.gateway(flags)
	if err != nil {
		return err
	}
	var since time.Time
	if flags.since != "" {
		since, _ = time.Parse(time.DateOnly, flags.since) // it was checked
	}
	path, err := cmd.Flags().GetString(rejectsFlag)
	if err != nil {
		return err
	}
	if path == "" {
		path = "pue.rejects.csv"
	}
	rejects := func() *ingest.Rejects { return ingest.NewRejects(path, "") }
	pool, err := c.pool(cmd)
	if err != nil {
		return err
	}
	defer pool.Close()
	ctx, store := cmd.Context(), warehouse.OpenStore(pool)
	away, err := lookAtWarehouse(ctx, pool, store, flags.region)
	if err == nil && !flags.follow {
		err = away
	}
	if err != nil {
		return err
	}
	if !flags.follow {
		since, err := ingest.FacilitySince(ctx, store, flags.region, since)
		if err != nil {
			return err
		}
		set := rejects()
		report, err := gateway.Import(ctx, store, set, flags.region, since, time.Now())
		if err = errors.Join(err, set.Close()); err == nil {
			err = c.tellMetered(ctx, store, report, flags.restate)
		}
		if err != nil {
			return err
		}
		return c.conclude(ctx, pool, report.Report, []ingest.File{{Rejects: set}})
	}
	c.tell("Asking %s every %s.", gateway.Address(), flags.every)
	if away != nil {
		c.tell("The warehouse is not there yet: %s. It is asked again.", strings.TrimSuffix(warehouse.Explain(away).Error(), "."))
	}
	rejected := 0
	total, err := gateway.Follow(ctx, store, ingest.FacilityFollowing{
		Region: flags.region, Since: since, Every: flags.every, Rejects: rejects, Tell: c.tell, Now: time.Now,
		Took: func(ctx context.Context, report ingest.FacilityReport) error {
			if report.Rejected > rejected {
				c.tell("%d readings rejected, each with the reason in %s", report.Rejected, path)
			}
			if report.Read > 0 {
				rejected = report.Rejected
			}
			return c.tellMetered(ctx, store, report, flags.restate)
		},
	})
	c.answer("read %d, stored %d, unchanged %d, rejected %d", total.Read, total.Stored, total.Unchanged, total.Rejected)
	if err == nil && total.Rejected > 0 {
		err = errRejected
	}
	return err
}

func (c console) gateway(flags pueFlags) (*ingest.FacilityGateway, error) {
	token, err := readBearerToken(flags.token)
	if err != nil {
		return nil, err
	}
	transport := http.DefaultTransport.(*http.Transport).Clone()
	if flags.authority != "" {
		text, err := os.ReadFile(flags.authority)
		if err != nil {
			return nil, usage("the certificate cannot be read: %v", err)
		}
		authorities := x509.NewCertPool()
		if !authorities.AppendCertsFromPEM(text) {
			return nil, usage("%s: %v", flags.authority, errNoCertificate)
		}
		transport.TLSClientConfig = &tls.Config{RootCAs: authorities, MinVersion: tls.VersionTLS12}
	}
	gateway, err := ingest.NewFacilityGateway(flags.url, token, transport, flags.timeout)
	if err == nil {
		c.warnOfPlainToken(gateway.URL, token)
	}
	return gateway, err
}
