"""What was acknowledged, in a file that is synced before anyone goes on."""

from __future__ import annotations

import json
import os
from collections import Counter
from pathlib import Path
from typing import Any

States = dict[str, set[str]]
Change = tuple[str, str]


class Oracle:
    """Writes down what each thing may have become, before asking, and what it is, once told.

    A thing is a text that begins with its kind; so is a state.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._file = path.open("x", encoding="utf-8")

    def begins(self, thing: str, *states: str) -> None:
        """From now on ``thing`` may be in one of these, too; nobody has confirmed it."""
        self._write({"thing": thing, "may_be": states})

    def holds(self, thing: str, *states: str) -> None:
        """It was acknowledged that ``thing`` is in one of these and in no other."""
        self._write({"thing": thing, "is": states})

    def changed(self, action: str, key: str) -> None:
        """A command was acknowledged."""
        self._write({"action": action, "key": key})

    def close(self) -> None:
        self._file.close()

    def _write(self, line: dict[str, Any]) -> None:
        self._file.write(json.dumps(line) + "\n")
        self._file.flush()
        os.fsync(self._file.fileno())


def states_in(path: Path) -> States:
    """What each thing may be now, by the file alone; the latest acknowledged is last."""
    known: States = {}
    for line in _lines(path):
        if "is" in line:
            known.pop(line["thing"], None)
            known[line["thing"]] = set(line["is"])
        elif "may_be" in line:
            known.setdefault(line["thing"], set()).update(line["may_be"])
    return known


def changes_in(path: Path) -> Counter[Change]:
    """How often each command was acknowledged, by action and key."""
    return Counter((line["action"], line["key"]) for line in _lines(path) if "action" in line)


def _lines(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
