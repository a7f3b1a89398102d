"""Every word on a page people see, from one file: ``templates/texts.toml``."""

from __future__ import annotations

import tomllib
from collections.abc import Iterable, Mapping
from importlib import resources
from pathlib import Path
from string import Formatter
from typing import Any

from ..errors import SettingsError

FILE_NAME = "texts.toml"


class Texts:
    """Texts by name; ``{words}`` in them are filled in."""

    def __init__(self, texts: Mapping[str, str]) -> None:
        self._texts = dict(texts)

    def __call__(self, name: str, **values: str) -> str:
        """The text, which is no markup: the template escapes it with what is filled in."""
        return self._texts[name].format(**values)

    def get(self, name: str) -> str | None:
        """The text of a name that may have none."""
        return self._texts.get(name)


def load_texts(directories: Iterable[str]) -> Texts:
    """The texts we ship, replaced by those that the directories have; the first one wins.

    Raises SettingsError for a file that can't be read, or with texts that nobody asks for.
    """
    shipped = resources.files("apogee_idp.templates").joinpath(FILE_NAME).read_text("utf-8")
    texts = dict(_flat("", tomllib.loads(shipped)))
    for directory in reversed(list(directories)):
        path = Path(directory) / FILE_NAME
        if path.exists():
            texts |= _checked(path, texts)
    return Texts(texts)


def _checked(path: Path, known: Mapping[str, str]) -> dict[str, str]:
    try:
        own = dict(_flat("", tomllib.loads(path.read_text("utf-8"))))
    except (OSError, ValueError, RecursionError) as error:
        raise SettingsError([f"templates: {path} can't be read: {error}"]) from None
    problems = [
        f"templates: {path}: {name}: {problem}"
        for name, text in own.items()
        if (problem := _problem_of(name, text, known))
    ]
    if problems:
        raise SettingsError(problems)
    return own


def _problem_of(name: str, text: str, known: Mapping[str, str]) -> str:
    if name not in known and not name.startswith("scope."):
        return "is no text of this version"
    try:
        unknown = _words(text) - _words(known.get(name, ""))
    except ValueError:
        return "has a brace without its partner"
    return f"has {{{min(unknown)}}}, which is not known there" if unknown else ""


def _words(text: str) -> set[str]:
    return {word for _, word, _, _ in Formatter().parse(text) if word is not None}


def _flat(prefix: str, table: Mapping[str, Any]) -> Iterable[tuple[str, str]]:
    for name, value in table.items():
        if isinstance(value, Mapping):
            yield from _flat(f"{prefix}{name}.", value)
        elif isinstance(value, str):
            yield f"{prefix}{name}", value
        else:
            raise ValueError(f"{prefix}{name} is no text")  # noqa: TRY004 - of a file
