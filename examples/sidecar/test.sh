#!/usr/bin/env bash
# Builds the image, runs its binary from the image's own root as its own user, and asks it for an answer of the demo
# providers. Prints the image's size and how long the start takes. Needs buildah and root (or user namespaces).
set -euo pipefail
cd "$(dirname "$0")/../.."

image="llm-gateway-test-$$"
examples/sidecar/build.sh "$image"
buildah() { command buildah --storage-driver vfs "$@"; }

container="$(buildah from "$image")"
pid=""
finish() {
    if [ -n "$pid" ]; then kill "$pid" 2>/dev/null || true; fi
    buildah rm "$container" >/dev/null
    buildah rmi "$image" >/dev/null
}
trap finish EXIT

root="$(buildah mount "$container")"
files="$(find "$root" -type f | wc -l)"
size="$(stat -c %s "$root/gateway")"
echo "image: $files file, $size bytes"
[ "$files" = 1 ] || { echo "the image holds more than the program"; exit 1; }
[ "$size" -lt 25000000 ] || { echo "the image is too large"; exit 1; }
buildah inspect --type image "$image" | python3 -c '
import json, sys
config = json.load(sys.stdin)["Docker"]["config"]
assert config["User"] == "65532:65532", config["User"]
assert config["Healthcheck"]["Test"] == ["CMD", "/gateway", "--health"], config
'

run() { buildah run --isolation chroot --user 65532:65532 "$container" -- "$@"; }

run /gateway --version
log="$(mktemp)"
# The program itself, in the image's root: its own start is what is timed.
before="$(date +%s%N)"
chroot --userspec=65532:65532 "$root" /gateway --listen 127.0.0.1:8097 2>"$log" &
pid=$!
until grep -q '^listening on' "$log"; do
    kill -0 "$pid" || { cat "$log"; exit 1; }
    sleep 0.002
done
echo "start: $((($(date +%s%N) - before) / 1000000)) ms to listening, chroot included"
chroot --userspec=65532:65532 "$root" /gateway --health --listen 127.0.0.1:8097
python3 - <<'PY'
import json, urllib.request
body = {"model": "claude-sonnet-4-5", "messages": [{"role": "user", "content": "Hello from the container"}]}
request = urllib.request.Request("http://127.0.0.1:8097/v1/chat/completions", json.dumps(body).encode())
answer = json.load(urllib.request.urlopen(request, timeout=10))
print("answer:", answer["choices"][0]["message"]["content"])
PY
kill -TERM "$pid"
wait "$pid" || { echo "it did not stop well"; cat "$log"; exit 1; }
pid=""
echo "stopped with exit code 0"
