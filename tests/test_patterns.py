"""A-DOS-02: no pattern takes longer than a text is long."""

from __future__ import annotations

import importlib
import pkgutil
import re
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType

import pytest

import apogee_idp
import handlers

SIZE = 64 * 1024
SECONDS = 0.25
BAITS = [
    *("a", "0", "A", "_", "-", ".", "/", " ", "%", "%41", "a.", "a-", "a_", "a ", "a/", "=&"),
    *(
        "eyJ",
        "apogee_a_",
        "apogee_",
        "basic ",
        "://a:",
        "://",
        "\n",
        "ä",
        ":",
        "@",
        "\ud800",
        "[",
        "{",
    ),
]
BEGINNINGS = ["", "eyJ", "apogee_", "basic ", "://", "a:"]
TEXTS = [
    begin + bait * (SIZE // len(bait)) + end
    for begin in BEGINNINGS
    for bait in BAITS
    for end in ("", "\0")
]


def modules() -> Iterator[ModuleType]:
    for package in (apogee_idp, handlers):
        for found in pkgutil.walk_packages(package.__path__, f"{package.__name__}."):
            if not found.name.endswith("__main__"):
                yield importlib.import_module(found.name)


def uses() -> Iterator[tuple[str, Callable[[str], object]]]:
    """Every way in which our code looks at text by a compiled pattern of its own."""
    for module in modules():
        source = Path(str(module.__file__)).read_text(encoding="utf-8")
        for name, pattern in vars(module).items():
            if isinstance(pattern, re.Pattern) and isinstance(pattern.pattern, str):
                for method in sorted(set(re.findall(rf"\b{name}\.(\w+)\(", source))):
                    yield f"{module.__name__}.{name}.{method}", used(pattern, method)


def used(pattern: re.Pattern[str], method: str) -> Callable[[str], object]:
    if method in ("sub", "subn"):
        return lambda text: pattern.sub("", text)
    if method == "finditer":
        return lambda text: list(pattern.finditer(text))
    return getattr(pattern, method)  # type: ignore[no-any-return]


USES = list(uses())


@pytest.mark.parametrize("use", [pytest.param(use, id=name) for name, use in USES])
def test_A_DOS_02_patterns_are_linear(use: Callable[[str], object]) -> None:
    """64 KiB of what might lead it astray; what is quadratic takes some seconds for that."""
    for text in TEXTS:
        begun = time.process_time()
        use(text)
        assert time.process_time() - begun < SECONDS, text[:20]


def test_a_quadratic_one_is_noticed() -> None:
    """The test of the test; and all of ours are found."""
    begun = time.process_time()
    used(re.compile(r"\d+x"), "search")("0" * (SIZE // 4))
    assert time.process_time() - begun > SECONDS
    assert len(USES) > 30
