GO ?= go
FUZZTIME ?= 5s
VERSION ?= $(shell git describe --tags --always --dirty 2>/dev/null || echo devel)

.PHONY: demo test check race fuzz lint release

# The rows that cannot be revoked make the demo exit 1, as they should; the last
# line of the log tells whether it is that.
demo:
	-$(GO) run ./cmd/tapsweep revoke --simulate --yes --overwrite --results demo-results.jsonl testdata/incident.csv
	@echo; cat demo-results.jsonl; grep -q '"type":"end".*"exit":1' demo-results.jsonl

test:
	$(GO) test ./...

check: lint race fuzz release

lint:
	@test -z "$$(gofmt -l cmd batch input)" || { gofmt -l cmd batch input; echo 'not formatted: run gofmt -w'; exit 1; }
	$(GO) mod tidy -diff
	$(GO) vet ./...
	$(GO) fix -diff ./...
	$(GO) tool staticcheck ./...

race:
	$(GO) test -race -shuffle=on ./...

fuzz:
	@set -e; for pkg in $$($(GO) list ./batch ./input); do \
		for target in $$($(GO) test -list '^Fuzz' $$pkg | grep '^Fuzz'); do \
			$(GO) test -run '^$$' -fuzz "^$$target$$" -fuzztime $(FUZZTIME) -fuzzminimizetime 10x $$pkg; \
		done; \
	done

release:
	CGO_ENABLED=0 $(GO) build -trimpath -ldflags "-s -w -X main.version=$(VERSION)" -o dist/tapsweep ./cmd/tapsweep
