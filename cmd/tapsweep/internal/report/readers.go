package report

import "slices"

// Readers are who deleted passes, and who verified that they are gone. The proof is strongest if
// these are two.
type Readers struct {
	DeletedBy  []string `json:"deletedBy"`
	VerifiedBy []string `json:"verifiedBy"`
}

// addReaders fills in Readers if a run of tapsweep verify is among the runs.
func (r *Report) addReaders() {
	var by Readers
	for _, run := range r.Runs {
		if run.kind() != "verify" {
			by.DeletedBy = addName(by.DeletedBy, run.Operator)
			continue
		}
		by.VerifiedBy = addName(by.VerifiedBy, run.Operator)
		for _, name := range run.header.DeletedBy {
			by.DeletedBy = addName(by.DeletedBy, clip(name))
		}
	}
	if len(by.VerifiedBy) > 0 && len(by.DeletedBy) > 0 {
		r.Readers = &by
	}
}

func addName(names []string, name string) []string {
	if name == "" || slices.Contains(names, name) {
		return names
	}
	return append(names, name)
}
