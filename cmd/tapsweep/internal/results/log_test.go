package results

import (
	"bytes"
	"errors"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"tapsweep/testdata/assert"
)

// The keys of a row are an interface: other programs read them.
func TestRowKeys(t *testing.T) {
	var b bytes.Buffer
	log := Stream(&b)
	row := &Row{Line: 7, Source: "list.csv", User: "a&b@contoso.com", Method: "9f0c", Outcome: Revoked, Status: 204,
		Attempts: 1,
		Message:  "a\x1b[2Jb\n", RequestID: "7f2d",
		Time: time.Date(2026, 3, 2, 9, 30, 0, 123456789, time.FixedZone("", 3600))}
	assert.OK(t, log.Write(row))
	assert.OK(t, log.Close())
	want := `{"type":"result","line":7,"source":"list.csv","user":"a&b@contoso.com","method":"9f0c",` +
		`"outcome":"revoked","status":204,` +
		`"code":"","message":"a\\x1b[2Jb\\n","attempts":1,"requestId":"7f2d","time":"2026-03-02T08:30:00.123Z"}` + "\n"
	assert.Same(t, "row", b.String(), want)
}

// disk counts what reaches it, and fails when told to.
type disk struct {
	lines, syncs int
	err          error
}

func (d *disk) Write(p []byte) (int, error) {
	if d.err != nil {
		return 0, d.err
	}
	d.lines += bytes.Count(p, []byte("\n"))
	return len(p), nil
}

func (d *disk) Sync() error { d.syncs++; return d.err }

// A row is on disk 200 ms after it was written at the latest, and many share
// one sync.
func TestGroupCommit(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var d disk
		log := newLog("log", &d, d.Sync)
		for range 1000 {
			log.Write(&Row{})
		}
		time.Sleep(syncEvery + time.Millisecond)
		synctest.Wait()
		assert.Same(t, "rows on disk", d.lines, 1000)
		assert.Same(t, "syncs", d.syncs, 1)
		time.Sleep(time.Minute)
		synctest.Wait()
		assert.Same(t, "syncs with nothing to write", d.syncs, 1)
		log.Write(&End{})
		assert.OK(t, log.Close())
		assert.Same(t, "lines after Close", d.lines, 1001)
		assert.Same(t, "syncs after Close", d.syncs, 2)
	})
}

// The first failure stays, and whoever writes next learns of it.
func TestFailingDisk(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		full := errors.New("no space left on device")
		d := disk{err: full}
		log := newLog("log.jsonl", &d, d.Sync)
		assert.Is(t, "Write", log.Write(&Row{}), nil)
		time.Sleep(time.Second)
		synctest.Wait()
		d.err = nil
		for range 2 {
			assert.Says(t, "Write", log.Write(&Row{}), "log.jsonl: "+full.Error())
		}
		assert.Is(t, "Close", log.Close(), full)
		assert.Same(t, "rows on disk", d.lines, 0)
	})
}

func TestOutcomes(t *testing.T) {
	done := []string{}
	for _, o := range Outcomes {
		if o.Done() {
			done = append(done, string(o))
		}
	}
	assert.Same(t, "done", strings.Join(done, " "), "revoked absent planned found duplicate")
}

// What announces a delete is on disk when SyncAnnounced returns; many that wait for it share
// a sync, and lines are written while one is going on.
func TestSyncAnnounced(t *testing.T) {
	var d disk
	begun, release := make(chan bool, 100), make(chan bool)
	log := newLog("log", &d, func() error {
		begun <- true
		<-release
		return d.Sync()
	})
	log.Write(&Row{Outcome: Revoked, Provisional: true})
	assert.Is(t, "SyncAnnounced", log.SyncAnnounced(), nil)
	assert.Same(t, "syncs for a row that announces nothing", d.syncs, 0)
	var waiting sync.WaitGroup
	wait := func() {
		waiting.Go(func() {
			assert.Is(t, "SyncAnnounced", log.SyncAnnounced(), nil)
		})
	}
	log.Write(&Row{Outcome: Found, Provisional: true})
	wait()
	<-begun // and does not end until it is let
	for range 100 {
		assert.Is(t, "Write", log.Write(&Row{Outcome: Found, Provisional: true}), nil)
		wait()
	}
	close(release)
	waiting.Wait()
	// One more may come of the log's own clock.
	assert.Same(t, "lines on disk", d.lines, 102)
	assert.Same(t, "2 or 3 syncs", d.syncs == 2 || d.syncs == 3, true)
	assert.Is(t, "Close", log.Close(), nil)
}

// The first and the last line of each run count the lines before them, so that a reader
// notices lines that are missing.
func TestLogCountsItsLines(t *testing.T) {
	path := writeLog(t, Revoked, NotSent)
	appendTo(t, path, `{"type":"result","line":99,"source":"l.c`) // the run was killed
	next := header
	log, _, err := Resume(path, &next, ResumeOptions{})
	assert.OK(t, err)
	end := &End{}
	for _, line := range []any{&next, &Row{Line: 3, Source: "l.csv", User: "User3@contoso.com", Outcome: Revoked},
		end} {
		assert.OK(t, log.Write(line))
	}
	assert.OK(t, log.Close())
	assert.Same(t, "the run that resumes", next.Lines, 3)
	assert.Same(t, "the end", end.Lines, 5)
	if _, err := ReadUsers(path); err != nil {
		t.Errorf("ReadUsers = %v of a log that is whole", err)
	}
}
