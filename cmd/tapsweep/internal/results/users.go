package results

import (
	"bufio"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"tapsweep/input"
)

// Held are the users of results logs, each once.
type Held struct {
	Users  []LogUser
	First  *Run   // of the first log; all are of its tenant and Graph root
	Digest string // of the users

	Invalid int // rows that were invalid

	Stray int // skipped lines that are not part of a results log
}

// A LogUser is a user whose pair stands in a log, where it stands first, and what its
// last row tells.
type LogUser struct {
	Source  string
	Line    int
	User    string
	UPN     string
	Method  string
	Outcome Outcome
}

// ReadUsers reads the users of results logs, whatever became of their pairs, but not
// those of rows that were invalid, nor protected ones. A user who is called me is
// the one who was signed in. Logs of several tenants or Graph roots are an error, and so is one
// that is no log, or is not whole (see input.LogLines).
func ReadUsers(paths ...string) (*Held, error) {
	h := &Held{}
	at := make(map[string]int) // by user in lower case
	for _, path := range paths {
		if err := h.read(path, at); err != nil {
			return nil, fmt.Errorf("reading %s: %w", path, err)
		}
	}
	digest := sha256.New()
	for _, u := range h.Users {
		fmt.Fprintf(digest, "%s\n", strings.ToLower(u.User))
	}
	h.Digest = "sha256:" + hex.EncodeToString(digest.Sum(nil))
	return h, nil
}

func (h *Held) read(path string, at map[string]int) error {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	defer f.Close()
	var lines input.LogLines
	self := ""
	br := bufio.NewReaderSize(input.Decode(f), 1<<20)
	for n := 1; ; n++ {
		line, err := br.ReadBytes('\n')
		if err == io.EOF && !json.Valid(line) { // what is left is torn, or nothing
			stray, _ := input.IsStray(line)
			switch {
			case !lines.Began():
				return errors.New("it is not a results log: no line describes a run")
			case lines.Open() && inUse(f):
				return fmt.Errorf("it has no end yet: %w, and pairs are missing in it", ErrInUse)
			case !lines.Open() && !stray:
				return &LineError{n, "is not whole, and follows the end of the log"}
			}
			return lines.Whole()
		}
		if err != nil && err != io.EOF {
			return err
		}
		stray, err := IsStray(n, line)
		if err != nil {
			return err
		}
		if stray {
			h.Stray++
			continue
		}
		var row struct {
			Row
			Digest    string          `json:"digest"`
			Tenant    string          `json:"tenant"`
			Self      string          `json:"self"`
			GraphRoot string          `json:"graphRoot"`
			Lines     int             `json:"lines"`
			Counts    map[Outcome]int `json:"counts"`
		}
		if err := json.Unmarshal(line, &row); err != nil {
			return &LineError{n, "is broken: " + err.Error()}
		}
		counted := 0
		for _, k := range row.Counts {
			counted += k
		}
		if err := lines.Add(row.Type, row.Digest, row.Lines, counted); err != nil {
			return fmt.Errorf("line %d: %w", n, err)
		}
		switch {
		case row.Type == "run":
			run := &Run{Tenant: row.Tenant, GraphRoot: row.GraphRoot}
			if h.First == nil {
				h.First = run
			}
			if err := run.Elsewhere(h.First.Tenant, h.First.GraphRoot); err != nil {
				return fmt.Errorf("line %d: %w, of which an earlier run is", n, err)
			}
			self = row.Self
		case row.Type == "result" && row.Outcome == Invalid:
			h.Invalid++
		case row.Type == "result" && row.Outcome != Protected && row.User != "":
			user := row.User
			if user == "me" {
				if user = self; user == "" {
					return fmt.Errorf("line %d is of the user who was signed in, and does not tell who that was", n)
				}
			}
			u := LogUser{Source: path, Line: n, User: user, UPN: row.UPN, Method: row.Method, Outcome: row.Outcome}
			if i, again := at[strings.ToLower(user)]; again {
				u.Source, u.Line = h.Users[i].Source, h.Users[i].Line
				h.Users[i] = u
				continue
			}
			at[strings.ToLower(user)] = len(h.Users)
			h.Users = append(h.Users, u)
		}
	}
}

// inUse tells whether a run holds the lock of the log. One that writes to standard output
// has none, so that no is not certain.
func inUse(f *os.File) bool {
	lock, err := lockLog(f)
	if err == nil {
		err = lock.Close()
	}
	return errors.Is(err, ErrInUse)
}
