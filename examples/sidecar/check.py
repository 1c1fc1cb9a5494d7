"""Checks that compose.yaml, pod.yaml, gateway.toml and the Dockerfile tell the same story. Needs PyYAML and Python 3.11."""

import re
import sys
import tomllib
from pathlib import Path

try:
    import yaml
except ImportError:
    print("SKIPPED: the manifests are not checked without PyYAML")
    sys.exit(0)

HERE = Path(__file__).parent
HEALTH = ["/gateway", "--health"]


def seconds(text):
    number, unit = re.fullmatch(r"(\d+)(s|m)", text).groups()
    return int(number) * {"s": 1, "m": 60}[unit]


def load(name, keys, where):
    """A manifest's mapping, which has no other keys than these: a typing error in one is ignored by whoever reads it."""
    unknown = set(where) - set(keys.split())
    assert not unknown, f"{name}: unknown keys {unknown}"
    return where


config = tomllib.loads((HERE / "gateway.toml").read_text())
grace = seconds(config["shutdown_grace"])
keys = {connection["api_key_env"] for connection in config["connections"].values()}
user = int(re.search(r"^USER (\d+):", (HERE / "Dockerfile").read_text(), re.M).group(1))
assert user != 0

compose = yaml.safe_load((HERE / "compose.yaml").read_text())
service = load(
    "compose.yaml: gateway",
    "image command environment volumes read_only cap_drop security_opt healthcheck stop_grace_period",
    compose["services"]["gateway"],
)
load("compose.yaml: healthcheck", "test interval timeout", service["healthcheck"])
assert service["healthcheck"]["test"] == ["CMD", *HEALTH]
assert service["read_only"] is True and service["cap_drop"] == ["ALL"]
assert seconds(service["stop_grace_period"]) > grace, "compose kills it before its own grace period is over"
assert set(service["environment"]) == keys
source, mounted, mode = service["volumes"][0].split(":")
assert service["command"] == ["--config", mounted] and mode == "ro"
assert (HERE / source).exists()
assert compose["services"]["app"]["network_mode"] == "service:gateway"
assert compose["services"]["app"]["depends_on"]["gateway"]["condition"] == "service_healthy"

pod = yaml.safe_load((HERE / "pod.yaml").read_text())
load("pod.yaml", "apiVersion kind metadata spec", pod)
spec = load("pod.yaml: spec", "terminationGracePeriodSeconds initContainers containers volumes", pod["spec"])
assert spec["terminationGracePeriodSeconds"] > grace, "the kubelet kills it before its own grace period is over"
(gateway,) = spec["initContainers"]
load(
    "pod.yaml: gateway",
    "name image restartPolicy args env volumeMounts startupProbe livenessProbe securityContext resources",
    gateway,
)
assert gateway["restartPolicy"] == "Always", "without this it is no sidecar"
for probe in ("startupProbe", "livenessProbe"):
    load(f"pod.yaml: {probe}", "exec periodSeconds timeoutSeconds failureThreshold", gateway[probe])
    assert gateway[probe]["exec"]["command"] == HEALTH
    # The program waits three seconds itself before it calls a gateway dead.
    assert gateway[probe]["timeoutSeconds"] > 3
security = load(
    "pod.yaml: securityContext",
    "runAsNonRoot runAsUser runAsGroup readOnlyRootFilesystem allowPrivilegeEscalation capabilities seccompProfile",
    gateway["securityContext"],
)
assert security["runAsNonRoot"] and security["readOnlyRootFilesystem"]
assert security["runAsUser"] == user and security["allowPrivilegeEscalation"] is False
assert {variable["name"] for variable in gateway["env"]} == keys
(mount,) = gateway["volumeMounts"]
assert mount["readOnly"] and mount["name"] in {volume["name"] for volume in spec["volumes"]}
assert gateway["args"] == ["--config", f"{mount['mountPath']}/gateway.toml"]
# Where the application is told to look is where the gateway listens.
for variables in (
    compose["services"]["app"]["environment"],
    {variable["name"]: variable["value"] for variable in spec["containers"][0]["env"]},
):
    assert variables["OPENAI_BASE_URL"] == f"http://{config['listen']}/v1"
    assert variables["ANTHROPIC_BASE_URL"] == f"http://{config['listen']}"
print("manifests: compose.yaml, pod.yaml, gateway.toml and Dockerfile agree")
