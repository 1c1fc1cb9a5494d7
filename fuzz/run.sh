#!/bin/sh
# Builds all fuzz targets and runs each of them for a while.
#
#   fuzz/run.sh [SECONDS]           default 10
#   TARGETS="sse" fuzz/run.sh 60    only some
#   RUNS=10000000 fuzz/run.sh 9999  until each ran so many inputs, or for that long
#
# It needs neither a nightly toolchain nor cargo-fuzz: the compiler flags below are what makes a libFuzzer binary. The
# address sanitizer is left out, as the crate has no unsafe code. New inputs gather in target/corpus; what makes a
# target fail is written to target/artifacts, and is run again with `target/TRIPLE/release/TARGET FILE`.
set -eu

cd "$(dirname "$0")"
seconds=${1:-10}
host=$(rustc -vV | sed -n 's/^host: //p')
targets=${TARGETS:-$(sed -n 's|^path = "targets/\(.*\)\.rs"$|\1|p' Cargo.toml)}

RUSTFLAGS="--cfg fuzzing \
    -Cpasses=sancov-module \
    -Cllvm-args=-sanitizer-coverage-level=4 \
    -Cllvm-args=-sanitizer-coverage-inline-8bit-counters \
    -Cllvm-args=-sanitizer-coverage-pc-table \
    -Cllvm-args=-sanitizer-coverage-trace-compares \
    -Cllvm-args=-simplifycfg-branch-fold-threshold=0"
export RUSTFLAGS
# With --target, the flags stay away from build scripts, which have no fuzzer to link with.
cargo build --locked --release --target "$host" --target-dir target

for target in $targets; do
    corpus=target/corpus/$target
    artifacts=target/artifacts/$target
    mkdir -p "$corpus" "$artifacts"
    # Each input of this one drives a gateway two or three times.
    length=4096
    [ "$target" = machines ] && length=512
    echo "== $target: $seconds s"
    log=target/$target.log
    if "target/$host/release/$target" "$corpus" "seeds/$target" \
        -max_total_time="$seconds" -runs="${RUNS:--1}" -timeout=10 -rss_limit_mb=2048 -max_len="$length" \
        -artifact_prefix="$artifacts/" -print_final_stats=1 >"$log" 2>&1; then
        grep -E '^(stat::number_of_executed_units|stat::new_units_added):' "$log"
    else
        tail -n 60 "$log"
        echo "$target failed: see $artifacts" >&2
        exit 1
    fi
done
