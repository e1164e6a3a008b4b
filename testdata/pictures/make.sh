#!/usr/bin/env bash
# Makes the README's two pictures: a recording of a run in a terminal, and the page
# of its report. Needs tmux, asciinema, chromium, pngquant, and svg-term (npm install -g
# svg-term-cli). Not part of any check: look at what comes out.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
work=$(mktemp -d)
trap 'kill $(jobs -p) 2>/dev/null; tmux -L pictures kill-server 2>/dev/null; sleep 1; rm -rf "$work"' EXIT
go build -C "$here/../.." -trimpath -ldflags '-s -w' -o "$work/tapsweep" ./cmd/tapsweep
cd "$work"

# A list of 420 made-up people, two of whom are out of reach and one of whom has left.
awk 'BEGIN {
	srand(4711)
	split("dana eli noor sam mia leo ana kim raj zoe ivo lea tom uma ben eva max ida jan liv", first)
	split("ortiz chen haddad novak silva kumar berg rossi meyer okafor tanaka costa lindqvist dubois ahmed", last)
	print "userPrincipalName,methodId"
	for (n = 0; n < 420; n++) {
		name = first[n % 20 + 1] "." last[int(n / 20) % 15 + 1] (n < 300 ? "" : 2)
		if (n == 57 || n == 300) name = "admin." last[n % 15 + 1]
		if (n == 230) name = "gone." last[n % 15 + 1]
		id = sprintf("%08x-%04x-4%03x-8%03x-%06x%06x", rand() * 2^31, rand() * 2^16, rand() * 2^12, rand() * 2^12, rand() * 2^24, rand() * 2^24)
		print name "@contoso.com," id
	}
}' > incident.csv
./tapsweep simulate --seed incident.csv --limit 150/8s --latency 120ms > sim.out 2>&1 &
until grep -q serving sim.out; do sleep 0.1; done
grep '^export' sim.out > env.sh
root=$(grep -o 'https://[0-9.:]*' sim.out | head -1)

send() { tmux -L pictures send-keys -t run "$@"; }
enter() {
	for ((i = 0; i < ${#1}; i++)); do send -l "${1:i:1}"; sleep 0.04; done
	sleep 0.5
	send Enter
}
tmux -L pictures -f /dev/null new-session -d -s run -x 108 -y 26 "env -i HOME=$work TERM=xterm-256color PATH=$work:$PATH bash --norc"
tmux -L pictures set -g status off
send ". ./env.sh; export TAPSWEEP_GRAPH_URL=$root PS1='\$ '; clear" Enter
sleep 1
send "asciinema rec -q --cols 108 --rows 26 -c 'bash --norc' run.cast" Enter
sleep 2
enter 'tapsweep revoke --evidence incident-4711 incident.csv'
sleep 2.5
enter 420
until [ -e incident-4711/SHA256SUMS ]; do sleep 0.2; done
sleep 3
cp run.cast whole.cast # without the end of the shell
# The picture shows the last frame until the next event, so one follows after 8 s.
awk -F '[[,]' 'END { printf "[%f, \"o\", \"\\u001b[0m\"]\n", $2 + 8 }' run.cast >> whole.cast
svg-term --in whole.cast --out "$here/run.svg" --window --width 108 --height 26

# The note names --graph-url, which only a simulated tenant needs.
sed -i 's/^<ul class="notes">/<ul hidden>/' incident-4711/report.html
chromium --headless --no-sandbox --disable-gpu --hide-scrollbars --window-size=1180,1420 \
	--screenshot="$work/report.png" "file://$work/incident-4711/report.html" 2>/dev/null
pngquant --force --output "$here/report.png" 64 report.png
ls -l "$here"
