"""Starts the provider: `python -m upstream --aws-secret S [--port N] [--record DIR]`; prints `listening on http://ADDR`, then a line for each request."""

import argparse

from .server import serve

parser = argparse.ArgumentParser(description=__doc__)
parser.add_argument("--port", type=int, default=0)
parser.add_argument("--record", default="", help="a folder for every request, with what was said about it")
parser.add_argument("--aws-secret", required=True, help="the secret key that AWS requests must be signed with")
serve(parser.parse_args())
