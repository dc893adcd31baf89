#!/bin/sh
# Makes certificates and keys for tests, good and bad ones, that are worth nothing tomorrow.
#
#   certificates.sh DIRECTORY           these
#   certificates.sh DIRECTORY large     rsa4096 and rsa8192, .pem and .key, which take a while, among them
#
#   root.pem                    the authority that tests trust
#   good.pem, good.key          chain and key for localhost, www.example.org, 127.0.0.1 and ::1
#   good.sec1                   the same key in the other format
#   rsa.pem, rsa.key, rsa.pkcs1 the same with RSA; ed25519.pem, ed25519.key: with Ed25519
#   expired.pem, future.pem, other.pem, nameless.pem
#                               for another time, for another name, with the name in the wrong place;
#                               all with good.key
#   selfsigned.pem, lonely.pem, untrusted.pem
#                               signed by itself, as an authority and not as one, and from an authority
#                               that is not trusted; with good.key
#   forged.pem, purpose.pem     signed by somebody else than it says, and for clients only; with good.key
#   client.pem, client.key      chain and key of a client; stranger.pem: the authority that is not trusted
#   p521.pem, p521.key          with a curve that not everybody knows
set -eu
"$(dirname "$0")/../../tools/needs.sh" openssl
cd "$1"

quietly() {
    "$@" > log 2>&1 || { cat log >&2; exit 1; }
}

names='DNS:localhost,DNS:www.example.org,IP:127.0.0.1,IP:::1'
today=$(date -u -d '-1 hour' +%Y%m%d%H%M%SZ)
tomorrow=$(date -u -d '+1 day' +%Y%m%d%H%M%SZ)

cat > ca.conf <<'CONF'
[ca]
default_ca = any
[any]
database = index
rand_serial = yes
unique_subject = no
new_certs_dir = .
default_md = sha256
policy = policy
email_in_dn = no
[policy]
commonName = supplied
[authority]
basicConstraints = critical, CA:TRUE
keyUsage = critical, keyCertSign, cRLSign
CONF
: > index

# key NAME: a key on the curve P-256.
key() {
    quietly openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out "$1.key"
}

# request KEY NAME: a request for a certificate.
request() {
    quietly openssl req -new -key "$1" -subj "/CN=$2" -out request
}

# sign AUTHORITY OUTPUT FROM TO EXTENSIONS: grants the request.
sign() {
    printf '%s\n' "$5" > extensions
    quietly openssl ca -batch -notext -config ca.conf -keyfile "$1.key" -cert "$1.pem" -in request \
        -out "$2" -startdate "$3" -enddate "$4" -extfile extensions
}

# authority NAME [COMMON-NAME]: a certificate that signs itself.
authority() {
    key "$1"
    request "$1.key" "${2:-$1 of the tests}"
    quietly openssl ca -batch -notext -config ca.conf -selfsign -keyfile "$1.key" -in request \
        -out "$1.pem" -startdate "$today" -enddate "$tomorrow" -extensions authority
}

# leaf NAME KEY COMMON-NAME FROM TO EXTENSIONS: a chain of two, the second from the root.
leaf() {
    request "$2" "$3"
    sign middle "$1.pem" "$4" "$5" "$6"
    cat middle.pem >> "$1.pem"
}

if [ "${2:-}" = large ]; then
    # Finding two large primes takes minutes, five small ones seconds.
    quietly openssl genpkey -algorithm RSA -pkeyopt rsa_keygen_bits:4096 -out rsa4096.key
    quietly openssl genpkey -algorithm RSA -pkeyopt rsa_keygen_bits:8192 -pkeyopt rsa_keygen_primes:5 \
        -out rsa8192.key
    leaf rsa4096 rsa4096.key localhost "$today" "$tomorrow" "subjectAltName = $names"
    leaf rsa8192 rsa8192.key localhost "$today" "$tomorrow" "subjectAltName = $names"
    exit
fi

authority root
authority stranger
key middle
request middle.key "middle of the tests"
sign root middle.pem "$today" "$tomorrow" 'basicConstraints = critical, CA:TRUE, pathlen:0
keyUsage = critical, keyCertSign'

authority impostor "middle of the tests"

key good
key client
quietly openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-521 -out p521.key
quietly openssl ec -in good.key -out good.sec1
quietly openssl genpkey -algorithm RSA -pkeyopt rsa_keygen_bits:2048 -out rsa.key
quietly openssl rsa -traditional -in rsa.key -out rsa.pkcs1
quietly openssl genpkey -algorithm ED25519 -out ed25519.key

leaf good good.key localhost "$today" "$tomorrow" "subjectAltName = $names"
leaf rsa rsa.key localhost "$today" "$tomorrow" "subjectAltName = $names"
leaf ed25519 ed25519.key localhost "$today" "$tomorrow" "subjectAltName = $names"
leaf p521 p521.key localhost "$today" "$tomorrow" "subjectAltName = $names"
leaf client client.key "a client" "$today" "$tomorrow" 'subjectAltName = email:client@example.org'
leaf purpose good.key localhost "$today" "$tomorrow" "subjectAltName = $names
extendedKeyUsage = clientAuth"
leaf expired good.key localhost 20200101000000Z 20200102000000Z "subjectAltName = $names"
leaf future good.key localhost 20480101000000Z 20490101000000Z "subjectAltName = $names"
leaf other good.key localhost "$today" "$tomorrow" 'subjectAltName = DNS:www.example.com,IP:127.0.0.2'
leaf nameless good.key localhost "$today" "$tomorrow" 'subjectAltName = email:somebody@example.org'
request good.key localhost
sign stranger untrusted.pem "$today" "$tomorrow" "subjectAltName = $names"
sign impostor forged.pem "$today" "$tomorrow" "subjectAltName = $names"
cat middle.pem >> forged.pem
for ca in TRUE FALSE; do
    quietly openssl req -new -x509 -key good.key -subj /CN=localhost -addext "subjectAltName = $names" \
        -addext "basicConstraints = critical, CA:$ca" -days 1 -out "$ca"
done
mv TRUE selfsigned.pem
mv FALSE lonely.pem
