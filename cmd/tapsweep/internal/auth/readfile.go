package auth

import (
	"errors"
	"io"
	"os"

	"tapsweep/batch/safetext"
)

// maxFile is the maximum size of a file in bytes. A secret, a certificate with its chain or a token is much smaller.
const maxFile = 1 << 20

func readFile(path string) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, maxFile+1))
	if err == nil && len(data) > maxFile {
		err = errors.New("it is longer than 1 MiB")
	}
	return data, err
}

// readSecretFile returns the secret or the token in a file, which must contain nothing else. The file is decoded like a
// list. The secret is masked in all later messages.
func readSecretFile(path string) (string, error) {
	data, err := readFile(path)
	if err != nil {
		return "", err
	}
	text, err := decodeText(data)
	if err != nil {
		return "", err
	}
	secret := trim(text)
	safetext.Conceal(secret)
	if secret == "" {
		return "", errors.New("it is empty")
	}
	return secret, checkSecret(secret)
}
