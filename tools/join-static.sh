#!/bin/sh
# Joins static libraries to one that defines only what begins with dill_: libdill exports nothing else.
#
#   join-static.sh OUTPUT INPUT...
set -eu
output=$1
shift
{
    echo "create $output"
    printf 'addlib %s\n' "$@"
    echo save
} | "${AR:-ar}" -M
"${OBJCOPY:-objcopy}" --wildcard --keep-global-symbol='dill_*' "$output"
