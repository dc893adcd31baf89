#!/bin/sh
# Packs a static library of Rust's into an archive of one object, which defines the listed symbols
# and no others.
#
#   pack-static.sh INPUT OUTPUT LIST
#
# Rust's own archive has hundreds of objects and thousands of global symbols (all of the standard
# library), and two such archives in one program can clash. So:
#
#   ld -r           makes one object of what the listed symbols need: they are its only roots (-u),
#   --gc-sections   and the rest is left out;
#   --force-group-allocation
#                   dissolves section groups, whose signature would have to stay global;
#   objcopy         makes all symbols local but those listed (--keep-global-symbols), drops the debug
#                   information, names nobody refers to, and the standard library's bitcode.
#
# A name without the prefix dill_ becomes weak (--weaken-symbols): a program that has a function
# ws_send of its own links, and keeps it.
set -eu
input=$1 output=$2 list=$3
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
object=$work/$(basename "$output" .a).o
sed 's/^[a-z]* //' "$list" > "$work/exports"
# objcopy refuses an empty file; a comment is enough.
{ echo '# weak'; grep -v '^dill_' "$work/exports" || true; } > "$work/weak"

"${LD:-ld}" -r --gc-sections --force-group-allocation $(sed 's/^/-u /' "$work/exports") \
    -o "$object" "$input"
"${OBJCOPY:-objcopy}" --strip-unneeded --remove-section=.llvmbc --remove-section=.llvmcmd \
    --keep-global-symbols="$work/exports" --weaken-symbols="$work/weak" "$object"
rm -f "$output"
"${AR:-ar}" rcsD "$output" "$object"
