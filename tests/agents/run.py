"""Runs agents and SDKs through the gateway: `python3 tests/agents/run.py [--only TEXT] [--everywhere] [--bless]`.

Each cell is one program in a full loop (prompt, tool call, the command really run, its result, the answer) against a scripted provider that refuses
histories which the real one refuses. Prints a line for each cell, writes the matrix to target/agents/matrix.md, checks docs/agents.md against
what was seen, and ends with 1 if a cell failed.
"""

import argparse
import base64
import os
import queue
import secrets
import shutil
import signal
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor

import fidelity
from cells import agents, frameworks
from clients import CLIENTS, Run
from gateway import calls, gateway, upstream
from setup import HERE, HOME, TARGET, install_or_skip

ROOT = os.path.dirname(os.path.dirname(HERE))
RED = "iVBORw0KGgoAAAANSUhEUgAAAAgAAAAICAIAAABLbSncAAAAEklEQVR4nGP4z8CAFWEXHbQSACj/P8Fu7N9hAAAAAElFTkSuQmCC"
# How many clients run at once, and how long each may take, in seconds.
AT_ONCE = 2
LONGEST = 90


class Result:
    """How a cell went: `failure` is empty when it went as expected; `dropped` and `approximated` are what the gateway reported."""

    def __init__(self, cell, output, log, seconds):
        self.cell, self.seconds = cell, seconds
        self.said = output
        served = [call for call in calls(log) if call.get("status") == "200" and call["model"] == cell.model]
        self.dropped, self.approximated = (fidelity.paths(call.get(key, "") for call in served) for key in ("dropped", "approximated"))
        self.failure = ""

    def __str__(self):
        cell = self.cell
        word = "FAIL" if self.failure else "ok, refused" if cell.error else "ok"
        return f"{word:5} {cell.client} {cell.provider} {cell.name} {self.seconds:.1f} s"


def run(cell, front):
    """Runs one cell through the gateway `front`."""
    began, seen = time.monotonic(), len(front.lines)
    work = os.path.join(HOME, "work", secrets.token_hex(4))
    nonce = "n" + secrets.token_hex(4)
    try:
        os.makedirs(os.path.join(work, "project"))
        one = Run(front.base, cell.model, "", work, cell.api, cell.stream, cell.scenario.tools)
        with open(os.path.join(one.project, "red.png"), "wb") as file:
            file.write(base64.b64decode(RED))
        one.prompt = cell.scenario.prompt(nonce, one.project)
        command, environment = CLIENTS[cell.client](one)
        output = bounded(command, environment, one.project)
        patched = os.path.exists(os.path.join(one.project, "loop.txt"))
    finally:
        shutil.rmtree(work, ignore_errors=True)
    # The last line of the gateway's log may still be on its way.
    time.sleep(0.1)
    result = Result(cell, output, front.lines[seen:], time.monotonic() - began)
    wanted = cell.error or cell.scenario.final(nonce)
    if wanted not in output:
        result.failure = f"not said: {wanted}"
    elif cell.shows not in output:
        result.failure = f"not shown: {cell.shows}"
    elif cell.scenario.script == "patch" and not patched:
        result.failure = "the patch was not applied"
    return result


def bounded(command, environment, folder):
    """All output of a command, which is killed with its children when it takes too long."""
    process = subprocess.Popen(
        command, cwd=folder, env=environment, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, start_new_session=True
    )
    try:
        output, _ = process.communicate(timeout=LONGEST)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        output = process.communicate()[0] + f"\n(killed after {LONGEST} s)"
    return output


def build():
    """The gateway as Cargo builds it for its tests."""
    command = ["cargo", "build", "--quiet", "--all-features", "--example", "gateway"]
    subprocess.run(command, cwd=ROOT, check=True)
    return os.path.join(TARGET, "debug", "examples", "gateway")


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--only", default="", help="only cells whose `client provider name` contains this")
    parser.add_argument("--everywhere", action="store_true", help="the frameworks with all providers")
    parser.add_argument("--bless", action="store_true", help="write what was seen into docs/agents.md")
    parser.add_argument("--gateway", default="", help="the program to test; by default it is built")
    parser.add_argument("--record", default="", help="a folder for what reached the provider")
    parser.add_argument("--verbose", action="store_true", help="print what each client said")
    settings = parser.parse_args()
    began = time.monotonic()
    install_or_skip()
    binary = os.path.abspath(settings.gateway) if settings.gateway else build()
    chosen = [cell for cell in [*agents(), *frameworks(settings.everywhere)] if settings.only in f"{cell.client} {cell.provider} {cell.name}"]
    started = time.monotonic()
    results = matrix(chosen, binary, settings)
    failed = [result for result in results if result.failure]
    print(f"{len(results) - len(failed)} of {len(results)} cells as expected, {time.monotonic() - started:.0f} s; with set-up {time.monotonic() - began:.0f} s")
    wrong = fidelity.check(results, os.path.join(ROOT, "docs", "agents.md"), settings.bless and not failed)
    fidelity.write_matrix(results, os.path.join(HOME, "matrix.md"))
    for line in wrong:
        print(f"FAIL docs/agents.md: {line}")
    sys.exit(1 if failed or wrong else 0)


def matrix(chosen, binary, settings):
    """Runs the cells, a gateway to each worker, so that a gateway's log tells of one run at a time."""
    folder = os.path.join(HOME, "work")
    shutil.rmtree(folder, ignore_errors=True)
    os.makedirs(folder)
    provider, fronts, free = upstream(settings.record and os.path.abspath(settings.record)), [], queue.Queue()
    try:
        for _ in range(AT_ONCE):
            fronts.append(gateway(binary, provider.base, folder))
            free.put(fronts[-1])

        def one(cell):
            front = free.get()
            try:
                result = run(cell, front)
            finally:
                free.put(front)
            print(result, flush=True)
            if result.failure or settings.verbose:
                print(result.failure, result.said[-3000:], sep="\n", flush=True)
            return result

        with ThreadPoolExecutor(AT_ONCE) as workers:
            return list(workers.map(one, chosen))
    finally:
        for program in [*fronts, provider]:
            program.stop()
        defects = [line for line in provider.lines if not line.startswith(("{", "listening"))]
        print("".join(defects[:40]), end="")


if __name__ == "__main__":
    main()
