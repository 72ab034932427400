#!/usr/bin/env bash
# Whether `certflight listen` loses nothing: examples/hellos opens RATE connections a second for SECONDS seconds, each with a
# ClientHello, and what it says is compared with what listen says. Prints a Markdown table with one row a format, and fails
# where a connection is missing. PROFILE=debug measures a debug build.
set -euo pipefail
cd "$(dirname "$0")/.."
rate=${RATE:-2000} seconds=${SECONDS_EACH:-10} profile=${PROFILE:-release}
command -v jq >/dev/null || { echo "bench/listen.sh needs jq: apt-get install jq" >&2; exit 1; }
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

flag=$([[ $profile = release ]] && echo --release || true)
cargo build $flag --quiet --example hellos
cargo build $flag --quiet --bin certflight
bin=$(cargo metadata --format-version 1 --no-deps | jq -r .target_directory)/$profile

echo "| what | opened | answered | told of | lost | listen's CPU, µs a connection | its memory at most, MiB |"
echo "|---|---|---|---|---|---|---|"
lost=0
measure() { # NAME OPTION...
    local name=$1 port told
    shift
    mkfifo "$work/stderr"
    "$bin/certflight" listen 127.0.0.1:0 "$@" >"$work/out" 2>"$work/stderr" &
    local listener=$!
    exec 3<"$work/stderr"
    read -r port <&3
    port=${port##*:}
    read -r _ opened _ answered _ failed _ _ < <("$bin/examples/hellos" "127.0.0.1:$port" "$rate" "$seconds")
    # utime and stime in ticks, and the largest resident set.
    local ticks memory
    ticks=$(awk '{ print $14 + $15 }' "/proc/$listener/stat")
    memory=$(awk '/VmHWM/ { print int($2 / 1024) }' "/proc/$listener/status")
    kill -TERM "$listener"
    wait "$listener" || [[ $? = 1 ]] || { echo "listen failed: $(cat <&3)" >&2; exit 1; }
    exec 3<&-
    rm "$work/stderr"
    case $name in
        ndjson) told=$(jq -c 'select(.outcome == "hello")' "$work/out" | wc -l) ;;
        *) told=$(jq .summary.hellos "$work/out") ;;
    esac
    lost=$((lost + opened - told + failed))
    echo "| $name, $rate a second for $seconds s | $opened | $answered | $told | $((opened - told)) |" \
        "$((ticks * 1000000 / $(getconf CLK_TCK) / opened)) | $memory |"
}
measure json --format json
measure ndjson --format ndjson
[[ $lost = 0 ]] || { echo "$lost connections were lost" >&2; exit 1; }
