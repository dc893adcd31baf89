#!/bin/sh
# Runs the Rust tests that need no foreign code under miri, which ends a test at the first thing that
# Rust leaves undefined: the protocol, and the exported functions over a host in memory.
#
# First a test that must be ended, or the rest would show nothing.
set -eu
cd "$(dirname "$0")/.."
if ! cargo +nightly miri --version > /dev/null 2>&1; then
    echo "miri is missing: rustup toolchain install nightly --component miri,rust-src" >&2
    exit 1
fi

# The tests look at the clock, the environment and files.
export MIRIFLAGS="-Zmiri-disable-isolation ${MIRIFLAGS:-}"
# A few random cases each: miri is hundreds of times slower.
export PROPTEST_CASES="${PROPTEST_CASES:-4}"

tests() {
    cargo +nightly miri test --quiet --package dill_ws --lib -- "$@"
}

control=$(tests --ignored control_a_buffer_shorter_than_its_length 2>&1) && caught=0 || caught=1
if [ $caught = 0 ] || ! echo "$control" | grep -q "Undefined Behavior"; then
    echo "$control"
    echo "the control was not caught" >&2
    exit 1
fi
echo "the control was caught"
tests abi::tests abi::errno protocol
