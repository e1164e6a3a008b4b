package graphsim

import (
	"os/exec"
	"slices"
	"strings"
	"testing"

	"tapsweep/testdata/assert"
)

// The packages below the simulated tenant import neither the tenant nor each other.
func TestImportDirection(t *testing.T) {
	const here = "tapsweep/batch/graphsim"
	rooms := []string{here + "/entra", here + "/fault", here + "/quota", here + "/internal/wire"}
	allowed := map[string][]string{
		rooms[0]: {rooms[3], "github.com/golang-jwt/jwt/v5", "github.com/google/uuid"},
		rooms[1]: {rooms[3], "github.com/google/uuid"},
		rooms[2]: {},
		rooms[3]: {"github.com/google/uuid"},
	}
	for _, room := range rooms {
		out, err := exec.CommandContext(t.Context(), "go", "list", "-deps", room).Output()
		assert.OK(t, err, room)
		for name := range strings.FieldsSeq(string(out)) {
			if name == room || !strings.HasPrefix(name, "tapsweep/") && !strings.HasPrefix(name, "github.com/") {
				continue
			}
			assert.That(t, slices.Contains(allowed[room], name), "%s depends on %s", room, name)
		}
	}
}
