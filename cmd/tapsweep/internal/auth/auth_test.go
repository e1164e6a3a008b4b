package auth

import "testing"

func TestInstanceDiscovery(t *testing.T) {
	tests := []struct {
		authority string
		want, ok  bool
	}{
		{"", true, true},
		{"https://login.microsoftonline.com/", true, true},
		{"https://LOGIN.microsoftonline.us", true, true},
		{"https://127.0.0.1:8443", false, true},
		{"https://login.microsoftonline.com.evil.example", false, true},
		{"http://login.microsoftonline.com", false, false},
		{"login.microsoftonline.com", false, false},
	}
	for _, tt := range tests {
		got, err := instanceDiscovery(tt.authority)
		if got != tt.want || (err == nil) != tt.ok {
			t.Errorf("instanceDiscovery(%q) = %v, %v, want %v, ok %v", tt.authority, got, err, tt.want, tt.ok)
		}
	}
}
