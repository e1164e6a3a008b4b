package main

import "testing"

func TestSetVariable(t *testing.T) {
	const v = `SSL_CERT_FILE=C:\Users\O'Neill\a=b\ca.pem`
	for system, want := range map[string]string{
		"linux": "export " + v, "darwin": "export " + v, "windows": `$env:SSL_CERT_FILE = 'C:\Users\O''Neill\a=b\ca.pem'`,
	} {
		if got := setVariable(system, v); got != want {
			t.Errorf("on %s: %s, want %s", system, got, want)
		}
	}
}
