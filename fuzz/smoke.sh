#!/bin/sh
# Builds the fuzz targets, runs all seeds and regressions, and then fuzzes each target for a while:
# FUZZ_SECONDS, 10 if not set. Any finding makes it fail.
#
# Needs the nightly toolchain and cargo-fuzz (`cargo install cargo-fuzz`).
set -eu
cd "$(dirname "$0")"
seconds=${FUZZ_SECONDS:-10}
corpus=$(mktemp -d)
trap 'rm -rf "$corpus"' EXIT

cargo +nightly fuzz build
for target in $(cargo +nightly fuzz list); do
    mkdir -p "regressions/$target" "$corpus/$target"
    echo "== $target"
    # The first folder takes what is newly found.
    cargo +nightly fuzz run "$target" "$corpus/$target" "seeds/$target" "regressions/$target" -- \
        -max_total_time="$seconds" -max_len=40000 -timeout=20 -malloc_limit_mb=64 -verbosity=0 \
        -print_final_stats=1
done
