#!/usr/bin/env bash
# Builds the container image: `examples/sidecar/build.sh [IMAGE]` (default: llm-gateway).
# Needs buildah, podman or docker, and a Rust toolchain on Linux.
set -euo pipefail
cd "$(dirname "$0")/../.."

image="${1:-llm-gateway}"
target="$(rustc -vV | sed -n 's/^host: //p')"
directory="${CARGO_TARGET_DIR:-target}"

# Static: the C library is part of the binary. With a --target, build scripts and macros stay dynamic.
RUSTFLAGS="${RUSTFLAGS:-} -C target-feature=+crt-static" \
    cargo build --release --example gateway --target "$target"

context="$(mktemp -d)"
trap 'rm -rf "$context"' EXIT
cp "$directory/$target/release/examples/gateway" "$context/gateway"

if command -v buildah >/dev/null; then
    # Needs no daemon, and neither root's network nor its own mounts.
    buildah --storage-driver vfs build --isolation chroot --format docker -t "$image" \
        -f examples/sidecar/Dockerfile "$context"
elif command -v podman >/dev/null; then
    podman build --format docker -t "$image" -f examples/sidecar/Dockerfile "$context"
else
    docker build -t "$image" -f examples/sidecar/Dockerfile "$context"
fi
