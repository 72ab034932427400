#!/usr/bin/env bash
# The Exchange Online case of the README, from start to end: prints each command and what it says. Needs Linux, root, ip
# and nft. Everything happens in a network namespace of its own, whose firewall lets out what the old chain needs; the mail
# servers and CAs are the project's lab under the names of 2018 and 2019.
set -euo pipefail
cd "$(dirname "$0")/.."
cargo build --quiet --release --bins --examples
work=$(mktemp -d)
space=certflight-exchange-$$
old=198.51.100.1 new=203.0.113.7
mkdir -p "/etc/netns/$space"
finish() {
    exec 8>&- 9>&- || true
    wait
    ip netns del "$space" || true
    rm -rf "/etc/netns/$space" "$work"
}
trap finish EXIT

# Where the names lead: to the old servers, or on the day of the change to the new ones.
names() {
    echo "127.0.0.1 localhost
$1 mail.protection.outlook.com
$old crl.before.test ocsp.before.test aia.before.test
$new crl.globalsign.com ocsp.globalsign.com secure.globalsign.com" >"/etc/netns/$space/hosts"
}
names "$old"
ip netns add "$space"
inside() { ip netns exec "$space" env -u SSL_CERT_DIR SSL_CERT_FILE="$work/store.pem" PATH="$PWD/target/release:$PATH" "$@"; }
inside ip link set lo up
inside ip address add "$old/32" dev lo
inside ip address add "$new/32" dev lo

# The labs serve until their standard input ends.
mkdir "$work/old" "$work/new"
mkfifo "$work/old.in" "$work/new.in"
inside target/release/examples/lab "$work/old" --scenario exchange-online-before --address "$old" --port 25 --http-port 80 \
    <"$work/old.in" >"$work/old.out" &
exec 8>"$work/old.in"
inside target/release/examples/lab "$work/new" --scenario exchange-online --address "$new" --port 25 --http-port 80 \
    <"$work/new.in" >"$work/new.out" &
exec 9>"$work/new.in"
until [ -s "$work/old.out" ] && [ -s "$work/new.out" ]; do sleep 0.1; done
cp "$work/old/roots.pem" "$work/store.pem"
cp "$work/new/roots.pem" "$work/globalsign-r1.pem"
cp testdata/expect/exchange-online-2018.toml "$work"
# The announced certificate with its intermediate, as the CA delivers it.
inside openssl s_client -connect "$new:25" -starttls smtp -showcerts </dev/null 2>/dev/null |
    sed -n '/BEGIN CERTIFICATE/,/END CERTIFICATE/p' >"$work/new-chain.pem"
printf 'ocsp.globalsign.com\ncrl.globalsign.com\nsecure.globalsign.com\n' >"$work/hosts.txt"
inside nft -f - <<RULES
table inet filter {
    chain output {
        type filter hook output priority filter; policy drop;
        ct state established,related accept
        ip daddr { $old, $new } tcp dport 25 accept
        ip daddr $old tcp dport 80 accept
    }
}
RULES

run() {
    echo "\$ $*"
    status=0
    (cd "$work" && inside bash -c "$*") || status=$?
    [ "$status" = 0 ] || echo "[exit code $status]"
    echo
}
export PATH="$PWD/target/release:$PATH"
rollover="certflight rollover --from smtp://mail.protection.outlook.com --to new-chain.pem"
run "$rollover --quiet"
run certflight endpoints --from-list hosts.txt
run certflight endpoints new-chain.pem --format nftables '>' certflight.nft
run cat certflight.nft
run nft -f certflight.nft
run certflight endpoints --from-list hosts.txt
run "$rollover --quiet"
run "certflight roots 'GlobalSign Root CA – R1'"
run cat globalsign-r1.pem '>>' store.pem
run "certflight roots 'GlobalSign Root CA – R1'"
run "$rollover --expect exchange-online-2018.toml"
names "$new"
run certflight check smtp://mail.protection.outlook.com --expect exchange-online-2018.toml
run certflight check smtp://mail.protection.outlook.com --expect exchange-online-2018.toml --quiet
