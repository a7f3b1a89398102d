"""Random ids."""

from __future__ import annotations

import os
from collections.abc import Callable

_DIGITS = 32
_AT_ONCE = 64


class RandomIds:
    """Makes ids of 128 random bits: 32 hexadecimal digits, in any thread.

    ``entropy`` gives so many random bytes. It is asked for some ids at once: each token takes two,
    and while the system is asked, another thread may take the interpreter. A process that is
    forked off begins with none of them.
    """

    __slots__ = ("_entropy", "_made")

    def __init__(self, entropy: Callable[[int], bytes] = os.urandom) -> None:
        self._entropy = entropy
        self._made: list[str] = []
        os.register_at_fork(after_in_child=self._made.clear)

    def __call__(self) -> str:
        try:
            return self._made.pop()
        except IndexError:
            digits = self._entropy(_AT_ONCE * _DIGITS // 2).hex()
            self._made += (digits[n : n + _DIGITS] for n in range(_DIGITS, len(digits), _DIGITS))
            return digits[:_DIGITS]
