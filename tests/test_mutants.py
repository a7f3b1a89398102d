"""The reasons of surviving mutants are of lines that still stand."""

from __future__ import annotations

import inspect
import pkgutil
import tomllib
from pathlib import Path

GROUPS = tomllib.loads(Path(__file__).with_name("mutants.toml").read_text())["survivors"]


def source_of(function: str) -> str:
    """Its lines without indentation, each behind a space."""
    module, _, name = function.rpartition(".")
    owner = pkgutil.resolve_name(module)
    return " ".join(inspect.getsource(getattr(owner, name)).split())


def test_no_reason_outlives_its_line() -> None:
    """What was changed stands in the function that is named."""
    for group in GROUPS:
        assert group["reason"].endswith(".")
        for function, was, now in group["mutants"]:
            assert " ".join(was.split()) in source_of(function), (function, was)
            assert was != now
