#!/usr/bin/env bash
# Full enumeration of one TLS server (every version, every suite, whose order) by certflight and its peers, all in one
# run: prints a Markdown table of wall time, CPU time and connections.
#
# The server is nginx on loopback with TLS 1.2 and 1.3 and 18 suites in its own order; it counts the connections itself.
# Before anyone is timed, what it reports is compared with what nginx is configured with. RUNS sets how often each is
# timed (testssl.sh a tenth of that); CERTFLIGHT names a binary to be taken instead of building one; SSLYZE names sslyze
# where it is not on the path (pip install sslyze, in an environment of its own). What is missing is named and left out.
set -euo pipefail
cd "$(dirname "$0")/.."
PATH="$PATH:/usr/sbin:/sbin"
runs=${RUNS:-50}
for tool in hyperfine jq nginx openssl curl; do
    command -v "$tool" >/dev/null || { echo "bench/peers_tls.sh needs $tool: apt-get install $tool" >&2; exit 1; }
done
work=$(mktemp -d)
finish() {
    # nginx's master ends its workers when asked politely.
    [[ -s $work/pid ]] && kill -TERM "$(cat "$work/pid")" && wait
    rm -rf "$work"
}
trap finish EXIT

certflight=${CERTFLIGHT:-}
if [[ ! $certflight ]]; then
    cargo build --release --quiet --bin certflight
    certflight=$(cargo metadata --format-version 1 --no-deps | jq -r .target_directory)/release/certflight
fi

# In nginx's order, by OpenSSL's names; the three of TLS 1.3 have an order of their own.
suites=(ECDHE-RSA-CHACHA20-POLY1305 ECDHE-RSA-AES128-GCM-SHA256 ECDHE-RSA-AES256-GCM-SHA384 ECDHE-RSA-AES256-SHA384
    ECDHE-RSA-AES128-SHA256 ECDHE-RSA-AES256-SHA ECDHE-RSA-AES128-SHA DHE-RSA-AES256-GCM-SHA384 DHE-RSA-AES128-GCM-SHA256
    AES256-GCM-SHA384 AES128-GCM-SHA256 AES256-SHA256 AES128-SHA256 AES256-SHA AES128-SHA)
of_13=(TLS_AES_256_GCM_SHA384 TLS_CHACHA20_POLY1305_SHA256 TLS_AES_128_GCM_SHA256)

openssl req -x509 -newkey rsa:2048 -nodes -keyout "$work/key.pem" -out "$work/cert.pem" -days 2 -subj /CN=server.test \
    -addext subjectAltName=DNS:server.test 2>/dev/null
openssl genpkey -genparam -algorithm DH -pkeyopt group:ffdhe2048 -out "$work/dh.pem"
port=18443
while ss -Htln "sport = :$port or sport = :$((port + 1))" 2>/dev/null | grep -q .; do port=$((port + 2)); done
cat >"$work/nginx.conf" <<END
daemon off; pid $work/pid; error_log $work/log; worker_processes 1; user root;
events { worker_connections 1024; }
http {
    access_log off; client_body_temp_path $work/1; proxy_temp_path $work/2; fastcgi_temp_path $work/3;
    uwsgi_temp_path $work/4; scgi_temp_path $work/5;
    server {
        listen 127.0.0.1:$port ssl; ssl_certificate $work/cert.pem; ssl_certificate_key $work/key.pem;
        ssl_protocols TLSv1.2 TLSv1.3; ssl_prefer_server_ciphers on; ssl_dhparam $work/dh.pem;
        ssl_ciphers $(IFS=:; echo "${suites[*]}"); return 204;
    }
    server { listen 127.0.0.1:$((port + 1)); location / { stub_status; } }
}
END
nginx -p "$work" -c "$work/nginx.conf" 2>/dev/null &
until accepted=$(curl -sf "http://127.0.0.1:$((port + 1))/"); do
    kill -0 $! || { cat "$work/log" >&2; exit 1; }
done
target=127.0.0.1:$port
accepted() { # connections that nginx has accepted before the one that asks
    local status
    status=$(curl -sf "http://127.0.0.1:$((port + 1))/")
    awk 'NR == 3 {print $1 - 1}' <<<"$status"
}

# What has to come out: IANA's names, TLS 1.2 first, each in nginx's order.
openssl ciphers -stdname 'ALL:COMPLEMENTOFALL:@SECLEVEL=0' | awk '{print $3, $1}' >"$work/names"
wanted=$work/wanted
for suite in "${suites[@]}"; do awk -v s="$suite" '$1 == s {print $2}' "$work/names"; done >"$wanted"
printf '%s\n' "${of_13[@]}" >>"$wanted"
[[ $(wc -l <"$wanted") == 18 ]] || { echo "the server is to have 18 suites: $(cat "$wanted")" >&2; exit 1; }

names=() commands=()
measure() { # NAME COMMAND: what is to be timed
    names+=("$1")
    commands+=("$2")
}
must_find() { # NAME FILE: the suites it found, in any order, are those of the server
    diff <(sort "$wanted") <(sort "$2") >"$work/diff" || { echo "$1 does not find what nginx has:" >&2; cat "$work/diff" >&2; exit 1; }
}

full="$certflight tls $target --no-proxy --format json"
# Exit 1: suites without forward secrecy are a warning.
$full --suites-only >"$work/certflight.json" || [[ $? == 1 ]]
jq -r '.targets[0].cipher_suites | (map(select(.version == "TLSv1.2")) + map(select(.version == "TLSv1.3")))[].name' \
    "$work/certflight.json" >"$work/found"
must_find certflight "$work/found"
# It tells the order, too.
diff "$wanted" "$work/found" >&2
jq -e '.targets[0].versions | map(select(.accepted)) | map(.version + " " + .preference)
    == ["TLSv1.3 server", "TLSv1.2 server"]' "$work/certflight.json" >/dev/null
measure "certflight tls --suites-only" "$full --suites-only"
measure "certflight tls (groups, signatures, sessions and known clients too)" "$full"

if command -v sslscan >/dev/null; then
    restricted="sslscan --no-colour --no-renegotiation --no-fallback --no-compression --no-heartbleed --no-groups --no-check-certificate"
    $restricted "--xml=$work/sslscan.xml" "$target" >/dev/null
    sed -n 's/.*<cipher .* id="\(0x[0-9A-F]*\)".*/\1/p' "$work/sslscan.xml" | while read -r id; do
        openssl ciphers -V -stdname 'ALL:COMPLEMENTOFALL:@SECLEVEL=0' |
            awk -v a="${id:2:2}" -v b="${id:4:2}" '$1 == "0x" a ",0x" b {print $3}'
    done >"$work/found"
    must_find sslscan "$work/found"
    measure "sslscan, suites only" "$restricted $target"
    measure "sslscan" "sslscan --no-colour $target"
else
    echo "left out: sslscan"
fi
if command -v nmap >/dev/null; then
    nmap="nmap -n -Pn -p $port --script ssl-enum-ciphers 127.0.0.1"
    $nmap | grep -o 'TLS_[A-Z0-9_]*' >"$work/found"
    # Of TLS 1.3 it has names of its own.
    sed -i 's/^TLS_AKE_WITH_/TLS_/' "$work/found"
    must_find nmap "$work/found"
    measure "nmap --script ssl-enum-ciphers" "$nmap"
else
    echo "left out: nmap"
fi
sslyze=${SSLYZE:-$(command -v sslyze || true)}
if [[ $sslyze ]]; then
    sslyze="$sslyze --sslv2 --sslv3 --tlsv1 --tlsv1_1 --tlsv1_2 --tlsv1_3 $target"
    $sslyze "--json_out=$work/sslyze.json" >/dev/null
    jq -r '.server_scan_results[0].scan_result | to_entries[] | select(.key | endswith("_cipher_suites"))
        | .value.result.accepted_cipher_suites[].cipher_suite.name' "$work/sslyze.json" >"$work/found"
    must_find sslyze "$work/found"
    measure "sslyze" "$sslyze"
else
    echo "left out: sslyze (set SSLYZE to it; pip install sslyze in an environment of its own)"
fi
testssl=$(command -v testssl || command -v testssl.sh || true)
if [[ $testssl ]]; then
    testssl="$testssl --quiet --color 0 --warnings off --nodns min -p -E $target"
    $testssl 2>/dev/null | sed -n 's/.* \(TLS_[A-Z0-9_]*\) *$/\1/p' >"$work/found"
    must_find testssl.sh "$work/found"
    measure "testssl.sh -p -E" "$testssl"
else
    echo "left out: testssl.sh"
fi

echo "$(date -u +%Y-%m-%d), $(nproc) x $(sed -n 's/^model name[[:space:]]*: //p' /proc/cpuinfo | head -1), $(uname -sr)"
echo "$(nginx -v 2>&1), $(openssl version); load before: $(cut -d' ' -f1-3 /proc/loadavg)"
echo
echo "| one server, 2 versions, 18 suites | wall median ms | min | CPU mean ms | connections |"
echo "|---|---|---|---|---|"
for index in "${!names[@]}"; do
    name=${names[index]} command=${commands[index]} count=$runs warmup=2
    [[ $name == testssl* ]] && count=$(((runs + 9) / 10)) warmup=0
    before=$(accepted)
    $command >/dev/null 2>&1 || true
    after=$(accepted)
    hyperfine -N -i --style none --warmup "$warmup" --runs "$count" --export-json "$work/one.json" "$command" >/dev/null 2>&1
    # The question itself is a connection, too.
    jq -r --arg name "$name" --arg connections $((after - before - 1)) 'def ms: . * 10000 | round / 10;
        .results[0] | "| \($name) | \(.median | ms) | \(.min | ms) | \(.user + .system | ms) | \($connections) |"' "$work/one.json"
done
echo
echo "load after: $(cut -d' ' -f1-3 /proc/loadavg)"
