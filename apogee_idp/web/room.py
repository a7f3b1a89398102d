"""Room for so many connections; who comes then takes the place of one that asks for nothing."""

from __future__ import annotations

from collections import OrderedDict
from typing import Protocol


class Guest(Protocol):
    """Who is in the room."""

    def force_close(self) -> None:
        """Ends it, whatever it is at."""


class Room:
    """Has ``most`` guests at once.

    If all places are taken, the one goes that came first of those that have never asked anything;
    then the one that has rested for the longest. So whoever only fills places loses them first, and
    one whose question is being answered keeps its own.
    """

    __slots__ = ("_busy", "_most", "_resting", "_strangers")

    def __init__(self, most: int) -> None:
        self._most = most
        self._strangers: OrderedDict[Guest, None] = OrderedDict()
        self._resting: OrderedDict[Guest, None] = OrderedDict()
        self._busy: set[Guest] = set()

    def __len__(self) -> int:
        return len(self._strangers) + len(self._resting) + len(self._busy)

    def enter(self, guest: Guest) -> bool:
        """Whether there is a place, which is the guest's then."""
        if len(self) >= self._most and not self._send_one_away():
            return False
        self._strangers[guest] = None
        return True

    def ask(self, guest: Guest) -> None:
        """It has asked something."""
        for silent in (self._strangers, self._resting):
            if guest in silent:
                del silent[guest]
                self._busy.add(guest)

    def rest(self, guest: Guest) -> None:
        """It has been answered."""
        if guest in self._busy:
            self._busy.remove(guest)
            self._resting[guest] = None

    def leave(self, guest: Guest) -> None:
        """It has gone, if it was still here."""
        self._strangers.pop(guest, None)
        self._resting.pop(guest, None)
        self._busy.discard(guest)

    def _send_one_away(self) -> bool:
        for silent in (self._strangers, self._resting):
            if silent:
                guest, _ = silent.popitem(last=False)
                guest.force_close()
                return True
        return False
