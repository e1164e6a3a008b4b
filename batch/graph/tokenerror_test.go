package graph

import (
	"errors"
	"strings"
	"testing"
)

func TestTokenError(t *testing.T) {
	tests := []struct {
		name, text, want string
		code             int
	}{
		{"Entra's answer", "ClientSecretCredential authentication failed. \nPOST https://login.example/t/oauth2/v2.0/token\n---\n" +
			"{\n  \"error\": \"invalid_client\",\n  \"error_description\": \"AADSTS7000222: The keys are \\\"expired\\\".\\r\\nTrace ID: 1\"\n}",
			`AADSTS7000222: The keys are "expired". Trace ID: 1`, 7000222},
		{"no answer", "dial tcp: lookup login.microsoftonline.com:\n no such host", "dial tcp: lookup login.microsoftonline.com: no such host", 0},
		{"an answer that was read before", "DeviceCodeCredential authentication failed. \nPOST https://x\n" + strings.Repeat("-", 80) +
			"\nRESPONSE 400: 400 Bad Request\n" + strings.Repeat("-", 80) + "\nResponse contained no body\n" + strings.Repeat("-", 80),
			"DeviceCodeCredential authentication failed. POST https://x RESPONSE 400: 400 Bad Request", 0},
		{"a chain", "DefaultAzureCredential: failed to acquire a token.\nAttempted credentials:\n\tA: missing AZURE_TENANT_ID. To troubleshoot, visit x\n\tB: " +
			"line one\n\t\tline two\n", "none of the credentials gives one\nA: missing AZURE_TENANT_ID.\nB: line one line two", 0},
		{"a chain with answers", "Attempted credentials:\n\tA: GET https://x\n" + strings.Repeat("-", 80) + "\nRESPONSE 404\n" + strings.Repeat("-", 80) +
			"\nResponse contained no body\n", "none of the credentials gives one\nA: GET https://x RESPONSE 404", 0},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			e := &TokenError{errors.New(tt.text)}
			if got := e.Error(); got != "getting an access token: "+tt.want || e.Code() != tt.code {
				t.Errorf("Error = %q, Code = %d, want %q, %d", got, e.Code(), tt.want, tt.code)
			}
		})
	}
}
