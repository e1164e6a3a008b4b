package graph_test

import (
	"bytes"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"runtime"
	"strings"
	"testing"
	"testing/iotest"

	"tapsweep/batch"
	"tapsweep/batch/graph"
	"tapsweep/testdata/assert"
)

// answering answers each POST with what the function writes.
type answering struct {
	status int
	header http.Header
	body   func() io.Reader
}

func (a answering) RoundTrip(r *http.Request) (*http.Response, error) {
	_, _ = io.Copy(io.Discard, r.Body)
	return &http.Response{StatusCode: a.status, Header: a.header.Clone(), Body: io.NopCloser(a.body()), Request: r}, nil
}

// endless is JSON text without an end.
type endless struct{ read *int }

func (e endless) Read(p []byte) (int, error) {
	for i := range p {
		p[i] = ' '
	}
	*e.read += len(p)
	return len(p), nil
}

const deleteBatch = `{"requests":[{"id":"1","method":"DELETE","url":"/users/x"}]}`
const readBatch = `{"requests":[{"id":"1","method":"GET","url":"/users"}]}`

// An endless answer is read only up to the maximum for the batch.
func TestAnswerWithoutEnd(t *testing.T) {
	for _, tt := range []struct {
		name   string
		status int
		batch  string
		most   int
	}{
		{"deletes", 200, deleteBatch, 5 << 20},
		{"reads", 200, readBatch, 40 << 20},
		{"reads, as 424", 424, readBatch, 40 << 20},
		{"refused", 403, deleteBatch, 1 << 20},
	} {
		t.Run(tt.name, func(t *testing.T) {
			read := 0
			client := newClient(t, secretCredential(), graph.Options{
				Transport: answering{status: tt.status, header: http.Header{},
					body: func() io.Reader { return endless{&read} }}})
			_, err := client.PostBatch(t.Context(), []byte(tt.batch))
			assert.That(t, err != nil, "an endless answer was accepted")
			_, refused := errors.AsType[*batch.StatusError](err)
			assert.That(t, refused == (tt.status == 403), "%v is a StatusError: %v", err, refused)
			assert.That(t, read <= tt.most, "%d bytes were read, want at most %d", read, tt.most)
		})
	}
}

// An answer that may have responses is read completely, or there is an error.
func TestAnswerIsComplete(t *testing.T) {
	long := `{"responses":[` + strings.Repeat(" ", 70<<10) + `{"id":"1","status":204}]}`
	for _, status := range []int{200, 207, 424} {
		post := func(body io.Reader) (batch.Reply, error) {
			client := newClient(t, secretCredential(), graph.Options{
				Transport: answering{status: status, body: func() io.Reader { return body }}})
			return client.PostBatch(t.Context(), []byte(deleteBatch))
		}
		reply, err := post(strings.NewReader(long))
		assert.Is(t, fmt.Sprint("PostBatch with a long answer ", status), err, nil)
		assert.Same(t, fmt.Sprint("bytes of the long answer ", status), len(reply.Body), len(long))
		_, err = post(io.MultiReader(strings.NewReader(long), iotest.ErrReader(io.ErrUnexpectedEOF)))
		assert.Is(t, fmt.Sprint("PostBatch with the answer cut off ", status), err, io.ErrUnexpectedEOF)
	}
}

// The limit applies to the decompressed answer.
func TestCompressedAnswer(t *testing.T) {
	var bomb bytes.Buffer
	zip := gzip.NewWriter(&bomb)
	_, _ = zip.Write(bytes.Repeat([]byte(" "), 1<<20))
	_ = zip.Close()
	spaces := bytes.Repeat(bomb.Bytes(), 256) // members of one stream
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		assert.That(t, strings.Contains(r.Header.Get("Accept-Encoding"), "gzip"),
			"the client does not request gzip, so this test is void")
		w.Header().Set("Content-Encoding", "gzip")
		_, _ = w.Write(spaces)
	}))
	defer server.Close()
	client := newClient(t, secretCredential(), graph.Options{Root: server.URL})
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	_, err := client.PostBatch(t.Context(), []byte(deleteBatch))
	runtime.ReadMemStats(&after)
	assert.Says(t, "PostBatch", err, "larger than")
	assert.That(t, after.TotalAlloc-before.TotalAlloc <= 64<<20,
		"%d MiB were allocated", (after.TotalAlloc-before.TotalAlloc)>>20)
}
