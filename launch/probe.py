"""`python -m launch.probe PATH`: whether the web server in this container answers PATH with 200."""

from __future__ import annotations

import http.client
import os
import sys


def main(arguments: list[str]) -> int:
    connection = http.client.HTTPConnection("127.0.0.1", int(os.environ.get("PORT", "8000")), timeout=8)
    connection.request("GET", arguments[0], headers={"Host": host(os.environ["ALLOWED_HOSTS"])})
    response = connection.getresponse()
    sys.stdout.write(response.read().decode(errors="replace") + "\n")
    return 0 if response.status == http.client.OK else 1


def host(allowed: str) -> str:
    """One that Django lets pass; `.example.org` and `*` stand for many."""
    first = allowed.split(",")[0].strip()
    return "localhost" if first == "*" else first.lstrip(".")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
