#!/bin/sh
# Makes a shared library that only names symbols, for programs and libraries to be linked against in
# place of the real one, which need not exist yet and is found by its soname at run time.
#
#   import-library.sh OUTPUT SONAME LIST...
#
# A list has a line `function NAME` or `data NAME` for each symbol. Data is a pointer in size.
set -eu
output=$1 soname=$2
shift 2
sed -n 's/^function \(.*\)$/void \1(void) {}/p; s/^data \(.*\)$/void *\1 = 0;/p' "$@" |
    "${CC:-cc}" -shared -fPIC -nostdlib -fno-builtin -Wl,-soname,"$soname" -o "$output" -x c -
