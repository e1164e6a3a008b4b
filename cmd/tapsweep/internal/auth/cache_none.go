//go:build !linux && !windows && !(darwin && cgo)

package auth

import (
	"errors"

	"github.com/Azure/azure-sdk-for-go/sdk/azidentity"
)

// newCache fails: the keychain of macOS takes cgo.
func newCache() (azidentity.Cache, error) {
	return azidentity.Cache{}, errors.New("no safe store for tokens")
}
