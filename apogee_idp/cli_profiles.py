"""The options of ``clients create`` that say how tokens are written, and what they amount to."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from typing import Any, NoReturn

import click

from .errors import CommandRefused
from .model import (
    AUDIENCE_SHAPES,
    ENCRYPTION_TARGETS,
    SIGNING_ALGORITHMS,
    TOKEN_TYPS,
    TokenProfile,
    frozen,
)
from .presets import PRESETS

PROFILE_OPTIONS = (
    click.option(
        "--preset",
        type=click.Choice(list(PRESETS)),
        help="Whom the tokens are for: sets the options below, unless you do.",
    ),
    click.option(
        "--skip-token-encryption/--encrypt-tokens",
        default=None,
        help="Plain signed tokens (JWS), not JWE.  [default: encrypt]",
    ),
    click.option(
        "--signing-alg",
        "signing_algorithm",
        type=click.Choice(SIGNING_ALGORITHMS),
        help="How its tokens are signed.  [default: RS256]",
    ),
    click.option(
        "--token-typ",
        "typ",
        type=click.Choice(TOKEN_TYPS),
        help="What the header of its tokens says; some APIs want JWT.  [default: at+jwt]",
    ),
    click.option(
        "--encrypt-to",
        type=click.Choice(ENCRYPTION_TARGETS),
        help="Whose key opens its tokens.  [default: server]",
    ),
    click.option(
        "--lifetime",
        type=int,
        metavar="SECONDS",
        help="How long its tokens live at most.  [default: the server's]",
    ),
    click.option(
        "--audience-shape",
        type=click.Choice(AUDIENCE_SHAPES),
        help="aud as text if it is one, always a list, or only ever one.  [default: compact]",
    ),
    click.option(
        "--reference/--self-contained",
        default=None,
        help="Opaque tokens, which only introspection reads.  [default: self-contained]",
    ),
    click.option(
        "--claim",
        "claims",
        multiple=True,
        metavar="NAME=VALUE",
        help="In every token; the value is JSON, or else a text; repeatable.",
    ),
    click.option(
        "--session-tag",
        "session_tags",
        multiple=True,
        metavar="KEY=VALUE",
        help="A session tag for AWS STS; repeatable.",
    ),
    click.option(
        "--transitive-tag",
        "transitive_tags",
        multiple=True,
        metavar="KEY",
        help="A session tag that is passed on from role to role; repeatable.",
    ),
)
_OF_THE_PROFILE = frozenset(
    {"signing_algorithm", "typ", "encrypt_to", "lifetime", "audience_shape", "reference"}
)


def profile_of(options: Mapping[str, Any]) -> tuple[TokenProfile, bool]:
    """The profile, and whether encryption is skipped: the preset's, but for what was given.

    Raises CommandRefused for a pair without ``=``, or a name that is given twice.
    """
    preset = PRESETS[options["preset"] or "default"]
    given = {name: options[name] for name in _OF_THE_PROFILE if options[name] is not None}
    claims = _pairs("--claim", options["claims"])
    skip = options["skip_token_encryption"]
    profile = replace(
        preset.profile,
        claims=frozen({name: _json_or_text(text) for name, text in claims.items()}),
        session_tags=frozen(_pairs("--session-tag", options["session_tags"])),
        transitive_tags=tuple(dict.fromkeys(options["transitive_tags"])),
        **given,
    )
    return profile, preset.skip_token_encryption if skip is None else skip


def _pairs(option: str, texts: tuple[str, ...]) -> dict[str, str]:
    pairs: dict[str, str] = {}
    for text in texts:
        name, equals, value = text.partition("=")
        if not name or not equals:
            raise CommandRefused(f"{option} needs a name, an = and a value")
        if name in pairs:
            raise CommandRefused(f"{option} {name} is given twice")
        pairs[name] = value
    return pairs


def _json_or_text(text: str) -> Any:
    try:
        return json.loads(text, parse_constant=_refuse)
    except (ValueError, RecursionError):
        return text


def _refuse(_: str) -> NoReturn:
    raise ValueError("JSON has no such number")
