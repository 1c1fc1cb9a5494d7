#!/usr/bin/env bash
# Builds the image, runs its binary from the image's own root as its own user, and asks it for answers: of the demo providers, by
# a configuration file, and by the environment alone. Prints the image's size and how long the start takes. Needs buildah and root
# (or user namespaces).
set -euo pipefail
cd "$(dirname "$0")/../.."

python3 examples/sidecar/check.py

image="llm-gateway-test-$$"
examples/sidecar/build.sh "$image"
buildah() { command buildah --storage-driver vfs "$@"; }

container="$(buildah from "$image")"
pids=()
# The program that runs below a shell of ours.
program() { cat "/proc/$1/task/$1/children" 2>/dev/null; }
finish() {
    for pid in "${pids[@]}"; do kill $(program "$pid") 2>/dev/null || true; done
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
# The program itself, in the image's root, as the image's user, with the environment in `given` and no other; a root that cannot be
# written to, as in the manifests, where this machine allows it.
given=()
chroot="$(command -v chroot)"
if unshare --mount true 2>/dev/null; then
    echo "its root is read-only"
    inside() {
        unshare --mount sh -c 'mount --bind "$0" "$0" && mount -o remount,bind,ro "$0" && exec env -i "$@"' "$root" \
            "${given[@]}" "$chroot" --userspec=65532:65532 "$root" "$@"
    }
else
    echo "its root is not read-only: no mounts can be made here"
    inside() { env -i "${given[@]}" "$chroot" --userspec=65532:65532 "$root" "$@"; }
fi
# start PORT VARIABLE=VALUE … -- ARGUMENT …: sets `pid` and `log`.
start() {
    local port="$1"
    shift
    given=()
    while [ "$1" != -- ]; do given+=("$1"); shift; done
    shift
    log="$(mktemp)"
    before="$(date +%s%N)"
    # The shell stays, so that the program is its child.
    (inside /gateway --listen "127.0.0.1:$port" "$@"; exit $?) 2>"$log" &
    pid=$!
    pids+=("$pid")
    until grep -q '^listening on' "$log"; do
        kill -0 "$pid" || { cat "$log"; exit 1; }
        sleep 0.002
    done
    given=()
    took="$((($(date +%s%N) - before) / 1000000))"
}
stop() {
    kill -TERM $(program "$1")
    wait "$1" || { echo "it did not stop well"; exit 1; }
}
# ask PORT PATH BODY: the whole answer.
ask() { curl -sS --max-time 10 --noproxy '*' "http://127.0.0.1:$1$2" ${3:+-d "$3"}; }
# expect TEXT ANSWER
expect() { [[ "$2" == *"$1"* ]] || { echo "no $1 in: $2"; exit 1; }; }
hello='{"model":"MODEL","messages":[{"role":"user","content":"Hello from the container"}]}'

# 1. Nothing configured: the demo providers.
start 8097 --
demo="$pid"
echo "start: $took ms to listening, chroot included"
inside /gateway --health --listen 127.0.0.1:8097
if inside /gateway --health --listen 127.0.0.1:8096 2>/dev/null; then echo "health where nobody listens"; exit 1; fi
expect 'You said' "$(ask 8097 /v1/chat/completions "${hello/MODEL/claude-sonnet-4-5}")"
echo "answers without configuration"

# 2. A file, mounted where the manifests mount it. It names the gateway of step 1 as its provider.
mkdir -p "$root/etc/gateway"
cp examples/sidecar/gateway.toml "$root/etc/gateway/shipped.toml"
cat >"$root/etc/gateway/gateway.toml" <<'TOML'
shutdown_grace = "25s"
[connections.first]
provider = "openai-compatible"
base_url = "http://127.0.0.1:8097/v1"
api_key_env = "FIRST_KEY"
[[routes]]
model = "fast"
targets = [{ connection = "first", model = "claude-sonnet-4-5" }]
TOML
start 8098 FIRST_KEY=demo-key -- --config /etc/gateway/gateway.toml
expect 'You said' "$(ask 8098 /v1/chat/completions "${hello/MODEL/fast}")"
# Another format, so that two gateways in a row convert.
expect '"type":"message"' "$(ask 8098 /v1/messages '{"model":"fast","max_tokens":50,"messages":[{"role":"user","content":"Hello"}]}')"
stop "$pid"
if inside /gateway --check --config /etc/gateway/gateway.toml 2>/dev/null; then echo "a missing key was not found"; exit 1; fi
(given=(ANTHROPIC_API_KEY=k OPENAI_API_KEY=k); inside /gateway --check --config /etc/gateway/shipped.toml) >/dev/null
echo "answers by a file, and takes the one that is shipped"

# 3. The environment alone.
start 8098 GROQ_API_KEY=k ANTHROPIC_API_KEY=k --
expect 'the environment' "$(cat "$log")"
expect 'ready' "$(ask 8098 /readyz)"
expect 'model: gpt-5' "$(ask 8098 /v1/messages '{"model":"gpt-5","max_tokens":5,"messages":[]}')"
models="$(ask 8098 /v1/models)"
expect '"object":"list"' "$models"
stop "$pid"
echo "takes its connections from the environment"

stop "$demo"
pids=()
echo "stopped with exit code 0"
