"""Installs the client programs, pinned, under target/agents: `python3 tests/agents/setup.py`. What is there already for these very versions is kept."""

import os
import shutil
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor

HERE = os.path.dirname(os.path.abspath(__file__))
TARGET = os.path.abspath(os.environ.get("CARGO_TARGET_DIR") or os.path.join(HERE, "..", "..", "target"))
HOME = os.path.join(TARGET, "agents")
PYTHON = os.path.join(HOME, "py", "bin", "python")
NODE_MODULES = os.path.join(HOME, "npm", "node_modules")
# How long one installation may take, in seconds.
LONGEST = 600


class Unavailable(Exception):
    """A program is missing, or a package index cannot be reached."""


def install():
    """Makes what is missing. Raises `Unavailable`, with the reason, when it cannot be had."""
    began = time.monotonic()
    os.makedirs(HOME, exist_ok=True)
    with ThreadPoolExecutor() as workers:
        made = [workers.submit(part) for part in (npm, venv)]
    if any([part.result() for part in made]):
        print(f"installed the clients in {time.monotonic() - began:.0f} s", flush=True)


def npm():
    folder = os.path.join(HOME, "npm")
    files = ["package.json", "package-lock.json"]
    if done(folder, files):
        return False
    fresh(folder, files)
    step(["npm", "ci", "--no-fund", "--no-audit", "--loglevel=error"], folder)
    return finish(folder, files)


def venv():
    folder = os.path.join(HOME, "py")
    files = ["requirements.txt"]
    if done(folder, files):
        return False
    fresh(folder, [])
    step([sys.executable, "-m", "venv", folder], HOME)
    pip = [PYTHON, "-m", "pip", "install", "--disable-pip-version-check", "--no-input", "--quiet", "--retries", "2", "--timeout", "30"]
    step(pip + ["-r", os.path.join(HERE, files[0])], HOME)
    return finish(folder, files)


def wanted(files):
    return "".join(open(os.path.join(HERE, name)).read() for name in files)


def done(folder, files):
    """Whether the marker holds these very versions."""
    try:
        return open(os.path.join(folder, "installed.txt")).read() == wanted(files)
    except FileNotFoundError:
        return False


def finish(folder, files):
    with open(os.path.join(folder, "installed.txt"), "w") as file:
        file.write(wanted(files))
    return True


def fresh(folder, files):
    shutil.rmtree(folder, ignore_errors=True)
    os.makedirs(folder)
    for name in files:
        shutil.copy(os.path.join(HERE, name), folder)


def step(command, folder):
    try:
        ended = subprocess.run(command, cwd=folder, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=LONGEST)
    except FileNotFoundError as error:
        raise Unavailable(f"{command[0]} is not installed") from error
    except subprocess.TimeoutExpired as error:
        raise Unavailable(f"{command[0]} took longer than {LONGEST} s") from error
    if ended.returncode != 0:
        last = (ended.stderr.strip() or "no output").splitlines()[-1]
        raise Unavailable(f"{' '.join(command[:4])} … failed: {last}")


def install_or_skip():
    """`install`; where that cannot be done, says SKIPPED and ends with success, or with failure if REQUIRE_SDKS=1."""
    try:
        install()
    except Unavailable as error:
        required = os.environ.get("REQUIRE_SDKS") == "1"
        print(f"{'the agents are required' if required else 'SKIPPED'}: {error}")
        sys.exit(1 if required else 0)


if __name__ == "__main__":
    install_or_skip()
