// Package cloud describes the clouds of Microsoft: the authority that issues tokens and the Graph that accepts them. A
// token of one cloud is not valid in another.
package cloud

import (
	"cmp"
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strings"
)

// A Cloud is one of the clouds of Microsoft.
// Source: learn.microsoft.com/graph/deployments,
// learn.microsoft.com/entra/identity-platform/authentication-national-cloud.
type Cloud struct {
	Name      string // the value of --cloud
	Title     string // the name for people
	Root      string // the URL of Graph; with /.default it is the scope of a token
	Authority string // the URL of Entra

	hosts []string // the hosts of Entra; the first is the host of Authority
}

var clouds = []*Cloud{
	{"global", "global (GCC too)", "https://graph.microsoft.com", "https://login.microsoftonline.com",
		[]string{"login.microsoftonline.com", "login.microsoft.com", "login.windows.net", "sts.windows.net"}},
	{"usgov", "US Government L4 (GCC High)", "https://graph.microsoft.us", "https://login.microsoftonline.us",
		[]string{"login.microsoftonline.us"}},
	{"usgov-dod", "US Government L5 (DoD)", "https://dod-graph.microsoft.us", "https://login.microsoftonline.us",
		[]string{"login.microsoftonline.us"}},
	// Newer pages also have login.partner.microsoftonline.cn. It is not known which of the two works everywhere, so
	// AZURE_AUTHORITY_HOST may name the other.
	{"china", "China, operated by 21Vianet", "https://microsoftgraph.chinacloudapi.cn",
		"https://login.chinacloudapi.cn",
		[]string{"login.chinacloudapi.cn", "login.partner.microsoftonline.cn"}},
}

// Versions are the versions of Graph.
var Versions = []string{"v1.0", "beta"}

// Names returns the names of the clouds.
func Names() []string {
	var names []string
	for _, c := range clouds {
		names = append(names, c.Name)
	}
	return names
}

// ByRoot returns the cloud whose Graph has this root, or nil.
func ByRoot(root string) *Cloud {
	root = strings.ToLower(strings.TrimSuffix(root, "/"))
	return find(func(c *Cloud) bool { return c.Root == root })
}

func find(is func(*Cloud) bool) *Cloud {
	if i := slices.IndexFunc(clouds, is); i >= 0 {
		return clouds[i]
	}
	return nil
}

func (c *Cloud) knows(host string) bool { return slices.Contains(c.hosts, strings.ToLower(host)) }

// An Endpoint is where to request tokens and where to send requests.
type Endpoint struct {
	// Cloud is nil for a tenant that does not belong to Microsoft, such as a simulated tenant.
	Cloud *Cloud

	Root      string // the URL of Graph, without a version
	Audience  string // the audience of the token; with /.default it is the scope
	Authority string // the URL of Entra
	Version   string // the version of Graph

	// Discovery is set if the authority belongs to Microsoft. For any other authority, instance discovery fails,
	// because it asks login.microsoft.com whether the host is known.
	Discovery bool
}

// A Config holds the options from which Resolve makes an endpoint. Each field may be empty.
type Config struct {
	Cloud     string // one of Names
	Root      string // --graph-url
	Authority string // AZURE_AUTHORITY_HOST
	Version   string // one of Versions; empty means the first
}

// Resolve returns the endpoint. A cloud sets authority, root and scope. A cloud and a root mean a gateway in front of
// Graph: only the requests are sent to this root. A root without a cloud is a simulated tenant, unless it is the root
// of a cloud. An error says what to do instead.
func (c Config) Resolve() (*Endpoint, error) {
	chosen := find(func(known *Cloud) bool { return known.Name == c.Cloud })
	e := &Endpoint{Version: cmp.Or(c.Version, Versions[0])}
	of := ByRoot(c.Root)
	if c.Root == "" {
		of = cmp.Or(chosen, clouds[0])
	}
	if chosen != nil && of != nil && of != chosen {
		return nil, fmt.Errorf("--cloud %s and --graph-url %s are not of one cloud: leave out one of the two",
			chosen.Name, c.Root)
	}
	e.Cloud, e.Root, e.Audience, e.Authority = cmp.Or(chosen, of), c.Root, c.Root, clouds[0].Authority
	if e.Cloud != nil {
		e.Root, e.Audience, e.Authority = cmp.Or(c.Root, e.Cloud.Root), e.Cloud.Root, e.Cloud.Authority
	}
	if err := e.authority(c.Authority); err != nil {
		return nil, err
	}
	// In this cloud, only the beta version has passes.
	// Source: learn.microsoft.com/graph/api/temporaryaccesspassauthenticationmethod-delete.
	if e.Cloud != nil && e.Cloud.Name == "china" && e.Version == "v1.0" {
		return nil, errors.New("v1.0 of Graph has no Temporary Access Passes in the cloud china: " +
			"--api-version beta has them, and Microsoft does not support it for production")
	}
	return e, nil
}

// authority replaces the authority of the cloud by the authority in the environment, if there is one.
func (e *Endpoint) authority(env string) error {
	e.Discovery = true
	if env == "" {
		return nil
	}
	if strings.ContainsAny(env, "@?#") { // the error does not quote env, which may contain a password
		return errors.New("AZURE_AUTHORITY_HOST must not hold a user name, a password, a query or a fragment: " +
			"give a URL such as https://login.microsoftonline.com")
	}
	u, err := url.Parse(env)
	if err != nil || u.Scheme != "https" || u.Host == "" {
		return fmt.Errorf("AZURE_AUTHORITY_HOST %q is not a URL such as https://login.microsoftonline.com", env)
	}
	owner := e.Cloud
	if owner == nil || !owner.knows(u.Hostname()) { // two clouds may have one authority
		owner = find(func(c *Cloud) bool { return c.knows(u.Hostname()) })
	}
	if owner != nil && e.Cloud != nil && owner != e.Cloud {
		return fmt.Errorf("AZURE_AUTHORITY_HOST %s is of the cloud %s, and Graph of the cloud %s: "+
			"choose with --cloud %s, or unset the variable", env, owner.Name, e.Cloud.Name, owner.Name)
	}
	e.Authority, e.Discovery = strings.TrimSuffix(env, "/"), owner != nil
	return nil
}

// Hosts returns the hosts that may be asked for tokens. If the authority belongs to Microsoft, these are all hosts of
// the cloud, because its metadata may name endpoints on any of them. Otherwise it is only the host of the authority.
func (e *Endpoint) Hosts() []string {
	u, err := url.Parse(e.Authority)
	if err != nil {
		return nil
	}
	if e.Discovery && (u.Port() == "" || u.Port() == "443") {
		return slices.Clone(find(func(c *Cloud) bool { return c.knows(u.Hostname()) }).hosts)
	}
	return []string{strings.TrimSuffix(strings.ToLower(u.Host), ":443")}
}

// String describes the endpoint in a few words.
func (e *Endpoint) String() string {
	switch {
	case e.Cloud == nil:
		return "custom endpoint, " + e.Root
	case e.Root != e.Cloud.Root:
		return e.Cloud.Title + ", through " + e.Root
	}
	return e.Cloud.Title + ", " + e.Root
}
