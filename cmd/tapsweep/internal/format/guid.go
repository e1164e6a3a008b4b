package format

import "github.com/google/uuid"

// IsGUID reports whether text is a GUID in the form of an object ID: 36 characters with hyphens.
func IsGUID(text string) bool { return len(text) == 36 && uuid.Validate(text) == nil }
