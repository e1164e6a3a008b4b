package results

// interpret is filled in below.
func (r *Run) interpret() {}
