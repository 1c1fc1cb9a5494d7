"""Runs the matrix of one client format: `python matrix.py --client chat|messages|responses --base URL --key KEY --cells FILE [--only NAME,NAME]`."""

import argparse
import faulthandler
import importlib

import _matrix
from _common import args


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--client", required=True, choices=("chat", "messages", "responses"))
    parser.add_argument("--base", required=True)
    parser.add_argument("--key", required=True)
    # The cells as JSON: a list of objects, whose members `_matrix.enter` reads.
    parser.add_argument("--cells", required=True)
    parser.add_argument("--only")
    parser.parse_args(namespace=args)
    args.trigger, args.extra = "scripted", {}
    # Whatever hangs in spite of all time limits ends with a traceback of every thread.
    faulthandler.dump_traceback_later(280, exit=True)
    importlib.import_module(f"matrix_{args.client}")
    _matrix.run()


main()
