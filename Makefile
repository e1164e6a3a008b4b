GO ?= go
FUZZTIME ?= 5s
override FUZZTIME := $(value FUZZTIME)
export FUZZTIME # for a recipe to take it from there: as part of its text a shell would run it
ifeq ($(origin VERSION),undefined)
VERSION := $(shell git describe --tags --always --abbrev=12 --dirty 2>/dev/null || echo devel)
endif
BINARIES = $(addprefix tapsweep-,linux-amd64 linux-arm64 darwin-amd64 darwin-arm64 windows-amd64.exe windows-arm64.exe)

# A tag, or VERSION of the environment, may hold what make or a shell runs. $(value) is its
# text, which make does not expand, and recipes take $(version), which refuses any
# character but these.
override VERSION := $(value VERSION)
ALLOWED = 0 1 2 3 4 5 6 7 8 9 a b c d e f g h i j k l m n o p q r s t u v w x y z \
	A B C D E F G H I J K L M N O P Q R S T U V W X Y Z . _ + ~ -
without = $(if $1,$(call without,$(wordlist 2,$(words $1),$1),$(subst $(firstword $1),,$2)),$2)
version = $(if $(call without,$(ALLOWED),$(VERSION)),$(error VERSION is "$(VERSION)": \
	it may hold letters, digits and . _ + ~ - only: give another one, as in make VERSION=v1.2.3),$(VERSION))

BUILDFLAGS = -buildvcs=false -trimpath -ldflags '-s -w -X main.version=$(version)'

# The man pages bear this date. Source: reproducible-builds.org/specs/source-date-epoch.
export SOURCE_DATE_EPOCH ?= $(shell git log -1 --format=%ct 2>/dev/null || echo 0)

# Not a tool of go.mod: it would bring 42 modules, git and a linear algebra among them.
CYCLONEDX = github.com/CycloneDX/cyclonedx-gomod/cmd/cyclonedx-gomod@v1.10.0

.PHONY: demo test check race browser fuzz lint vuln kill release man reproducible bench bench-pace bench-pace-real bench-peers bench-cost $(BINARIES:%=dist/%)

# Some passes of the demo cannot be revoked, so tapsweep ends with exit code 1, and with another one
# if the demo failed. "go run" would hide the exit code.
demo:
	@mkdir -p dist/demo
	@$(GO) build -o dist/demo/tapsweep ./cmd/tapsweep
	@dist/demo/tapsweep revoke --simulate --yes --overwrite --results dist/demo/results.jsonl testdata/incident.csv; \
		code=$$?; [ $$code -eq 1 ] || { echo "the demo failed: exit code $$code, want 1"; exit 1; }
	@dist/demo/tapsweep report --overwrite --html dist/demo/report.html dist/demo/results.jsonl
	@echo 'The report of this run: $(CURDIR)/dist/demo/report.html'

# systemd-analyze verify also checks the systemd units of the manual, where it is installed:
# go test -v -run TestUnitsVerify ./cmd/tapsweep
# With -short, properties are tested with a fifth of the seeds, paces in fewer shapes and runs, and
# leaks without the quiet output, which the other outputs contain. make check (race) tests it all.
test:
	$(GO) test -short ./...

check: lint vuln race browser kill fuzz reproducible

lint:
	@test -z "$$(gofmt -l cmd batch input)" || { gofmt -l cmd batch input; echo 'not formatted: run gofmt -w'; exit 1; }
	$(GO) mod tidy -diff
	$(GO) vet ./...
	$(GO) fix -diff ./...
	$(GO) tool staticcheck ./...

# The database of vulnerabilities is on the internet. Where it cannot be reached,
# that is said and no reason to fail; a finding is.
vuln:
	@out=$$($(GO) tool govulncheck ./cmd/tapsweep 2>&1); code=$$?; \
	if [ $$code -ne 0 ] && echo "$$out" | grep -q 'fetching vulnerabilities'; then \
		echo 'govulncheck: skipped, its database cannot be reached'; \
	else echo "$$out"; exit $$code; fi

# A run that is killed at random points and taken up again, and whether all that reads
# its log agrees on what it says.
kill:
	$(GO) test ./cmd/tapsweep -run '^(TestKillAndResume|TestReadersAgree)$$' -kills 50 -trials 60

race:
	$(GO) test -race -shuffle=on -timeout 30m ./...

# The pages of tapsweep report, in a real browser. Its tests have a build
# tag, so that make test neither compiles what drives the browser nor starts one.
browser:
	@command -v chromium >/dev/null || { \
		if [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null; then apt-get update -q && apt-get install -qy chromium; \
		else echo 'browser: chromium is missing: install it, on Debian with apt-get install chromium'; exit 1; fi; }
	$(GO) vet -tags browser ./cmd/tapsweep/internal/report
	$(GO) tool staticcheck -tags browser ./cmd/tapsweep/internal/report
	TAPSWEEP_BROWSER=1 $(GO) test -tags browser -run '^TestBrowser' ./cmd/tapsweep/internal/report

# The end of -fuzztime itself may be reported as a failure: go.dev/issue/75804, fixed
# in Go 1.27. That, without an input that fails, is tried again.
fuzz:
	@set -e; for pkg in $$($(GO) list ./batch ./batch/internal/throttle ./input ./cmd/tapsweep/internal/pass ./cmd/tapsweep/internal/report); do \
		for target in $$($(GO) test -list '^Fuzz' $$pkg | grep '^Fuzz'); do \
			for try in 1 2 3; do \
				if out=$$($(GO) test -run '^$$' -fuzz "^$$target$$" -fuzztime "$$FUZZTIME" -fuzzminimizetime 10x $$pkg 2>&1); then \
					echo "$$out"; break; fi; \
				echo "$$out"; \
				echo "$$out" | grep -qx '    context deadline exceeded' && ! echo "$$out" | grep -q 'Failing input' && [ $$try != 3 ] || exit 1; \
			done; \
		done; \
	done

# Six binaries, for each the list of modules that it says are in it (they differ a
# little between systems), the man pages, and the checksums of it all. The same commit,
# Go and host make the same bytes: no VCS stamp, which a copy of the sources would not
# have (VERSION tells), and lists without a time and a serial number.
release:
	rm -rf dist/tapsweep* dist/SHA256SUMS
	@set -e; umask 022; mkdir -p dist; for name in $(BINARIES); do \
		$(MAKE) --no-print-directory VERSION='$(version)' dist/$$name; \
		CGO_ENABLED=0 $(GO) run -trimpath $(CYCLONEDX) bin -json -noserial -notimestamp -std \
			-version '$(version)' -output dist/$$name.cdx.json dist/$$name; \
	done
	@umask 022; $(MAKE) --no-print-directory VERSION='$(version)' man
	@umask 022; cd dist && export LC_ALL=C && if command -v sha256sum >/dev/null; then sha256sum tapsweep* man/*; \
		else shasum -a 256 tapsweep* man/*; fi >SHA256SUMS
	@cat dist/SHA256SUMS

# dist/tapsweep-linux-amd64 and so on; Go knows what is up to date.
$(BINARIES:%=dist/%): dist/tapsweep-%:
	CGO_ENABLED=0 GOOS=$(word 1,$(subst -, ,$(basename $*))) GOARCH=$(word 2,$(subst -, ,$(basename $*))) \
		$(GO) build $(BUILDFLAGS) -o $@ ./cmd/tapsweep

man:
	rm -rf dist/man
	CGO_ENABLED=0 $(GO) run $(BUILDFLAGS) ./cmd/tapsweep man dist/man

# This machine's binary and the man pages once more, from a copy of the sources at
# another place and with nothing that was built before: the bytes are the same.
reproducible: release
	@set -e; dir=$$(mktemp -d); trap 'rm -rf "$$dir"' EXIT; \
	name=tapsweep-$$($(GO) env GOHOSTOS)-$$($(GO) env GOHOSTARCH)$$($(GO) env GOEXE); \
	cp -R cmd batch input go.mod go.sum Makefile "$$dir"; \
	GOCACHE="$$dir/cache" $(MAKE) --no-print-directory -C "$$dir" VERSION='$(version)' dist/$$name man; \
	cmp "$$dir/dist/$$name" dist/$$name; diff -r "$$dir/dist/man" dist/man; \
	echo "reproducible: $$name and the man pages are the same once more"

# What tapsweep is like beside the limits of a tenant, beside what else one
# would use, and what it costs. Nothing else should run meanwhile.
bench: bench-pace bench-peers bench-cost

bench-pace:
	@mkdir -p testdata/bench
	$(GO) test ./batch/internal/throttle -run 'TestPace$$' -pace="$$PWD/testdata/bench/pace.md" -pace-page="$$PWD/cmd/tapsweep/docs/pace.md" -timeout 30m
	$(GO) test ./cmd/tapsweep/internal/revoke -run 'TestPaceOfBothQuotas$$' -pace="$$PWD/testdata/bench/pace.md"
	@cat testdata/bench/pace.md

# The same limits in real time, over TLS and HTTP/2, and in virtual time.
bench-pace-real:
	$(GO) test ./batch -run 'TestPaceRealTime$$' -v -pace-real -parallel 12
	$(GO) test ./batch/internal/throttle -run 'TestShapes$$' -v -group 'out of order|one after another' -requests 1000

bench-peers:
	@mkdir -p dist
	$(GO) test ./batch/internal/peers -run 'TestPeers$$' -peers="$$PWD/dist/peers.md" -timeout 30m
	@cat dist/peers.md

bench-cost:
	@mkdir -p dist
	$(GO) test ./batch ./cmd/tapsweep/internal/revoke -run '^$$' -bench 'Encode|Decode|Pipeline' -benchmem
	$(GO) test ./cmd/tapsweep -run 'TestCost$$' -cost="$$PWD/dist/cost.md" -timeout 30m
	@cat dist/cost.md
