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
"""Of the processor; a pattern that goes back and forth takes seconds, or minutes."""

BEGINNINGS = ("", "eyJ", "apogee_", "basic ", "://", "a:")
PARTS = (
    *("a", "A", "0", "é", ".", "-", "_", "/", ":", ";", "@", "%", "%41", "+", " ", "\n", "=&"),
    *("a.", "a-", "a_", "a/", "a ", "eyJ", "apogee_", "apogee_a_", "basic ", "://", "://a:"),
)
TEXTS = [
    *(
        begin + (part * LENGTH)[:LENGTH] + end
        for begin in BEGINNINGS
        for part in PARTS
        for end in ("", "!", "\0", "\n")
    ),
    f"application/{'x' * LENGTH}; charset=utf-8;",
]


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


def seconds(pattern: re.Pattern[Any], method: str, text: str) -> float:
    """What one look at the text costs."""
    given = text.encode() if isinstance(pattern.pattern, bytes) else text
    began = time.process_time()
    found = getattr(pattern, method)(*([given[:0]] if method == "sub" else []), given)
    if method == "finditer":
        deque(found)
    return time.process_time() - began


@pytest.mark.parametrize(("pattern", "used"), list(patterns()))
def test_A_DOS_02_a_pattern_is_linear(pattern: re.Pattern[Any], used: list[str]) -> None:
    """As it is used, on 64 KiB of whatever may make it go back and forth."""
    for method in set(used):
        for text in TEXTS:
            assert seconds(pattern, method, text) < MOST_SECONDS, (method, text[:20], text[-1:])


def test_one_that_is_not_is_noticed() -> None:
    """Though it looks harmless."""
    assert seconds(re.compile(r"\d+x"), "search", "0" * (LENGTH // 4)) > MOST_SECONDS
