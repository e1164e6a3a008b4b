package simulation

import (
	"fmt"
	"os"
	"regexp"
	"strings"

	"tapsweep/batch/graphsim"
	"tapsweep/cmd/tapsweep/internal/fileout"
	"tapsweep/cmd/tapsweep/internal/status"
)

// simulatedRows matches the text of a list that simulate wrote, and no list of real users.
var simulatedRows = regexp.MustCompile(`^user,method\n(user[0-9]+@contoso\.example,[0-9a-f-]{36}\n)*$`)

// writeList writes the users and their passes as a list for revoke. If replace is set, it
// replaces the list of an earlier simulation, but no other file.
func writeList(path string, replace bool, passes []graphsim.HeldPass) error {
	if err := fileout.Check("--write-list", path, replace); err != nil {
		return status.Of(err)
	}
	if info, err := os.Stat(path); err == nil && !info.Mode().IsRegular() {
		return status.Refuse(fmt.Errorf("--write-list: %s is not a plain file", path),
			"choose another --write-list file")
	}
	if text, err := os.ReadFile(path); err == nil && !simulatedRows.Match(text) {
		return status.Refuse(fmt.Errorf("--write-list: %s already exists and is not the list of a simulation", path),
			"choose another --write-list file")
	}
	f, err := fileout.Create(path, replace)
	if err != nil {
		return status.Refuse(fmt.Errorf("--write-list: %w", err))
	}
	defer f.Abort()
	var b strings.Builder
	b.WriteString("user,method\n")
	for _, p := range passes {
		fmt.Fprintf(&b, "%s,%s\n", p.UPN, p.PassID)
	}
	_, _ = f.WriteString(b.String()) // kept, and returned by Commit
	if err := f.Commit(); err != nil {
		return status.Refuse(fmt.Errorf("--write-list: %w", err))
	}
	return nil
}
