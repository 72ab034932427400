#!/usr/bin/env bash
# Passes every test, with all set-up of its own: on Debian as root it installs what some tests talk to (nginx,
# Postfix, OpenLDAP, OpenSSL, GnuTLS, NSS, dnsmasq, Squid, mitmproxy), compare with (sslscan) and lay out their networks
# with (iproute2, nftables, iptables); elsewhere those tests say that they were skipped, and why.
set -euo pipefail
cd "$(dirname "$0")"

if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
    missing=()
    for pair in nginx:nginx-light postfix:postfix slapd:slapd openssl:openssl cc:gcc ip:iproute2 nft:nftables \
        iptables:iptables dnsmasq:dnsmasq-base squid:squid mitmdump:mitmproxy \
        sslscan:sslscan gnutls-serv:gnutls-bin selfserv:libnss3-tools curl:curl python3:python3 java:default-jdk-headless \
        node:nodejs go:golang-go; do
        PATH="$PATH:/usr/sbin:/sbin" command -v "${pair%%:*}" >/dev/null || missing+=("${pair##*:}")
    done
    if [ "${#missing[@]}" -gt 0 ]; then
        echo "installing ${missing[*]}"
        export DEBIAN_FRONTEND=noninteractive
        # A server started by its package would only be in the way: the tests start their own.
        { apt-get -qq update && RUNLEVEL=1 apt-get -qq install -y --no-install-recommends "${missing[@]}"; } >/dev/null ||
            echo "could not install ${missing[*]}; the tests that need them will be skipped"
    fi
fi

cargo fmt --check
cargo clippy --all-targets --quiet -- -D warnings
RUSTDOCFLAGS="-D warnings" cargo doc --no-deps --quiet
if command -v cargo-deny >/dev/null; then
    cargo deny --log-level error check licenses bans sources
else
    echo "SKIPPED cargo deny: not installed (cargo install cargo-deny --locked)"
fi
if cargo +nightly --version >/dev/null 2>&1 && { command -v cargo-fuzz >/dev/null || cargo install --quiet --locked cargo-fuzz; }; then
    # No sanitizer: there is no unsafe code to watch, and the build takes a third of the time.
    for judge in path_judge crl_judge ocsp_judge; do
        said=$(cargo +nightly fuzz run --dev --sanitizer none "$judge" -- -max_total_time=20 2>&1) || { echo "$said"; exit 1; }
        echo "fuzzed $judge: ${said##*$'\n'}"
    done
else
    echo "SKIPPED fuzzing of the judges: needs a nightly toolchain (rustup toolchain install nightly)"
fi
cargo test
