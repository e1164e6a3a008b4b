//go:build linux || windows || (darwin && cgo)

package auth

import (
	"github.com/Azure/azure-sdk-for-go/sdk/azidentity"
	"github.com/Azure/azure-sdk-for-go/sdk/azidentity/cache"
)

// newCache fails where the system has no safe store: no keyring in the kernel of
// a container, for example.
func newCache() (azidentity.Cache, error) { return cache.New(&cache.Options{Name: "tapsweep"}) }
