package plugin

import (
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"time"

	"github.com/grafana/grafana-plugin-sdk-go/backend"

	"github.com/wattscore/wattscore-aienergy-datasource/pkg/query"
	"github.com/wattscore/wattscore-aienergy-datasource/pkg/warehouse"
)

// settings are the data source's, as the config editor or a provisioning file
// writes them. See src/types.ts.
type settings struct {
	Host                   string            `json:"host"`
	Database               string            `json:"database"`
	User                   string            `json:"user"`
	TLSMode                warehouse.TLSMode `json:"tlsMode"`
	MaxConnections         int               `json:"maxConnections"`
	QueryTimeoutSeconds    float64           `json:"queryTimeoutSeconds"`
	ConnectTimeoutSeconds  float64           `json:"connectTimeoutSeconds"`
	TimeZone               string            `json:"timeZone"`
	FiscalYearStartMonth   int               `json:"fiscalYearStartMonth"` // 0 is the warehouse's
	CarbonPriceUSDPerTonne float64           `json:"carbonPriceUsdPerTonne"`
	EnableSecureSocksProxy bool              `json:"enableSecureSocksProxy"`
	// GPUAgentURL is the agent whose GPUs are live; empty are those of this machine.
	GPUAgentURL string `json:"gpuAgentUrl"`
	GPURegion   string `json:"gpuRegion"` // whose factors price them

	password          string
	caCertificate     string
	clientCertificate string
	clientKey         string
}

// parseSettings reads and checks the settings. Its error says which setting is
// wrong and what would be right.
func parseSettings(instance backend.DataSourceInstanceSettings) (settings, error) {
	s := settings{TLSMode: warehouse.TLSRequire}
	if len(instance.JSONData) > 0 {
		if err := json.Unmarshal(instance.JSONData, &s); err != nil {
			return s, fmt.Errorf("the data source's settings cannot be read: %w", err)
		}
	}
	secrets := instance.DecryptedSecureJSONData
	s.password, s.caCertificate, s.clientCertificate, s.clientKey = secrets["password"], secrets["tlsCaCert"], secrets["tlsClientCert"], secrets["tlsClientKey"]
	switch {
	case s.Host == "":
		return s, errors.New("no host is set: enter the database server's name, for example db.example.com:5432")
	case s.Database == "":
		return s, errors.New("no database is set: enter the name of the database that wattctl db migrate was run on")
	case s.User == "":
		return s, errors.New("no user is set: enter a login that is a member of wattscore_reader")
	case s.MaxConnections < 0 || s.MaxConnections > 1000:
		return s, fmt.Errorf("the connections must lie between 1 and 1000, not %d", s.MaxConnections)
	case !(s.QueryTimeoutSeconds >= 0 && s.QueryTimeoutSeconds <= 3600):
		return s, fmt.Errorf("the query time limit must lie between 1 and 3600 seconds, not %g", s.QueryTimeoutSeconds)
	case !(s.ConnectTimeoutSeconds >= 0 && s.ConnectTimeoutSeconds <= 300):
		return s, fmt.Errorf("the connect time limit must lie between 1 and 300 seconds, not %g", s.ConnectTimeoutSeconds)
	case s.FiscalYearStartMonth < 0 || s.FiscalYearStartMonth > 12:
		return s, fmt.Errorf("the month in which fiscal years begin must lie between 1 and 12, not %d", s.FiscalYearStartMonth)
	case !(s.CarbonPriceUSDPerTonne >= 0) || math.IsInf(s.CarbonPriceUSDPerTonne, 0):
		return s, fmt.Errorf("the internal carbon price must not be negative, and is %g", s.CarbonPriceUSDPerTonne)
	}
	if _, err := time.LoadLocation(s.TimeZone); err != nil {
		return s, fmt.Errorf("%q is not a time zone: enter an IANA name, for example Europe/Berlin, or leave it empty", s.TimeZone)
	}
	return s, nil
}

func (s settings) connection() warehouse.Connection {
	return warehouse.Connection{
		Host: s.Host, Database: s.Database, User: s.User, Password: s.password,
		TLSMode: s.TLSMode, CACertificate: s.caCertificate, ClientCertificate: s.clientCertificate, ClientKey: s.clientKey,
		MaxConnections:   s.MaxConnections,
		ConnectTimeout:   time.Duration(s.ConnectTimeoutSeconds * float64(time.Second)),
		StatementTimeout: time.Duration(s.QueryTimeoutSeconds * float64(time.Second)),
	}
}

func (s settings) company() query.Company {
	company := query.Company{CarbonPrice: s.CarbonPriceUSDPerTonne, FiscalYearStart: time.Month(s.FiscalYearStartMonth)}
	if s.TimeZone != "" {
		company.Zone, _ = time.LoadLocation(s.TimeZone) // parseSettings has tried it
	}
	return company
}
