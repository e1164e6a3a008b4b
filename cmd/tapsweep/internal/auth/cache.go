//go:build linux || windows || (darwin && cgo)

package auth

import (
	"github.com/Azure/azure-sdk-for-go/sdk/azidentity"
	"github.com/Azure/azure-sdk-for-go/sdk/azidentity/cache"
)

// newCache returns an error if the system has no safe store. In a container, for example, the
// kernel may have no keyring.
func newCache() (azidentity.Cache, error) { return cache.New(&cache.Options{Name: "tapsweep"}) }
