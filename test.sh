#!/usr/bin/env bash
# Passes every test, with all set-up of its own: on Debian as root it installs the servers and clients that some tests
# talk to, the tools they are compared with (sslscan), and those that they lay out their networks with; elsewhere those
# tests say that they were skipped, and why.
set -euo pipefail
cd "$(dirname "$0")"

if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
    missing=()
    commands="$PATH:/usr/sbin:/sbin:/usr/lib/dovecot:$(echo /usr/lib/postgresql/*/bin | tr ' ' :)"
    for pair in nginx:nginx-light postfix:postfix slapd:slapd openssl:openssl cc:gcc ip:iproute2 nft:nftables \
        iptables:iptables dnsmasq:dnsmasq-base squid:squid mitmdump:mitmproxy imap-login:dovecot-imapd \
        pop3-login:dovecot-pop3d managesieve-login:dovecot-managesieved vsftpd:vsftpd prosody:prosody \
        initdb:postgresql mariadbd:mariadb-server sslscan:sslscan gnutls-serv:gnutls-bin selfserv:libnss3-tools \
        curl:curl wget:wget python3:python3 node:nodejs java:default-jdk-headless go:golang-go; do
        PATH="$commands" command -v "${pair%%:*}" >/dev/null || missing+=("${pair##*:}")
    done
    if [ "${#missing[@]}" -gt 0 ]; then
        echo "installing ${missing[*]}"
        export DEBIAN_FRONTEND=noninteractive
        # A server started by its package would only be in the way: the tests start their own.
        install() { RUNLEVEL=1 apt-get -qq install -y --no-install-recommends "$@" >/dev/null; }
        if ! { apt-get -qq update >/dev/null && install "${missing[@]}"; }; then
            # One that cannot be had should not keep the others away.
            for package in "${missing[@]}"; do
                install "$package" || echo "could not install $package; the tests that need it will be skipped"
            done
        fi
    fi

    # What does not go beside the others (Exim beside Postfix), or wants a domain or a desktop, is only unpacked.
    unpacked="$(realpath -m "${CARGO_TARGET_DIR:-target}")/tmp/servers"
    unpack() {
        local folder libraries
        folder=$(mktemp -d)
        cd "$folder"
        apt-get -qq download "$1" || { apt-get -qq update && apt-get -qq download "$1"; }
        libraries=$(dpkg-deb -f ./*.deb Depends | tr ',|' '\n\n' | sed -n 's/^ *\(lib[^ :]*\).*/\1/p')
        # shellcheck disable=SC2086
        apt-get -qq install -y --no-install-recommends $libraries
        mkdir -p "$unpacked"
        dpkg -x ./*.deb "$unpacked"
        rm -rf "$folder"
    }
    for pair in usr/sbin/exim4:exim4-daemon-light usr/lib/news/bin/nnrpd:inn2 usr/sbin/xrdp:xrdp; do
        [ -e "$unpacked/${pair%%:*}" ] || [ -e "/${pair%%:*}" ] && continue
        echo "unpacking ${pair##*:}"
        (DEBIAN_FRONTEND=noninteractive unpack "${pair##*:}") >/dev/null 2>&1 || true
        [ -e "$unpacked/${pair%%:*}" ] ||
            echo "could not unpack ${pair##*:}; the tests that need it will be skipped"
    done
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
