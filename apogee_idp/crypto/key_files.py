"""Stub."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from jwcrypto import jwk


@dataclass(frozen=True)
class FileKey:
    algorithm: str
    kid: str
    private: jwk.JWK


def read_key_files(paths: Sequence[Path], password: bytes | None) -> tuple[FileKey, ...]:
    return ()
