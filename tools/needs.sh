#!/bin/sh
# Looks for the tools that the targets of the Makefile use.
#
#   needs.sh TOOL...    for these
#   needs.sh --test     for all that `make test` uses
#   needs.sh --install  for all, and has apt-get install the packages of those that are missing
#
# Fails if something is missing, and says in one line what, and what to do.
set -eu

# Each tool and Debian's package that has it. Then, if `make test` can do without, the target that can not,
# or "optional" for a package that not every Debian has. The package of a tool that is there is left alone:
# the tool may have come from elsewhere.
table="\
ar binutils
ld binutils
nm binutils
objcopy binutils
readelf binutils
strip binutils
cc gcc
gcc gcc
libasan gcc
c++ g++
clang clang
clang++ clang
make make
cmake cmake
meson meson
ninja ninja-build
pkg-config pkg-config
python3 python3
venv python3-venv
valgrind valgrind
openssl openssl
groff groff-base
man man-db
curl curl
unshare util-linux
microsocks microsocks
danted dante-server optional
chromium chromium browser
cargo rustup.rs
rustfmt rustup.rs
cargo-clippy rustup.rs"

is_there() {
    case $1 in
    venv) "${PYTHON:-python3}" -c 'import ensurepip, venv' ;;
    # gcc repeats the name of a library that it does not have.
    libasan) case $(gcc -print-file-name=libasan.so) in /*) ;; *) false ;; esac ;;
    # Not everybody has its directory in the path.
    danted) [ -x "${SBIN:-/usr/sbin}/danted" ] ;;
    *) command -v "$1" ;;
    esac > /dev/null 2>&1
}

# Adds a tool that is missing to `missing`, and its package to `packages`, or sets `rust`.
look_for() {
    is_there "$1" && return
    missing="$missing $1"
    case $2 in
    rustup.rs) rust=yes ;;
    *) case "$packages " in *" $2 "*) ;; *) packages="$packages $2" ;; esac ;;
    esac
}

# Looks for all tools, or for those of `make test`.
look_for_all() {
    missing='' packages='' rust=''
    while read -r tool package target; do
        case $1$target in
        --install | --installbrowser | --test) look_for "$tool" "$package" ;;
        --installoptional) ! apt-cache show "$package" > /dev/null 2>&1 || look_for "$tool" "$package" ;;
        esac
    done <<END
$table
END
}

# A tool that is not in the table is taken for a package's name.
look_for_one() {
    of=$1
    while read -r tool package target; do
        [ "$tool" != "$1" ] || of=$package
    done <<END
$table
END
    look_for "$1" "$of"
}

# Says what is missing, and what to do beside installing Debian's packages.
complain() {
    [ -n "$missing" ] || exit 0
    printf 'missing:%s' "$missing"
    [ -z "$packages" ] || printf '; %s apt-get install%s' "$1" "$packages"
    [ -z "$rust" ] || printf '; see https://rustup.rs for Rust with rustfmt and clippy'
    echo
    exit 1
} >&2

install() {
    as_root=''
    [ "$(id -u)" -eq 0 ] || as_root=sudo
    for tool in apt-get $as_root; do
        command -v $tool > /dev/null || complain "there is no $tool here, and this on Debian:"
    done
    $as_root apt-get update -q
    look_for_all --install
    $as_root env DEBIAN_FRONTEND=noninteractive apt-get install -qy --no-install-recommends $packages
}

case $1 in
--install)
    look_for_all --install
    [ -z "$packages" ] || install
    look_for_all --install
    complain "although this was done:"
    ;;
--test)
    look_for_all --test
    complain "do make deps, which does this on Debian:"
    ;;
*)
    missing='' packages='' rust=''
    for wanted; do
        look_for_one "$wanted"
    done
    complain "do make deps, or this on Debian:"
    ;;
esac
