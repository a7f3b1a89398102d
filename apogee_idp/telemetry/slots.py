"""How several processes of one server count together: each writes into a slot of a directory.

A slot is a file of numbers and a lock that its process holds until it ends, however that happens.
The next process takes over the slot of one that has ended, and counts on from there: so no counter
ever falls, and there are never more slots than there were processes at once.
"""

from __future__ import annotations

import fcntl
import json
from collections.abc import Iterator
from itertools import count
from pathlib import Path
from typing import IO

from .counts import Snapshot, joined, without_gauges


class Slot:
    """The first free slot of ``directory``, taken until this process ends."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._number, self._lock = _first_free(directory)
        self._before = without_gauges(_read(_file(directory, self._number)))

    def write(self, snapshot: Snapshot) -> None:
        """Shows the others ``snapshot``, and what was counted before it."""
        rows = [[*series, row] for series, row in self.counted(snapshot).items()]
        new = self._directory / f"{self._number}.new"
        new.write_text(json.dumps(rows), encoding="utf-8")
        new.replace(_file(self._directory, self._number))

    def counted(self, snapshot: Snapshot) -> Snapshot:
        """``snapshot``, and what was counted before it in this slot."""
        return joined((self._before, snapshot))

    def others(self) -> Iterator[Snapshot]:
        """What all other slots have."""
        return read_slots(self._directory, but=self._number)

    def close(self) -> None:
        """Leaves the slot to others."""
        self._lock.close()


def read_slots(directory: Path, *, but: int | None = None) -> Iterator[Snapshot]:
    """What each slot has, ``but`` one; of a process that has ended, what stays true."""
    for file in directory.glob("*.json"):
        number = int(file.stem)
        if number != but:
            snapshot = _read(file)
            lock = _lock(directory, number, fcntl.LOCK_SH)
            if lock is not None:
                lock.close()
                snapshot = without_gauges(snapshot)
            yield snapshot


def _first_free(directory: Path) -> tuple[int, IO[bytes]]:
    return next(
        (number, lock)
        for number in count()
        if (lock := _lock(directory, number, fcntl.LOCK_EX)) is not None
    )


def _lock(directory: Path, number: int, how: int) -> IO[bytes] | None:
    file = (directory / f"{number}.lock").open("wb")
    try:
        fcntl.flock(file, how | fcntl.LOCK_NB)
    except BlockingIOError:
        file.close()
        return None
    return file


def _file(directory: Path, number: int) -> Path:
    return directory / f"{number}.json"


def _read(file: Path) -> Snapshot:
    try:
        rows = json.loads(file.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    return {(name, tuple(labels)): row for name, labels, row in rows}
