#!/bin/sh
# Runs cargo so that nothing of where that was done is in the libraries: builds in different directories give
# the same bytes.
#
#   build.sh COMMAND...
set -eu
separator=$(printf '\037')
cargo_home=${CARGO_HOME:-$HOME/.cargo}
flags="--remap-path-prefix=$PWD=/libdill_ws$separator--remap-path-prefix=$cargo_home=/cargo"
for flag in ${RUSTFLAGS-}; do
    flags="$flags$separator$flag"
done
maps="'-ffile-prefix-map=$PWD=/libdill_ws' '-ffile-prefix-map=$cargo_home=/cargo'"
# The compiler of what is C would take a space for the end of a flag.
export CC_SHELL_ESCAPED_FLAGS=1 CFLAGS="${CFLAGS-} $maps" CARGO_ENCODED_RUSTFLAGS="$flags"
exec "$@"
