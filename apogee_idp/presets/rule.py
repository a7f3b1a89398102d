"""A preset, its rules, and what they are asked about."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from ..model import EncryptionTarget, TokenProfile


@dataclass(frozen=True, slots=True)
class Subject:
    """What a client's token will look like; ``lifetime`` is in seconds.

    ``claims`` are those beside the standard ones. ``encrypted_to`` is None for a plain JWS.
    """

    issuer: str
    client_id: str
    audience: tuple[str, ...]
    lifetime: int
    algorithm: str = "RS256"
    typ: str = "at+jwt"
    encrypted_to: EncryptionTarget | None = None
    reference: bool = False
    claims: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Rule:
    """One thing that the other side wants, in a sentence.

    ``check`` says what is wrong and how to mend it, or None. What is not ``binding`` is advice:
    the other side may well take the token all the same.
    """

    name: str
    sentence: str
    check: Callable[[Subject], str | None] = field(repr=False)
    binding: bool = True


@dataclass(frozen=True, slots=True)
class Preset:
    """A way to write tokens, named after who takes them, with the rules that they are held to."""

    name: str
    title: str
    profile: TokenProfile
    skip_token_encryption: bool
    rules: tuple[Rule, ...]


@dataclass(frozen=True, slots=True)
class Violation:
    """A rule that a token would break; ``why`` says what is wrong and how to mend it."""

    rule: Rule
    why: str


def violations(preset: Preset, subject: Subject) -> tuple[Violation, ...]:
    """Every rule of ``preset`` that such a token would break, in the order of the rules."""
    checked = ((rule, rule.check(subject)) for rule in preset.rules)
    return tuple(Violation(rule, why) for rule, why in checked if why is not None)
