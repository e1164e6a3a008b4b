package main

import (
	"fmt"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"tapsweep/cmd/tapsweep/internal/evidence"
)

// Flags that name files: to be written, if need be in place of what is there, and to be
// read, with what they name. Variables of others name some, too.
var (
	writes = []string{"results", "output", "metrics-file", "html", "csv", "json"}
	reads  = map[string]string{"protect": "a --protect list", "users": "a --users list", "certificate": "the --certificate file",
		"secret-file": "the --secret-file", "token-file": "the --token-file"}
	readsToo = []string{"AZURE_CLIENT_CERTIFICATE_PATH", "AZURE_FEDERATED_TOKEN_FILE", "SSL_CERT_FILE"}
)

// checkReplaced refuses to write a file that the command reads, whatever --overwrite and
// --resume say: a list of protected users that has become a results log protects nobody
// in the next run.
func (a *app) checkReplaced(cmd *cobra.Command, args []string) error {
	type named struct{ name, path string }
	var in, out []named
	for flag, what := range reads {
		for _, path := range filesOf(cmd, flag) {
			in = append(in, named{what, path})
		}
	}
	switch cmd.Name() {
	case "revoke", "verify": // report sees to its logs itself
		for _, path := range args {
			in = append(in, named{"a list", path})
		}
	}
	for _, name := range readsToo {
		in = append(in, named{"the file of " + name, os.Getenv(name)})
	}
	for _, flag := range writes {
		for _, path := range filesOf(cmd, flag) {
			out = append(out, named{"--" + flag, path})
		}
	}
	for _, dir := range filesOf(cmd, "evidence") {
		for _, name := range evidence.Names() {
			out = append(out, named{"--evidence", filepath.Join(dir, name)})
		}
	}
	for _, o := range out {
		there, err := os.Stat(o.path)
		if err != nil || !there.Mode().IsRegular() {
			continue
		}
		for _, i := range in {
			if info := a.statInput(i.path); info != nil && os.SameFile(there, info) {
				return refuse(fmt.Errorf("%s: %s is also %s", o.name, o.path, i.name), "choose another "+o.name+" file")
			}
		}
		if o.name != "--evidence" && o.name != "--results" && evidence.Holds(o.path) { // which may be gone on with
			return refuse(fmt.Errorf("%s: %s is evidence, which is sealed", o.name, o.path), "choose another file")
		}
	}
	return nil
}

// statInput is the file that a name of a list leads to, nil for none.
func (a *app) statInput(path string) os.FileInfo {
	info, err := os.Stat(path)
	if f, ok := a.stdin.(*os.File); ok && path == "-" {
		info, err = f.Stat()
	}
	if err != nil {
		return nil
	}
	return info
}

// filesOf are the files that a flag names: none if there is no such flag, or if it takes
// numbers or words, as --users and --output of some commands do.
func filesOf(cmd *cobra.Command, flag string) []string {
	f := cmd.Flags().Lookup(flag)
	if f == nil || f.Value.String() == "" || f.Value.String() == "-" {
		return nil
	}
	switch v := f.Value.(type) {
	case *choice:
		return nil
	case pflag.SliceValue:
		return v.GetSlice()
	}
	if f.Value.Type() != "string" {
		return nil
	}
	return []string{f.Value.String()}
}
