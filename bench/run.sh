#!/usr/bin/env bash
# Builds everything and measures what BENCHMARKS.md states, all in one run: prints Markdown tables.
# The environment's CARGO_TARGET_DIR holds; RUNS sets how often each command is timed.
set -euo pipefail
cd "$(dirname "$0")/.."
runs=${RUNS:-60}
for tool in hyperfine jq; do
    command -v "$tool" >/dev/null || { echo "bench/run.sh needs $tool: apt-get install $tool" >&2; exit 1; }
done
work=$(mktemp -d)
labs=()
finish() {
    # A lab ends when its standard input does.
    for descriptor in "${labs[@]}"; do eval "exec $descriptor>&-"; done
    wait
    rm -rf "$work"
}
trap finish EXIT

cargo build --release --quiet --examples
# By itself, since examples and tests switch on features that the program goes without.
cargo build --release --quiet --bin certflight
bin=$(cargo metadata --format-version 1 --no-deps | jq -r .target_directory)/release
certflight=$bin/certflight
peer=
if command -v go >/dev/null && GOPATH=/usr/share/gocode GO111MODULE=off go build -o "$work/peer" bench/peer.go; then
    peer=$work/peer
else
    echo "left out: the Go peer (needs go and golang.org/x/crypto)"
fi
pipeline=
if command -v openssl >/dev/null && command -v curl >/dev/null; then
    pipeline=bench/pipeline.sh
else
    echo "left out: the pipeline (needs openssl and curl)"
fi

start() { # NAME OPTION...: starts a lab, described in $work/NAME/lab
    local name=$1 descriptor
    shift
    mkdir "$work/$name"
    mkfifo "$work/$name/input"
    "$bin/examples/lab" "$work/$name" "$@" <"$work/$name/input" >"$work/$name/lab" &
    exec {descriptor}>"$work/$name/input"
    labs+=("$descriptor")
    until [[ -s $work/$name/lab ]]; do
        kill -0 $! || { echo "the lab $name did not start" >&2; exit 1; }
        read -rt 0.1 <>"$work/$name/tick" 2>/dev/null || true
    done
}
of() { jq -r "$2" "$work/$1/lab"; }
check() { # NAME OPTION...: the command that checks a lab's target, names by the lab's DNS
    local name=$1
    shift
    echo "$certflight check --dns-server $(of "$name" .dns_server) --roots native --roots $(of "$name" .roots) $* $(of "$name" .target)"
}
pinned() { # NAME: the same without DNS, as the yardsticks do it
    echo "$(check "$1" "$(jq -r '[.pins[] | "--resolve " + .] | join(" ")' "$work/$1/lab")")"
}
yardstick() { echo "$1 $(of "$2" .address) $(of "$2" .name) $(of "$2" .roots) 127.0.0.1"; }
table() { # JSON: what hyperfine measured
    echo "| | wall mean ms | ± | min | CPU mean ms |"
    echo "|---|---|---|---|---|"
    jq -r 'def ms: . * 10000 | round / 10;
        .results[] | "| \(.command) | \(.mean | ms) | \((.stddev // 0) | ms) | \(.min | ms) | \(.user + .system | ms) |"' "$1"
}
expect() { # EXIT-CODE COMMAND...
    local wanted=$1 code=0
    shift
    "$@" >/dev/null 2>&1 || code=$?
    [[ $code == "$wanted" ]] || { echo "exit code $code, not $wanted: $*" >&2; exit 1; }
}

start clean
start revoked --scenario revocation.revoked
start slow --delay 200
start small --large-crl 10
start large --large-crl 1000000

# Whoever is measured must do the work: pass the sound lab and refuse the revoked certificate.
# shellcheck disable=SC2046
{
    expect 0 $(check clean)
    expect 0 $(pinned clean)
    expect 2 $(check revoked)
    if [[ $pipeline ]]; then
        expect 0 $(yardstick "$pipeline" clean)
        expect 1 $(yardstick "$pipeline" revoked)
    fi
    if [[ $peer ]]; then
        expect 0 $(yardstick "$peer" clean)
        expect 1 $(yardstick "$peer" revoked)
    fi
    expect 0 $(check large)
}

echo "## Machine"
echo
echo "$(date -u +%Y-%m-%d), $(nproc) x $(sed -n 's/^model name[[:space:]]*: //p' /proc/cpuinfo | head -1), $(uname -sr)"
echo "$(rustc --version), $(go version 2>/dev/null || echo no Go), $(openssl version 2>/dev/null || echo no OpenSSL)"
echo "load before: $(cut -d' ' -f1-3 /proc/loadavg); native store: $(grep -c BEGIN /etc/ssl/certs/ca-certificates.crt 2>/dev/null || echo ?) roots"
echo
echo "## One target, the whole job"
echo
# Program by program would let a change of the machine's mood fall on one of them: in three turns.
for turn in 1 2 3; do
    measured=(-n "certflight, names pinned" "$(pinned clean)")
    [[ $peer ]] && measured+=(-n "Go loop (peer.go)" "$(yardstick "$peer" clean)")
    measured+=(-n "certflight, names by DNS" "$(check clean)")
    hyperfine -N --style none --warmup 5 --runs "$runs" --export-json "$work/one.json" "${measured[@]}" >/dev/null
    echo "Turn $turn:"
    echo
    table "$work/one.json"
    if [[ $pipeline ]]; then
        hyperfine -N --style none --warmup 1 --runs 10 --export-json "$work/shell.json" \
            -n "openssl and curl (pipeline.sh)" "$(yardstick "$pipeline" clean)" >/dev/null
        table "$work/shell.json" | tail -n +3
        jq -rs '"\ncertflight is \(.[1].results[0].mean / .[0].results[0].mean * 10 | round / 10) times as fast as the pipeline (means), \(.[1].results[0].min / .[0].results[0].min * 10 | round / 10) (best runs)."' \
            "$work/one.json" "$work/shell.json"
    fi
    [[ $peer ]] && jq -r '"certflight takes \(.results[0].mean / .results[1].mean * 100 | round) % of the Go loop'"'"'s time (means)."' "$work/one.json"
    echo
done

echo "## Critical path, every answer delayed by 200 ms"
echo
pins=()
for pin in $(of slow '.pins[]'); do [[ $pin == www.* ]] || pins+=(--resolve "$pin"); done
hyperfine -N --style none --warmup 1 --runs 10 --export-json "$work/slow.json" \
    -n "endpoint names pinned (3 rounds, bound 720 ms)" "$(check slow "${pins[@]}")" \
    -n "endpoint names by DNS too (4 rounds, bound 960 ms)" "$(check slow)" >/dev/null
table "$work/slow.json"
echo

echo "## Paths among decoys"
echo
"$bin/examples/path_speed" 100 41
echo

echo "## A CRL of 1,000,000 entries"
echo
"$bin/examples/crl_speed" 1000000 41
echo
peak() { # COMMAND...: peak resident memory in KiB, the most of five runs
    local most=0 now
    for _ in 1 2 3 4 5; do
        now=$( { /usr/bin/time -f %M "$@" >/dev/null 2>"$work/err"; tail -1 "$work/err"; } )
        ((now > most)) && most=$now
    done
    echo "$most"
}
url() { echo "$certflight url --dns-server $(of "$1" .dns_server) --issuer $(of "$1" .roots) $(of "$1" .crl)"; }
hyperfine -N --style none --warmup 1 --runs 10 --export-json "$work/large.json" \
    -n "check, where the CRL has 10 entries" "$(check small)" \
    -n "check, where the CRL has 1,000,000" "$(check large)" \
    -n "url of the CRL of 1,000,000" "$(url large)" >/dev/null
table "$work/large.json"
echo
if [[ -x /usr/bin/time ]]; then
    echo "| peak memory, MiB | 10 entries | 1,000,000 entries | more |"
    echo "|---|---|---|---|"
    for command in check url; do
        # shellcheck disable=SC2046
        few=$(peak $($command small)) many=$(peak $($command large))
        awk -v c="$command" -v a="$few" -v b="$many" 'BEGIN {printf "| %s | %.1f | %.1f | %.1f |\n", c, a/1024, b/1024, (b-a)/1024}'
    done
else
    echo "left out: memory (needs /usr/bin/time)"
fi
echo

echo "## Size and start"
echo
hyperfine -N --style none --warmup 5 --runs "$runs" --export-json "$work/start.json" -n "certflight --version" "$certflight --version" >/dev/null
table "$work/start.json"
echo
echo "The stripped binary has $(stat -c %s "$certflight") octets. Load after: $(cut -d' ' -f1-3 /proc/loadavg)"
