//go:build !linux && !windows && !(darwin && cgo)

package auth

import (
	"errors"

	"github.com/Azure/azure-sdk-for-go/sdk/azidentity"
)

// newCache returns an error: the keychain of macOS needs cgo.
func newCache() (azidentity.Cache, error) {
	return azidentity.Cache{}, errors.New("no safe store for tokens")
}
