package query

import (
	"fmt"
	"time"

	"github.com/grafana/grafana-plugin-sdk-go/data"

	"github.com/wattscore/wattscore-aienergy-datasource/pkg/kpi"
)

// Explanation is what a frame's metadata says of where its numbers come from.
type Explanation struct {
	Span          kpi.Span  // what the answer is of, in the company's zone
	Previous      *kpi.Span // what it is compared with; nil: nothing
	Freshness     time.Time // of the newest event; zero: there is none
	MeasuredShare *float64  // of the energy, 0..1
	FactorVersion int       // what priced the answer; 0: nothing did
	FactorName    string
	Formulas      []FieldFormula // in the order of the fields
}

// FieldFormula says how a field is computed and in which unit it is.
type FieldFormula struct{ Field, Label, Unit, Formula string }

// Explain reads the metadata of a frame that a query type answered. The error is
// for a frame that none did.
func Explain(frame *data.Frame) (Explanation, error) {
	var m *meta
	if frame.Meta != nil {
		m, _ = frame.Meta.Custom.(*meta)
	}
	if m == nil {
		return Explanation{}, fmt.Errorf("the frame %q is not an answer of a query type", frame.Name)
	}
	e := Explanation{MeasuredShare: m.MeasuredShare}
	var err error
	if e.Span, err = m.Period.span(); err != nil {
		return Explanation{}, err
	}
	if m.PreviousPeriod != nil {
		previous, err := m.PreviousPeriod.span()
		if err != nil {
			return Explanation{}, err
		}
		e.Previous = &previous
	}
	if m.Freshness != "" {
		if e.Freshness, err = time.Parse(time.RFC3339, m.Freshness); err != nil {
			return Explanation{}, err
		}
	}
	if m.FactorVersion != nil {
		e.FactorVersion, e.FactorName = m.FactorVersion.ID, m.FactorVersion.Name
	}
	stated := map[string]string{}
	for _, f := range m.Formulas {
		stated[f.Field] = f.Formula
	}
	for _, field := range frame.Fields {
		if !field.Type().Numeric() {
			continue
		}
		f := FieldFormula{Field: field.Name, Formula: stated[field.Name]}
		if field.Config != nil {
			f.Label, f.Unit = field.Config.DisplayNameFromDS, field.Config.Unit
			if f.Formula == "" {
				f.Formula = field.Config.Description
			}
		}
		e.Formulas = append(e.Formulas, f)
	}
	return e, nil
}

func (s spanMeta) span() (kpi.Span, error) {
	from, err := time.Parse(time.RFC3339, s.From)
	if err != nil {
		return kpi.Span{}, err
	}
	to, err := time.Parse(time.RFC3339, s.To)
	return kpi.Span{From: from, To: to}, err
}
