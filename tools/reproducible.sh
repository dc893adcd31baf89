#!/bin/sh
# Builds once more, in another directory with a space in its name, and compares the libraries with those in build/.
set -eu
cd "$(dirname "$0")/.."
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
copy="$work/another place"
mkdir "$copy"
git ls-files -z | xargs -0 cp --parents -t "$copy"
(cd "$copy" && env -u CARGO_TARGET_DIR make --silent all)

passed=0
failed=0
good() { passed=$((passed + 1)); }
bad() { failed=$((failed + 1)); echo "FAIL $*"; }
for library in libdill_ws.so libdill_rt.so libdill_ws.a libdill_rt.a libdill/libdill.so.20; do
    cmp "build/$library" "$copy/build/$library" && good || bad "$library is another one when built elsewhere"
    for place in "$PWD" "$work" "${CARGO_HOME:-$HOME/.cargo}"; do
        ! LC_ALL=C grep -qF "$place" "$copy/build/$library" && good || bad "$library names $place"
    done
done
# What looks for a path finds one.
echo "$work" > "$work/control"
LC_ALL=C grep -qF "$work" "$work/control" && good || bad "control: a path is found"
echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ]
