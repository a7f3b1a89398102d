"""Asks a server for tokens, and reports of it: a program of its own, with nothing to import first.

It is given a port, asks with the form of its environment again and again, and answers each line of
input with a line of what it has seen since the last one. ``PAUSE`` is answered at once, and then it
asks nothing until there is another line.
"""

from __future__ import annotations

import http.client
import json
import os
import select
import sys
import time

FORM = "ASKING_FORM"
"""The variable with the form."""

PACE = 0.02
"""Seconds between two requests."""


PAUSE = "pause\n"


def failed(connection: http.client.HTTPConnection, form: bytes) -> list[str]:
    """Asks once; a status or an exception, if it has no success."""
    try:
        headers = {"Content-Type": "application/x-www-form-urlencoded"}
        connection.request("POST", "/connect/token", form, headers)
        answer = connection.getresponse()
        return [] if b"access_token" in answer.read() else [str(answer.status)]
    except (OSError, http.client.HTTPException) as error:
        connection.close()
        return [type(error).__name__]


def main() -> None:
    """Until there is no more input."""
    port, form = int(sys.argv[1]), os.environ[FORM].encode()
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=300)
    seconds: list[float] = []
    failures: list[str] = []
    while True:
        began = time.perf_counter()
        failures += failed(connection, form)
        seconds.append(time.perf_counter() - began)
        readable, _, _ = select.select([sys.stdin], [], [], PACE)
        if readable:
            line = sys.stdin.readline()
            if line == PAUSE:
                connection.close()
                print(flush=True)
                line = sys.stdin.readline()
            if not line:
                return
            print(json.dumps({"seconds": seconds, "failures": failures}), flush=True)
            seconds, failures = [], []


if __name__ == "__main__":
    main()
