package input

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestMembers(t *testing.T) {
	tests := []struct {
		name, object string
		want         [][2]string // key, value as written
	}{
		{"empty", "{\r\n}", nil},
		{"every type", `{"a":"x","b":null,"c":true,"d":-1.5e3,"e":{"f":[1,"}"]},"g":[]}`,
			[][2]string{{"a", `"x"`}, {"b", "null"}, {"c", "true"}, {"d", "-1.5e3"}, {"e", `{"f":[1,"}"]}`}, {"g", "[]"}}},
		{"spaces", "{ \"a\" :\t1\n,\"b\"\r:[ 1 , 2 ] }", [][2]string{{"a", "1"}, {"b", "[ 1 , 2 ]"}}},
		{"escaped quotes", `{"a\",\"b":"c\\","d\\":"\\\"","e":{"\"}":"\\"}}`,
			[][2]string{{`a","b`, `"c\\"`}, {`d\`, `"\\\""`}, {"e", `{"\"}":"\\"}`}}},
		{"brackets in strings", `{"a[{":"]}","b":["]"]}`, [][2]string{{"a[{", `"]}"`}, {"b", `["]"]`}}},
		{"escaped key", `{"\u0061\u00e9":0}`, [][2]string{{"aé", "0"}}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var got [][2]string
			members([]byte(tt.object), func(key string, value []byte) {
				got = append(got, [2]string{key, string(value)})
			})
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("members(%q) (-want +got):\n%s", tt.object, diff)
			}
		})
	}
}
