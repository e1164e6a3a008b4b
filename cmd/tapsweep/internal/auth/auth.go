// Package auth chooses the credential. All of them are azidentity's.
package auth

import (
	"fmt"
	"net/http"
	"net/url"
	"os"
	"strings"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/cloud"
	"github.com/Azure/azure-sdk-for-go/sdk/azidentity"
)

// authorities are the hosts that Microsoft runs. For any other one instance
// discovery, which asks login.microsoft.com whether the host is known, can only
// fail. Source: learn.microsoft.com/entra/identity-platform/authentication-national-cloud.
var authorities = map[string]bool{
	"login.microsoftonline.com":        true,
	"login.microsoft.com":              true,
	"login.windows.net":                true,
	"sts.windows.net":                  true,
	"login.microsoftonline.us":         true,
	"login.chinacloudapi.cn":           true,
	"login.partner.microsoftonline.cn": true,
}

// Default returns azidentity's DefaultAzureCredential, which takes what the
// environment offers: AZURE_* variables, a workload or managed identity, the
// Azure command line tools. It contacts nobody.
func Default() (azcore.TokenCredential, error) {
	discovery, err := instanceDiscovery(os.Getenv("AZURE_AUTHORITY_HOST"))
	if err != nil {
		return nil, err
	}
	return azidentity.NewDefaultAzureCredential(&azidentity.DefaultAzureCredentialOptions{
		DisableInstanceDiscovery: !discovery,
		TenantID:                 os.Getenv("AZURE_TENANT_ID"),
	})
}

// instanceDiscovery tells whether to ask Microsoft about an authority.
func instanceDiscovery(authority string) (bool, error) {
	if authority == "" {
		return true, nil
	}
	u, err := url.Parse(authority)
	if err != nil || u.Scheme != "https" || u.Host == "" {
		return false, fmt.Errorf("AZURE_AUTHORITY_HOST %q must be a URL such as https://login.microsoftonline.com", authority)
	}
	return authorities[strings.ToLower(u.Host)], nil
}

// Secret returns a credential for an application of a tenant that is not
// Microsoft's, such as a simulated one.
func Secret(authority, tenant, client, secret string, httpClient *http.Client) (azcore.TokenCredential, error) {
	return azidentity.NewClientSecretCredential(tenant, client, secret, &azidentity.ClientSecretCredentialOptions{
		ClientOptions: azcore.ClientOptions{
			Cloud:     cloud.Configuration{ActiveDirectoryAuthorityHost: authority},
			Transport: httpClient,
		},
		DisableInstanceDiscovery: true,
	})
}
