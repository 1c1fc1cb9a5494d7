"""The Python programs of `docs/clients.md` that need nothing but the vendors' SDKs, run as they stand there, but for the address."""

import contextlib
import io
import pathlib
import re

from _common import QUOTE, args, main, scenario

PAGE = pathlib.Path(__file__).parents[2] / "docs" / "clients.md"
BASE = "http://127.0.0.1:8080"


def run(package):
    """Runs each program that imports this package, and no other."""
    programs = re.findall(r"```python\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)
    programs = [program for program in programs if set(re.findall(r"(?m)^from (\w+) import", program)) == {package}]
    assert programs, f"no program uses {package}"
    for program in programs:
        assert BASE in program, program
        printed = io.StringIO()
        with contextlib.redirect_stdout(printed):
            exec(compile(program.replace(BASE, args.base), str(PAGE), "exec"), {})
        assert QUOTE in printed.getvalue(), printed.getvalue()


@scenario
def openai():
    run("openai")


@scenario
def anthropic():
    run("anthropic")


if __name__ == "__main__":
    main()
