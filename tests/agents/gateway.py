"""Starts the scripted provider and the gateway in front of it, and reads what the gateway logs of its calls."""

import os
import re
import subprocess
import sys
import threading

from cells import KNOWN_MODELS, PROVIDERS
from clients import KEY
from setup import HERE

SECRET = "secret"
# How long a program may take until it listens, in seconds.
START = 30


class Program:
    """A child process that says where it listens; its standard error is kept, line by line."""

    def __init__(self, command, directory, environment):
        self.lines, self.ready = [], threading.Event()
        self.base = None
        self.process = subprocess.Popen(
            command, cwd=directory, env=environment, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True
        )
        threading.Thread(target=self.read, daemon=True).start()
        if not self.ready.wait(START) or self.base is None:
            self.stop()
            sys.exit(f"{command[0]} did not start:\n" + "".join(self.lines))

    def read(self):
        for line in self.process.stderr:
            self.lines.append(line)
            found = re.search(r"listening on (http://\S+)", line)
            if found:
                self.base = found[1]
                self.ready.set()
        self.ready.set()

    def stop(self):
        self.process.kill()
        self.process.wait()


def upstream(record):
    command = [sys.executable, "-B", "-m", "upstream", "--aws-secret", SECRET]
    return Program(command + (["--record", record] if record else []), HERE, dict(os.environ))


def gateway(binary, provider, folder):
    """A gateway with every provider as a connection of the same name, and routes for the names that clients know."""
    path = os.path.join(folder, "gateway.toml")
    with open(path, "w") as file:
        file.write(configuration(provider))
    environment = {"PATH": os.environ["PATH"], "RUST_LOG": "info", "NO_PROXY": "*"}
    return Program([binary, "--config", path], folder, environment)


def configuration(base):
    written = [f'listen = "127.0.0.1:0"\nclient_keys = ["{KEY}"]\n']
    for name, (path, model) in PROVIDERS.items():
        aws = f'access_key_id = "AKIDEXAMPLE"\nsecret_access_key = "{SECRET}"\nregion = "us-east-1"'
        key = aws if name.startswith("aws") else 'api_key = "upstream-key"'
        written.append(f'[connections.{name}]\nprovider = "{name}"\nbase_url = "{base}{path}"\n{key}\n')
        for known in KNOWN_MODELS:
            written.append(f'[[routes]]\nmodel = "{known}-{name}"\ntargets = [{{ connection = "{name}", model = "{model}" }}]\n')
    return "\n".join(written)


def calls(lines):
    """What the gateway's log says of its calls: a dictionary of strings for each."""
    for line in lines:
        if " call request_id=" in line:
            yield {name: value.strip('"') for name, value in re.findall(r'(\w+)=("[^"]*"|\S+)', line)}
