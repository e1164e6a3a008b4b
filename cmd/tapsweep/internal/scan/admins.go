package scan

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"strings"

	"tapsweep/batch"
	"tapsweep/cmd/tapsweep/internal/pass"
)

// Privileged are the users with an admin role, by object id and UPN in lower case.
type Privileged map[string]struct{}

// Has reports whether the user, by either name, holds an admin role.
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
	path := fmt.Sprintf("/reports/authenticationMethods/userRegistrationDetails"+
		"?$filter=%s&$select=id,userPrincipalName&$top=%d",
		escape("isAdmin eq true"), pageSize)
	for idle := 0; ; { // consecutive pages without a new user
		known := len(admins)
		res, err := runner.Do(ctx, batch.Request{Method: "GET", URL: path, Quota: reportsQuota})
		if res.Stopped() {
			return nil, err
		}
		next, err := admins.page(res)
		if err == nil && next == "" {
			return admins, nil
		}
		if idle++; len(admins) > known {
			idle = 0
		}
		if err == nil {
			path, err = nextPage(links, next, seen, idle)
		}
		if err != nil {
			return nil, fmt.Errorf("reading the report of registered methods: %w", err)
		}
	}
}

// nextPage returns the path of the next page of a report, and an error if it must not be read.
func nextPage(links *Scan, next string, seen map[string]struct{}, idle int) (string, error) {
	path, ok := links.relativeLink(next)
	_, again := seen[path]
	seen[path] = struct{}{}
	switch {
	case !ok || again:
		return "", errors.New("its next page is one before, or not below " + links.opts.Root)
	case idle >= maxIdle:
		return "", fmt.Errorf("%d pages in a row had no new users, and each named a next page", maxIdle)
	}
	return path, nil
}

func (p Privileged) page(res batch.Result) (next string, err error) {
	if res.Err != nil {
		return "", res.Err
	}
	if !pass.Listed(res) {
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

// CheckGroups checks that the groups exist. An error is a *SourceError about one of them, or
// the error of the run.
func CheckGroups(ctx context.Context, runner *batch.Runner, ids []string) error {
	for _, id := range ids {
		request := batch.Request{Method: "GET", URL: "/groups/" + url.PathEscape(id) + "?$select=id", Quota: usersQuota}
		res, err := runner.Do(ctx, request)
		if res.Stopped() {
			return err
		}
		if err == nil && !pass.Listed(res) {
			err = res.Response.StatusError()
		}
		if err != nil {
			return &SourceError{What: "group " + id, Err: err}
		}
	}
	return nil
}
