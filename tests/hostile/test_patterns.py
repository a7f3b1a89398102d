"""A-DOS-02: no pattern takes longer for a text that is made for it than for another."""

from __future__ import annotations

import importlib
import inspect
import pkgutil
import re
import time
from collections import deque
from collections.abc import Iterator
from types import ModuleType
from typing import Any

import pytest

import apogee_idp
import handlers

LENGTH = 65_536
MOST_SECONDS = 0.1
"""Of the processor; a pattern that goes back and forth takes minutes."""

TEXTS = [
    (part * LENGTH)[: LENGTH - 1] + end
    for part in (
        "a",
        "A",
        "0",
        ".",
        "-",
        "_",
        "/",
        ":",
        ";",
        "%",
        "%41",
        "+",
        " ",
        "a.",
        "a-",
        "a ",
    )
    for end in ("", "!", "\0", "\n")
] + [f"https://{'a.' * (LENGTH // 2)}", f"application/{'x' * LENGTH}; charset=utf-8;", "é" * LENGTH]


def modules() -> Iterator[ModuleType]:
    """All of ours."""
    for package in (apogee_idp, handlers):
        for found in pkgutil.walk_packages(package.__path__, f"{package.__name__}."):
            if not found.name.endswith(("__main__", ".templates")):
                yield importlib.import_module(found.name)


def patterns() -> Iterator[Any]:
    """Every one that a module has made, and by which methods that module uses it."""
    for module in modules():
        for name, value in vars(module).items():
            if isinstance(value, re.Pattern):
                used = re.findall(rf"\b{name}\.(\w+)\(", inspect.getsource(module))
                yield pytest.param(value, used or ["fullmatch"], id=f"{module.__name__}.{name}")


@pytest.mark.parametrize(("pattern", "used"), list(patterns()))
def test_A_DOS_02_a_pattern_is_linear(pattern: re.Pattern[Any], used: list[str]) -> None:
    """As it is used, on 64 KiB of whatever may make it go back and forth."""
    for text in TEXTS:
        given = text.encode() if isinstance(pattern.pattern, bytes) else text
        for method in used:
            began = time.process_time()
            found = getattr(pattern, method)(*([given[:0]] if method == "sub" else []), given)
            if method == "finditer":
                deque(found)
            assert time.process_time() - began < MOST_SECONDS, (method, text[:20], text[-1:])
