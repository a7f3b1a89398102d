"""Clients that stand in TOML files: reading them, and what has to change in the store."""

from __future__ import annotations

import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from marshmallow import ValidationError

from ..errors import SettingsError
from ..schema_errors import described
from ..secret_files import read_secret_file
from .registration_schema import load_registration
from .registrations import ClientRegistration

_SUFFIX = ".toml"


@dataclass(frozen=True, slots=True)
class ConfiguredClient:
    """One entry ``[[clients]]``; ``secret`` is what stands in its ``secret_file``."""

    registration: ClientRegistration
    secret: str | None = field(default=None, repr=False)


def read_client_files(paths: Iterable[str]) -> tuple[ConfiguredClient, ...]:
    """The clients in these files, and in the ``.toml`` files of these directories.

    Relative paths in a file are relative to it. Raises SettingsError, with a line for everything
    that is wrong, each with its file, client and field.
    """
    problems: list[str] = []
    found: dict[str, tuple[ConfiguredClient, Path]] = {}
    for file in _files(paths, problems):
        for members in _entries(file, problems):
            client = _client(members, file, problems)
            if client is None:
                continue
            client_id = client.registration.client_id
            if client_id in found:
                problems.append(f"{file}: {client_id}: stands in {found[client_id][1]}, too")
            found[client_id] = client, file
    if problems:
        raise SettingsError(problems)
    return tuple(client for client, _ in found.values())


def _files(paths: Iterable[str], problems: list[str]) -> list[Path]:
    files: list[Path] = []
    for path in map(Path, paths):
        try:
            is_directory = path.is_dir()
            files += sorted(path.glob(f"*{_SUFFIX}")) if is_directory else [path]
        except OSError as error:
            problems.append(f"{path}: can't be read: {error.strerror}")
    return files


def _entries(file: Path, problems: list[str]) -> list[dict[str, Any]]:
    try:
        values = tomllib.loads(file.read_text(encoding="utf-8"))
    except OSError as error:
        problems.append(f"{file}: can't be read: {error.strerror}")
        return []
    except ValueError as error:
        problems.append(f"{file}: is no TOML: {error}")
        return []
    entries: Any = values.pop("clients", [])
    is_list = isinstance(entries, list) and all(isinstance(entry, dict) for entry in entries)
    if values or not is_list:
        problems.append(f"{file}: has entries [[clients]], and nothing else")
        return []
    return list(entries)


def _client(members: Mapping[str, Any], file: Path, problems: list[str]) -> ConfiguredClient | None:
    rest = dict(members)
    where = f"{file}: {rest.get('client_id', 'a client without client_id')}"
    try:
        secret = _secret(rest.pop("secret_file", None), file)
        return ConfiguredClient(load_registration(rest), secret)
    except ValidationError as error:
        problems += [f"{where}: {name}: {message}" for name, message in described(error)]
    except ValueError as error:
        problems.append(f"{where}: secret_file: {error}")
    return None


def _secret(name: object, file: Path) -> str | None:
    """Raises ValueError, whose text holds nothing of the secret."""
    if name is None:
        return None
    if not isinstance(name, str) or not name:
        raise ValueError("must be the path of a file")
    return read_secret_file(file.parent / name)
