#!/usr/bin/env bash
# The administrator's pipeline, as a yardstick: openssl s_client, openssl verify, curl for every CRL and
# caIssuers URL, openssl crl for signature and dates, openssl ocsp for every certificate.
#
#   pipeline.sh ADDRESS SERVERNAME ROOT.pem RESOLVE_TO
#
# The URLs are read from the certificates, as a person would. Exits 1 at the first thing that is wrong.
set -euo pipefail
address=$1 name=$2 root=$3 to=$4
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"

openssl s_client -connect "$address" -servername "$name" -showcerts </dev/null 2>/dev/null >session
awk '/BEGIN CERT/{n++; inside=1} inside{print > ("cert" n ".pem")} /END CERT/{inside=0}' session
openssl verify -CAfile "$root" -untrusted cert2.pem -verify_hostname "$name" cert1.pem >/dev/null

fetch() { # URL FILE
    local rest=${1#http://} host port
    host=${rest%%[:/]*}
    port=80
    [[ ${rest%%/*} == *:* ]] && port=$(cut -d/ -f1 <<<"$rest" | cut -d: -f2)
    curl -sSf --resolve "$host:$port:$to" -o "$2" "$1"
}

check() { # CERTIFICATE ISSUER
    local text url
    text=$(openssl x509 -in "$1" -noout -text)
    while read -r url; do
        fetch "$url" crl.der
        openssl crl -inform DER -in crl.der -CAfile "$2" -noout 2>&1 | grep -q 'verify OK'
        openssl crl -inform DER -in crl.der -noout -text >crl.text
        ! grep -q "$(openssl x509 -in "$1" -noout -serial | cut -d= -f2)" crl.text
    done < <(sed -n '/CRL Distribution/,$s/^ *URI://p' <<<"$text")
    while read -r url; do
        local rest=${url#http://}
        openssl ocsp -issuer "$2" -cert "$1" -url "http://$to:$(cut -d/ -f1 <<<"$rest" | cut -d: -f2)/${rest#*/}" \
            -header "Host=$(cut -d/ -f1 <<<"$rest")" -CAfile "$root" 2>/dev/null | grep -q ': good'
    done < <(sed -n 's/.*OCSP - URI://p' <<<"$text")
    while read -r url; do
        fetch "$url" issuer.der
        openssl x509 -inform DER -in issuer.der -out issuer.pem
        openssl verify -partial_chain -trusted issuer.pem "$1" >/dev/null
    done < <(sed -n 's/.*CA Issuers - URI://p' <<<"$text")
}
check cert1.pem cert2.pem
check cert2.pem "$root"
