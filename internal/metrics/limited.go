package metrics

import (
	"slices"

	"github.com/prometheus/client_golang/prometheus"
	dto "github.com/prometheus/client_model/go"
)

// limited leaves out what is not about the databases that may be seen.
type limited struct {
	prometheus.Gatherer
	see func(database string) bool
}

// Gather returns only metrics that have a label database that may be seen.
func (l limited) Gather() ([]*dto.MetricFamily, error) {
	families, err := l.Gatherer.Gather()
	for _, f := range families {
		f.Metric = slices.DeleteFunc(f.Metric, func(m *dto.Metric) bool {
			i := slices.IndexFunc(m.Label, func(p *dto.LabelPair) bool { return p.GetName() == "database" })
			return i < 0 || !l.see(m.Label[i].GetValue())
		})
	}
	return slices.DeleteFunc(families, func(f *dto.MetricFamily) bool { return len(f.Metric) == 0 }), err
}
