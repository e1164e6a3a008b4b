package protect

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"strings"

	"tapsweep/batch"
	"tapsweep/batch/safetext"
	"tapsweep/cmd/tapsweep/internal/pass"
	"tapsweep/input"
)

// A ResolveError has the rows of the protect lists that are wrong, with the reasons, in the order of the lists.
type ResolveError struct {
	input.Problems
	denied bool // a permission is missing
}

// orNil returns the error, or nil if it names no user.
func (e *ResolveError) orNil() error {
	if e.Count == 0 {
		return nil
	}
	return e
}

// add adds an error about the row of a user. err is the cause, nil if there is none.
func (e *ResolveError) add(u input.User, err error, format string, args ...any) {
	e.Add(&input.LineError{Source: u.Source, Line: u.Line, Err: err, Msg: fmt.Sprintf(format, args...)})
}

// judge adds a row whose lookup failed, unless the run does not need the answer. It reports whether it added the row.
func (e *ResolveError) judge(u input.User, err error, needed bool) bool {
	why := safetext.Printable(err.Error())
	switch {
	case pass.StatusOf(err) == 404:
		e.add(u, err, "protected user %s is not in the tenant: %s", nameOf(u), why)
	case errors.Is(err, errTwoUsers):
		e.add(u, err, "protected user %s: %s", nameOf(u), why)
	case needed:
		e.denied = e.denied || pass.StatusOf(err) == 403
		e.add(u, err, "protected user %s cannot be looked up: %s", nameOf(u), why)
	default:
		return false
	}
	return true
}

// Hints returns what to do next, one line each.
// Source: learn.microsoft.com/graph/permissions-reference.
func (e *ResolveError) Hints() []string {
	if e.denied {
		return []string{"to look up protected users, the app needs the application permission User.ReadBasic.All " +
			"or User.Read.All", "or put both the object ID and the user principal name into the row: then no lookup " +
			"is needed, and the names are not checked"}
	}
	return []string{"correct the names, or remove users who have left from the protect list"}
}

// ErrStopped is returned if the lookups ended early, so that it is not known who is protected. An error that wraps it
// also wraps the error of the run.
var ErrStopped = errors.New("looking up protected users")

// A lookup is the user that Graph returned for a row, or the error.
type lookup struct {
	User input.User
	Err  error
}

// lookUpAll asks Graph for both names of each row. If that is forbidden, the reason is the error of each row. lookUpAll
// returns the error of the run; the rows that it left have an error too.
func lookUpAll(ctx context.Context, runner *batch.Runner, rows []input.User, forbidden string) ([]lookup, error) {
	answers := make([]lookup, len(rows))
	if forbidden != "" || len(rows) == 0 {
		for i := range answers {
			answers[i].Err = errors.New(forbidden)
		}
		return answers, nil
	}
	return answers, runner.Run(ctx, func(yield func(batch.Request) bool) {
		for i, u := range rows {
			if !yield(request(u, i)) {
				return
			}
		}
	}, func(res batch.Result) []batch.Request {
		i := res.Request.Tag.(int)
		answers[i].User, answers[i].Err = read(rows[i], res)
		return nil
	})
}

// Me asks Graph who is signed in. The user name in a token may not be the user principal name, for guests and in
// newer tokens. The token needs User.Read or User.ReadBasic.All; without them, Me returns the zero User. An error is
// the error of the run.
// Source: learn.microsoft.com/entra/identity-platform/access-token-claims-reference,
// learn.microsoft.com/graph/api/user-get.
func Me(ctx context.Context, runner *batch.Runner) (input.User, error) {
	res, err := runner.Do(ctx, request(input.User{ID: input.Me}, nil))
	if res.Stopped() {
		return input.User{}, fmt.Errorf("asking who is signed in: %w", err)
	}
	me, _ := read(input.User{}, res)
	return me, nil
}

// LookUp asks Graph for both names of a user if one name is known. If the lookup fails, the error wraps the answer of
// Graph, a *batch.StatusError, if there was one. Any other error is the error of the run.
func LookUp(ctx context.Context, runner *batch.Runner, user input.User) (input.User, error) {
	res, err := runner.Do(ctx, request(user, nil))
	if res.Stopped() {
		return input.User{}, fmt.Errorf("looking up a user: %w", err)
	}
	return read(user, res)
}

// errTwoUsers is returned for a row with the object ID of one user and the name of another.
var errTwoUsers = errors.New("the object ID and the user principal name belong to two users")

// request returns the request for both names of a user.
func request(u input.User, tag any) batch.Request {
	url := pass.UserURL(cmp.Or(u.ID, u.UPN)) + "?$select=id,userPrincipalName"
	return batch.Request{Method: "GET", URL: url, Tag: tag}
}

// read returns the user in an answer. It returns an error if the answer is about another user than asked. If asked is
// the zero User, any user is accepted.
func read(asked input.User, res batch.Result) (input.User, error) {
	var got struct {
		ID  string `json:"id"`
		UPN string `json:"userPrincipalName"`
	}
	if err := pass.Decode(res, "the user", &got); err != nil {
		return input.User{}, err
	}
	// An object ID is a GUID. A user principal name has an @; apart from that, Graph allows more in it
	// than a list does.
	if strings.Contains(got.ID, "@") || input.CheckUser(got.ID) != nil || !strings.Contains(got.UPN, "@") {
		return input.User{}, fmt.Errorf("the answer of Graph (200) lacks an id or a userPrincipalName: %q, %q",
			got.ID, got.UPN)
	}
	sameID := asked.ID == "" || fold(asked.ID) == fold(got.ID)
	sameUPN := asked.UPN == "" || fold(asked.UPN) == fold(got.UPN)
	switch {
	case sameID && sameUPN:
		return input.User{ID: got.ID, UPN: got.UPN}, nil
	case sameID && asked.ID != "":
		return input.User{}, fmt.Errorf("%w, Graph names the user %q", errTwoUsers, got.UPN)
	}
	return input.User{}, fmt.Errorf("the answer of Graph (200) is about another user: %q, %q", got.ID, got.UPN)
}
