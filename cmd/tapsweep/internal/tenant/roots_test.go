package tenant

import (
	"crypto/x509"
	"encoding/pem"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"tapsweep/batch/graphsim"
)

func TestReadRoots(t *testing.T) {
	var certificates [2]*x509.Certificate
	var paths [2]string
	for i := range certificates {
		server, err := graphsim.New(graphsim.Options{}).Start()
		if err != nil {
			t.Fatal(err)
		}
		defer server.Close()
		block, _ := pem.Decode(server.CAPEM)
		cert, err := x509.ParseCertificate(block.Bytes)
		if err != nil {
			t.Fatal(err)
		}
		certificates[i], paths[i] = cert, writeFile(t, "ca.pem", string(server.CAPEM))
	}
	other := filepath.Dir(writeFile(t, "README", "no certificate"))
	list := string(filepath.ListSeparator)
	dangling := t.TempDir()
	if err := os.Symlink("nowhere", filepath.Join(dangling, "x.pem")); err != nil && runtime.GOOS != "windows" {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		name, file, dirs string
		want             []*x509.Certificate
		err              string
	}{
		{"a file", paths[0], "", certificates[:1], ""},
		{"directories, in which not all is a certificate", "", other + list + filepath.Dir(paths[1]),
			certificates[1:], ""},
		{"a link to a certificate that was removed", paths[0], dangling, certificates[:1], ""},
		{"both", paths[0], filepath.Dir(paths[1]), certificates[:], ""},
		{"no file", paths[0] + ".txt", filepath.Dir(paths[1]), certificates[1:], "SSL_CERT_FILE: open " + paths[0] +
			".txt"},
		{"no certificate", filepath.Join(other, "README"), "", nil, "no certificate in "},
		{"no directory", paths[0], other + "/nowhere", certificates[:1], "SSL_CERT_DIR: "},
	} {
		t.Run(tt.name, func(t *testing.T) {
			want := x509.NewCertPool()
			for _, cert := range tt.want {
				want.AddCert(cert)
			}
			pool := x509.NewCertPool()
			err := readRoots(pool, tt.file, tt.dirs)
			if !pool.Equal(want) {
				t.Error("other certificates are trusted")
			}
			if (err != nil) != (tt.err != "") || err != nil && !strings.Contains(err.Error(), tt.err) {
				t.Errorf("err = %v, want %q", err, tt.err)
			}
		})
	}
}

func writeFile(t *testing.T, name, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}
