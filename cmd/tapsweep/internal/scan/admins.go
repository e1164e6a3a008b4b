package scan

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"strings"

	"tapsweep/batch"
	"tapsweep/cmd/tapsweep/internal/passes"
)

// Privileged are the users with an admin role, by object id and UPN in lower case.
type Privileged map[string]struct{}

// Has tells whether the user, by either name, holds an admin role.
func (p Privileged) Has(user string) bool {
	_, ok := p[strings.ToLower(user)]
	return ok
}

// Admins reads who holds an admin role from the report of registered methods. It
// needs a permission and a licence, and lags some hours behind; an error says that
// it cannot be had. root is Graph's with the version.
// Source: learn.microsoft.com/graph/api/authenticationmethodsroot-list-userregistrationdetails.
func Admins(ctx context.Context, runner *batch.Runner, root string) (Privileged, error) {
	admins := make(Privileged)
	links := &Scan{opts: Options{Root: root}}
	seen := make(map[string]struct{})
	first := fmt.Sprintf("/reports/authenticationMethods/userRegistrationDetails?$filter=%s&$select=id,userPrincipalName&$top=%d",
		escape("isAdmin eq true"), pageSize)
	var failed error
	idle := 0 // consecutive pages without a new user
	request := func(url string) batch.Request {
		return batch.Request{Method: "GET", URL: url, Quota: reportsQuota}
	}
	err := runner.Run(ctx, func(yield func(batch.Request) bool) { yield(request(first)) }, func(res batch.Result) []batch.Request {
		known := len(admins)
		next, err := admins.page(res)
		if idle++; len(admins) > known {
			idle = 0
		}
		if err == nil && next != "" {
			path, ok := links.relativeLink(next)
			_, again := seen[path]
			if seen[path] = struct{}{}; ok && !again && idle < maxIdle {
				return []batch.Request{request(path)}
			}
			err = errors.New("its next page is one before, or not below " + root)
			if ok && !again {
				err = fmt.Errorf("%d pages in a row had no new users, and each named a next page", maxIdle)
			}
		}
		failed = err
		return nil
	})
	if err != nil {
		return nil, err
	}
	if failed != nil {
		return nil, fmt.Errorf("reading the report of registered methods: %w", failed)
	}
	return admins, nil
}

func (p Privileged) page(res batch.Result) (next string, err error) {
	if res.Err != nil {
		return "", res.Err
	}
	if !passes.Listed(res) {
		return "", res.Response.StatusError()
	}
	var body struct {
		Value []struct {
			ID    string `json:"id"`
			UPN   string `json:"userPrincipalName"`
			Admin *bool  `json:"isAdmin"` // not selected, but some answer more than is asked
		} `json:"value"`
		Next string `json:"@odata.nextLink"`
	}
	if err := json.Unmarshal(res.Response.Body, &body); err != nil {
		return "", fmt.Errorf("a page cannot be read: %w", err)
	}
	for _, u := range body.Value {
		if u.Admin != nil && !*u.Admin {
			continue
		}
		for _, name := range []string{u.ID, u.UPN} {
			if name != "" {
				p[strings.ToLower(name)] = struct{}{}
			}
		}
	}
	return body.Next, nil
}

// CheckGroups looks whether the groups are there. An error is a *SourceError about
// one of them, or that of the run.
func CheckGroups(ctx context.Context, runner *batch.Runner, ids []string) error {
	if len(ids) == 0 {
		return nil
	}
	var failed error
	err := runner.Run(ctx, func(yield func(batch.Request) bool) {
		for _, id := range ids {
			if !yield(batch.Request{Method: "GET", URL: "/groups/" + url.PathEscape(id) + "?$select=id", Quota: usersQuota, Tag: id}) {
				return
			}
		}
	}, func(res batch.Result) []batch.Request {
		err := res.Err
		if err == nil && !passes.Listed(res) {
			err = res.Response.StatusError()
		}
		if err != nil && failed == nil {
			failed = &SourceError{What: "group " + res.Request.Tag.(string), Err: err}
		}
		return nil
	})
	if err != nil {
		return err
	}
	return failed
}
