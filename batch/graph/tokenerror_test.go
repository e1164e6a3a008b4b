package graph

import (
	"errors"
	"strings"
	"testing"

	"tapsweep/testdata/assert"
)

func TestTokenError(t *testing.T) {
	rule := strings.Repeat("-", 80)
	for _, tt := range []struct {
		name, text, want string
		code             int
	}{
		{"Entra's answer", "ClientSecretCredential authentication failed. \n" +
			"POST https://login.example/t/oauth2/v2.0/token\n---\n{\n  \"error\": \"invalid_client\",\n" +
			"  \"error_description\": \"AADSTS7000222: The keys are \\\"expired\\\".\\r\\nTrace ID: 1\"\n}",
			`AADSTS7000222: The keys are "expired". Trace ID: 1`, 7000222},
		{"no answer", "dial tcp: lookup login.microsoftonline.com:\n no such host",
			"dial tcp: lookup login.microsoftonline.com: no such host", 0},
		{"an answer that was read before", "DeviceCodeCredential authentication failed. \nPOST https://x\n" + rule +
			"\nRESPONSE 400: 400 Bad Request\n" + rule + "\nResponse contained no body\n" + rule,
			"DeviceCodeCredential authentication failed. POST https://x RESPONSE 400: 400 Bad Request", 0},
		{"a chain", "DefaultAzureCredential: failed to acquire a token.\nAttempted credentials:\n" +
			"\tA: missing AZURE_TENANT_ID. To troubleshoot, visit x\n\tB: line one\n\t\tline two\n",
			"no way to sign in works here\nA: missing AZURE_TENANT_ID.\nB: line one line two", 0},
		{"a chain with answers", "Attempted credentials:\n\tA: GET https://x\n" + rule + "\nRESPONSE 404\n" + rule +
			"\nResponse contained no body\n",
			"no way to sign in works here\nA: GET https://x RESPONSE 404", 0},
		{"no connection in a chain", "Attempted credentials:\n\tClientSecretCredential: unable to resolve " +
			"an endpoint: server response error: Get \"https://" + strings.Repeat("x", 200) + "\": tls: failed to " +
			"verify certificate: x509: certificate signed by unknown authority. To troubleshoot, visit x\n",
			"no way to sign in works here\nsecret: unable to resolve an endpoint: server response error: " +
				"Get … to verify certificate: x509: certificate signed by unknown authority.", 0},
		{"no connection", "C: Get \"https://" + strings.Repeat("x", 500) +
			"\": dial tcp: connection refused. To troubleshoot, visit x",
			"C: Get … connection refused.", 0},
	} {
		t.Run(tt.name, func(t *testing.T) {
			e := &TokenError{errors.New(tt.text)}
			assert.Same(t, "Error", e.Error(), "getting an access token: "+tt.want)
			assert.Same(t, "Code", e.Code(), tt.code)
		})
	}
}

// Wherever the middle is elided, no part of a secret remains.
func TestTokenErrorKeepsSecrets(t *testing.T) {
	const secret = "Y0123456789YYYYYYYYYYYYYYYYYYYYYYYYYYYY"
	for _, announced := range []string{"client_secret = ", "Authorization: Bearer ", "client_assertion=eyJ"} {
		for at := range 600 {
			text := strings.Repeat("x", at) + " " + announced + secret + " " + strings.Repeat("zzz ", 150-at/4) + "end"
			got := (&TokenError{errors.New(text)}).Error()
			for _, part := range []string{"Y01234567", "YYYYYYYY"} {
				if strings.Contains(got, part) {
					t.Fatalf("after %d characters: %s", at, got)
				}
			}
		}
	}
}
