"""What the scripts share: their arguments, and the one tool that they offer."""

import subprocess
import sys

# Root of the gateway; chat, responses or messages; the model; the client's key; the prompt; whether to stream.
BASE, API, MODEL, KEY, PROMPT = sys.argv[1:6]
STREAM = sys.argv[6] == "stream"
SYSTEM = "You check things."
# How often the model may be asked.
MOST_TURNS = 6
PARAMETERS = {
    "type": "object",
    "properties": {"command": {"type": "string"}},
    "required": ["command"],
    "additionalProperties": False,
}


def run_command(command: str) -> str:
    """Run a shell command and return what it printed."""
    return subprocess.run(["bash", "-c", command], capture_output=True, text=True, timeout=10).stdout
