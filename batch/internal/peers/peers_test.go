//go:build !race

// Package peers measures the engine beside what one would pick without it: the
// typed SDK, the SDK's batch helper, and curl. It stands alone, and is left out
// of race runs, because the generated packages take minutes to compile.
package peers

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"flag"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"text/tabwriter"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"
	abstractions "github.com/microsoft/kiota-abstractions-go"
	"github.com/microsoft/kiota-abstractions-go/authentication"
	"github.com/microsoft/kiota-abstractions-go/serialization"
	nethttplibrary "github.com/microsoft/kiota-http-go"
	jsonserialization "github.com/microsoft/kiota-serialization-json-go"
	msgraphgocore "github.com/microsoftgraph/msgraph-sdk-go-core"
	"github.com/microsoftgraph/msgraph-sdk-go/users"
	"golang.org/x/sync/errgroup"

	"tapsweep/batch"
	"tapsweep/batch/graph"
	"tapsweep/batch/graphsim"
	"tapsweep/batch/graphsim/quota"
	"tapsweep/testdata/assert"
)

var peers = flag.String("peers", "", "measure the engine beside its peers and write the table to this file")

const (
	passes  = 4000
	latency = 40 * time.Millisecond // of a batch, or of a request outside one
	atOnce  = 16
	rounds  = 3 // without throttling; the median counts

	// Below what 16 single deletes at a time reach, so that it throttles everybody.
	limitRate, limitBurst = 200, 400
)

// bound is the shortest time in which 16 batches at a time can do it.
const bound = (passes + batch.MaxRequests - 1) / batch.MaxRequests * latency / atOnce

// A site is a fresh tenant and what a client needs to use it.
type site struct {
	tenant *graphsim.Tenant
	server *graphsim.Server
	users  []graphsim.User
	token  string
	dir    string
}

// transport trusts the server, and is otherwise http.DefaultTransport.
func (s *site) transport() *http.Transport {
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(s.server.CAPEM)
	t := http.DefaultTransport.(*http.Transport).Clone()
	t.TLSClientConfig = &tls.Config{RootCAs: roots}
	return t
}

// GetToken makes the site an azcore.TokenCredential.
func (s *site) GetToken(context.Context, policy.TokenRequestOptions) (azcore.AccessToken, error) {
	return azcore.AccessToken{Token: s.token, ExpiresOn: time.Now().Add(time.Hour)}, nil
}

// A contender deletes the passes of all users of a site, as far as it can. What
// prepare does is not timed. The error is only shown: Left is what counts.
type contender struct {
	name    string
	prepare func(s *site) error
	run     func(ctx context.Context, s *site) error
}

var contenders = []contender{
	{name: "tapsweep, 16 batches at a time", run: engine},
	{name: "typed SDK, 16 requests at a time", run: typed},
	{name: "BatchRequestCollection, as documented", run: collection},
	{name: "BatchRequestCollection, 16 at a time", run: collections},
	{name: "curl, 16 batches at a time by xargs", prepare: bodies, run: curl},
}

// engine is ours.
func engine(ctx context.Context, s *site) error {
	client, err := graph.New(s, graph.Options{Root: s.server.URL, Transport: graph.NewTransport(s.transport())})
	if err != nil {
		return err
	}
	runner, err := batch.NewRunner(client, batch.Options{Concurrency: atOnce, Reauthorize: client.Reauthorize})
	if err != nil {
		return err
	}
	failed := 0
	err = runner.Run(ctx, func(yield func(batch.Request) bool) {
		for _, u := range s.users {
			if !yield(batch.Request{Method: "DELETE", URL: deleteURL(u), Key: u.ID}) {
				return
			}
		}
	}, func(r batch.Result) []batch.Request {
		if r.Err != nil || r.Response.Status != 204 {
			failed++
		}
		return nil
	})
	return errors.Join(err, count(failed, nil))
}

func deleteURL(u graphsim.User) string {
	return "/users/" + u.ID + "/authentication/temporaryAccessPassMethods/" + u.Passes[0].ID
}

// count makes an error of a number of failures.
func count(failed int, example error) error {
	switch {
	case failed == 0:
		return nil
	case example == nil:
		return fmt.Errorf("%d failed", failed)
	}
	return fmt.Errorf("%d failed, such as: %w", failed, example)
}

// adapter is the SDK's, with its default middleware, its retries included. Only
// compression is left out, which the simulated tenant does not take.
func (s *site) adapter() (*msgraphgocore.GraphRequestAdapterBase, error) {
	middleware, err := nethttplibrary.GetDefaultMiddlewaresWithOptions(
		nethttplibrary.NewCompressionOptionsReference(false))
	if err != nil {
		return nil, err
	}
	middleware = append([]nethttplibrary.Middleware{
		msgraphgocore.NewGraphTelemetryHandler(&msgraphgocore.GraphClientOptions{}),
		nethttplibrary.NewUrlReplaceHandler(true, msgraphgocore.ReplacementPairs),
	}, middleware...)
	client := nethttplibrary.GetDefaultClient()
	client.Transport = nethttplibrary.NewCustomTransportWithParentTransport(s.transport(), middleware...)
	a, err := msgraphgocore.NewGraphRequestAdapterBaseWithParseNodeFactoryAndSerializationWriterFactoryAndHttpClient(
		authentication.NewBaseBearerTokenAuthenticationProvider(staticToken(s.token)),
		msgraphgocore.GraphClientOptions{}, nil, nil, client)
	if err != nil {
		return nil, err
	}
	a.SetBaseUrl(s.server.URL + "/v1.0")
	return a, nil
}

func init() {
	// The root client does this; it is not used, because of what it costs to compile.
	abstractions.RegisterDefaultSerializer(func() serialization.SerializationWriterFactory {
		return jsonserialization.NewJsonSerializationWriterFactory()
	})
	abstractions.RegisterDefaultDeserializer(func() serialization.ParseNodeFactory {
		return jsonserialization.NewJsonParseNodeFactory()
	})
}

// passesOf builds the SDK's requests about the passes of a user.
func passesOf(a abstractions.RequestAdapter,
	u graphsim.User) *users.ItemAuthenticationTemporaryAccessPassMethodsRequestBuilder {
	return users.NewUsersRequestBuilderInternal(map[string]string{"baseurl": a.GetBaseUrl()}, a).ByUserId(u.ID).
		Authentication().TemporaryAccessPassMethods()
}

// typed deletes one at a time, as the SDK's snippets do, 16 of them at once.
func typed(ctx context.Context, s *site) error {
	a, err := s.adapter()
	if err != nil {
		return err
	}
	errs := make([]error, len(s.users))
	var g errgroup.Group
	g.SetLimit(atOnce)
	for i, u := range s.users {
		g.Go(func() error {
			errs[i] = passesOf(a, u).ByTemporaryAccessPassAuthenticationMethodId(u.Passes[0].ID).Delete(ctx, nil)
			return nil
		})
	}
	g.Wait()
	errs = slices.DeleteFunc(errs, func(err error) bool { return err == nil })
	if len(errs) == 0 {
		return nil
	}
	return count(len(errs), errs[0])
}

// collection is the batch helper as its documentation shows it, with the limit
// of four batches raised to what the list needs. It sends them one by one.
// Source: microsoftgraph/msgraph-sdk-go-core, docs/batch_request.md.
func collection(ctx context.Context, s *site) error {
	a, err := s.adapter()
	if err != nil {
		return err
	}
	return sendCollection(ctx, a, s.users)
}

// collections runs 16 of them at once, each with a share of the list.
func collections(ctx context.Context, s *site) error {
	a, err := s.adapter()
	if err != nil {
		return err
	}
	var g errgroup.Group
	for share := range slices.Chunk(s.users, (len(s.users)+atOnce-1)/atOnce) {
		g.Go(func() error { return sendCollection(ctx, a, share) })
	}
	return g.Wait()
}

func sendCollection(ctx context.Context, a *msgraphgocore.GraphRequestAdapterBase, share []graphsim.User) error {
	c := msgraphgocore.NewBatchRequestCollectionWithLimit(a, len(share)/19+1) // it puts 19 into a batch
	for _, u := range share {
		pass := passesOf(a, u).ByTemporaryAccessPassAuthenticationMethodId(u.Passes[0].ID)
		info, err := pass.ToDeleteRequestInformation(ctx, nil)
		if err != nil {
			return err
		}
		if _, err := c.AddBatchRequestStep(*info); err != nil {
			return err
		}
	}
	answer, err := c.Send(ctx, a)
	if err != nil {
		return err
	}
	failed := 0
	for _, item := range answer.GetResponses() {
		if status := item.GetStatus(); status == nil || *status != 204 {
			failed++
		}
	}
	return count(failed, nil)
}

// bodies writes what curl is to send.
func bodies(s *site) error {
	var names strings.Builder
	n := 0
	for chunk := range slices.Chunk(s.users, batch.MaxRequests) {
		var b strings.Builder
		for i, u := range chunk {
			fmt.Fprintf(&b, `,{"id":"%d","method":"DELETE","url":"%s"}`, i+1, deleteURL(u))
		}
		n++
		name := filepath.Join(s.dir, fmt.Sprintf("batch-%d.json", n))
		if err := os.WriteFile(name, []byte(`{"requests":[`+b.String()[1:]+"]}"), 0o600); err != nil {
			return err
		}
		fmt.Fprintln(&names, name)
	}
	header := "Authorization: Bearer " + s.token + "\nContent-Type: application/json\n"
	return errors.Join(
		os.WriteFile(filepath.Join(s.dir, "names"), []byte(names.String()), 0o600),
		os.WriteFile(filepath.Join(s.dir, "headers"), []byte(header), 0o600))
}

func curl(ctx context.Context, s *site) error {
	names, err := os.Open(filepath.Join(s.dir, "names"))
	if err != nil {
		return err
	}
	defer names.Close()
	cmd := exec.CommandContext(ctx, "xargs", "-P", fmt.Sprint(atOnce), "-I", "{}",
		"curl", "-sS", "--fail", "--max-time", "100", "--cacert", s.server.CAFile, "-H",
		"@"+filepath.Join(s.dir, "headers"),
		"--data-binary", "@{}", "-o", "{}.answer", s.server.URL+"/v1.0/$batch")
	cmd.Stdin = names
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("%w: %.200s", err, out)
	}
	return nil
}

// staticToken implements kiota's AccessTokenProvider.
type staticToken string

func (s staticToken) GetAuthorizationToken(context.Context, *url.URL, map[string]any) (string, error) {
	return string(s), nil
}

func (s staticToken) GetAllowedHostsValidator() *authentication.AllowedHostsValidator {
	return &authentication.AllowedHostsValidator{} // any host
}

// measured is one run of a contender.
type measured struct {
	took    time.Duration
	left    int
	refused int // requests answered 429
	err     error
}

func measure(t *testing.T, c *contender, limits ...*quota.Limit) measured {
	t.Helper()
	tenant := graphsim.New(graphsim.Options{Latency: latency, Limits: limits})
	s := &site{tenant: tenant, users: tenant.AddUsers(passes), token: tenant.Entra.Token(), dir: t.TempDir()}
	server, err := tenant.Start()
	assert.OK(t, err)
	defer server.Close()
	s.server = server
	if c.prepare != nil {
		assert.OK(t, c.prepare(s))
	}
	ctx, cancel := context.WithTimeout(t.Context(), 3*time.Minute)
	defer cancel()
	start := time.Now()
	err = c.run(ctx, s)
	return measured{took: time.Since(start), left: len(tenant.Remaining()), refused: tenant.Stats().Refused, err: err}
}

// TestPeers prints how the engine compares. It is a measurement, run by make
// bench; nothing fails but what left passes where it must not.
func TestPeers(t *testing.T) {
	if *peers == "" {
		t.Skip("run by make bench")
	}
	missing := map[string]string{}
	for _, tool := range []string{"curl", "xargs"} {
		if _, err := exec.LookPath(tool); err != nil {
			missing["curl"] = tool + " is not installed"
		}
	}
	free, limited := make([][]measured, len(contenders)), make([]measured, len(contenders))
	each := func(f func(i int, c *contender)) {
		for i := range contenders {
			if tool, _, _ := strings.Cut(contenders[i].name, ","); missing[tool] == "" {
				f(i, &contenders[i])
			}
		}
	}
	for range rounds { // by turns, so that a noisy minute meets all
		each(func(i int, c *contender) { free[i] = append(free[i], measure(t, c)) })
	}
	each(func(i int, c *contender) { limited[i] = measure(t, c, quota.Bucket(limitRate, limitBurst)) })

	var b strings.Builder
	fmt.Fprintf(&b, "%d passes, %v a batch or request, loopback TLS, one process but for curl; "+
		"unthrottled: median of %d (least to most); throttled: %d/s, burst %d. "+
		"How often the time is tapsweep's stands in brackets.\n\n",
		passes, latency, rounds, limitRate, limitBurst)
	w := tabwriter.NewWriter(&b, 0, 0, 1, ' ', 0)
	fmt.Fprintln(w, "| contender\t| unthrottled\t| left\t| throttled\t| refused\t| left\t|")
	fmt.Fprintln(w, "|---\t|---\t|---\t|---\t|---\t|---\t|")
	var notes []string
	times := make([]float64, len(contenders)) // unthrottled, as a multiple of ours
	for i, c := range contenders {
		if len(free[i]) == 0 {
			tool, _, _ := strings.Cut(c.name, ",")
			fmt.Fprintf(w, "| %s\t| skipped: %s\t|\t|\t|\t|\t|\n", c.name, missing[tool])
			continue
		}
		slices.SortFunc(free[i], func(a, b measured) int { return int(a.took - b.took) })
		mid, lim := free[i][rounds/2], limited[i]
		times[i] = float64(mid.took) / float64(free[0][rounds/2].took)
		fmt.Fprintf(w, "| %s\t| %.2f s (%.2f to %.2f) [%.1f]\t| %d\t| %.1f s [%.2f]\t| %d\t| %d\t|\n", c.name,
			mid.took.Seconds(), free[i][0].took.Seconds(), free[i][rounds-1].took.Seconds(), times[i], mid.left,
			lim.took.Seconds(), float64(lim.took)/float64(limited[0].took), lim.refused, lim.left)
		for _, m := range append(free[i], lim) {
			if m.err != nil {
				notes = append(notes, fmt.Sprintf("%s: %.200v", c.name, m.err))
			}
		}
	}
	w.Flush()
	fmt.Fprintln(&b)
	for _, n := range slices.Compact(notes) {
		fmt.Fprintf(&b, "- %s\n", n)
	}
	idle := time.Duration(float64(passes-limitBurst) / limitRate * float64(time.Second))
	ours, ourLimited := free[0][rounds/2], limited[0]
	goal := func(text string, value, atLeast float64) {
		verdict := "met"
		if value < atLeast {
			verdict = "missed"
		}
		fmt.Fprintf(&b, "- %s: %.2f, goal %g or more: %s\n", text, value, atLeast, verdict)
	}
	goal(fmt.Sprintf("share of the bound (%v) that tapsweep reaches unthrottled", bound),
		bound.Seconds()/ours.took.Seconds(), 0.8)
	goal("times the typed SDK", times[1], 10)
	if missing["curl"] == "" {
		goal("times curl", times[4], 2)
	}
	fmt.Fprintf(&b, "- throttled, %v is the least that the limit allows; tapsweep's share of it is %.2f\n", idle,
		idle.Seconds()/ourLimited.took.Seconds())
	assert.OK(t, os.WriteFile(*peers, []byte(b.String()), 0o644))
	for _, m := range append(free[0], ourLimited) {
		assert.That(t, m.left <= 0 && m.err == nil, "tapsweep left %d passes: %v", m.left, m.err)
	}
}
