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
	Tenant string // of the logs; they are of one
	Digest string // of the users

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
// the one who was signed in. Logs of several tenants are an error, and so is one
// that is no log.
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
	self, began, ended := "", false, false
	br := bufio.NewReaderSize(input.Decode(f), 1<<20)
	for n := 1; ; n++ {
		line, err := br.ReadBytes('\n')
		if err == io.EOF { // what is left is torn, or nothing
			switch {
			case !began:
				return errors.New("it is not a results log: no line describes a run")
			case !ended && inUse(f):
				return fmt.Errorf("it has no end yet: %w, and pairs are missing in it", ErrInUse)
			case !ended:
				return errors.New("it has no end, because its run was killed, could not write on, or is still going on: " +
					"pairs may be missing in it, so go on with that run first (--resume)")
			}
			return nil
		}
		if err != nil {
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
			Tenant string `json:"tenant"`
			Self   string `json:"self"`
		}
		if err := json.Unmarshal(line, &row); err != nil {
			return &LineError{n, "is broken: " + err.Error()}
		}
		switch {
		case row.Type == "run":
			began = true
			if h.Tenant != "" && row.Tenant != "" && !strings.EqualFold(h.Tenant, row.Tenant) {
				return fmt.Errorf("it is of tenant %s, and another log is of %s", row.Tenant, h.Tenant)
			}
			self, ended = row.Self, false
			if h.Tenant == "" {
				h.Tenant = row.Tenant
			}
		case row.Type == "end":
			ended = true
		case !began:
			return errors.New("it is not a results log: its first line does not describe a run")
		case row.Type == "result" && row.Outcome != Invalid && row.Outcome != Protected && row.User != "":
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
