"""Gives a function inside a test a name by which the settings can call it a plugin."""

from __future__ import annotations

import sys
from collections.abc import Callable
from itertools import count

from apogee_idp import Registry, Services

_numbers = count()


def plugin(register: Callable[[Registry, Services], None]) -> str:
    """The setting's ``module:function`` for ``register``."""
    name = f"register_{next(_numbers)}"
    setattr(sys.modules[__name__], name, register)
    return f"{__name__}:{name}"
