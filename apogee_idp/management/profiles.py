"""What a token profile must be before a client may have it."""

from __future__ import annotations

import json
from collections.abc import Mapping

from ..errors import CommandRefused
from ..events import RESERVED_CLAIMS
from ..model import (
    AUDIENCE_SHAPES,
    ENCRYPTION_TARGETS,
    MAXIMUM_TOKEN_LIFETIME,
    SESSION_TAGS_CLAIM,
    SIGNING_ALGORITHMS,
    TOKEN_TYPS,
    TokenProfile,
    thawed,
)
from ..presets.session_tags import MAXIMUM_KEY, MAXIMUM_TAGS, MAXIMUM_VALUE

MAXIMUM_CLAIM_BYTES = 4096
"""So many bytes of JSON may a client's own claims and tags have: they are in each token."""


def check_profile(profile: TokenProfile, *, skip_token_encryption: bool) -> None:
    """Raises CommandRefused, with a sentence, for a profile that no token could be written by."""
    _check_words(profile)
    lifetime = profile.lifetime
    if lifetime is not None and not 0 < lifetime <= MAXIMUM_TOKEN_LIFETIME:
        raise CommandRefused(f"a lifetime is 1 to {MAXIMUM_TOKEN_LIFETIME} seconds")
    if skip_token_encryption and profile.encrypt_to == "resource":
        raise CommandRefused(
            "tokens can't both skip encryption and be encrypted to their resource: choose one"
        )
    _check_claims(profile)
    _check_session_tags(profile.session_tags, profile.transitive_tags)


def _check_words(profile: TokenProfile) -> None:
    for word, offered in (
        (profile.signing_algorithm, SIGNING_ALGORITHMS),
        (profile.typ, TOKEN_TYPS),
        (profile.encrypt_to, ENCRYPTION_TARGETS),
        (profile.audience_shape, AUDIENCE_SHAPES),
    ):
        if word not in offered:
            raise CommandRefused(f"choose one of {', '.join(offered)}")


def _check_claims(profile: TokenProfile) -> None:
    reserved = sorted(RESERVED_CLAIMS & profile.claims.keys())
    if reserved:
        raise CommandRefused(f"only the server itself sets {', '.join(reserved)}: leave it out")
    if not all(name and name.isprintable() for name in profile.claims):
        raise CommandRefused("the name of a claim needs printable characters")
    if profile.session_tags and SESSION_TAGS_CLAIM in profile.claims:
        raise CommandRefused(f"session tags are the claim {SESSION_TAGS_CLAIM}: give one of them")
    try:
        text = json.dumps(thawed(profile.claims), allow_nan=False, ensure_ascii=False).encode()
        size = len(text) + len(json.dumps(dict(profile.session_tags), ensure_ascii=False).encode())
    except (TypeError, ValueError, RecursionError):
        raise CommandRefused("a claim or tag is no JSON, or half a character") from None
    if size > MAXIMUM_CLAIM_BYTES:
        raise CommandRefused(f"claims and tags have more than {MAXIMUM_CLAIM_BYTES} bytes")


def _check_session_tags(tags: Mapping[str, str], transitive: tuple[str, ...]) -> None:
    """The limits of AWS STS, which is who reads them."""
    if len(tags) > MAXIMUM_TAGS:
        raise CommandRefused(f"there are more than {MAXIMUM_TAGS} session tags")
    for key, value in tags.items():
        if not 0 < len(key) <= MAXIMUM_KEY or not key.isprintable():
            raise CommandRefused(
                f"the key of a session tag has 1 to {MAXIMUM_KEY} printable characters"
            )
        if len(value) > MAXIMUM_VALUE or not value.isprintable():
            raise CommandRefused(
                f"the value of a session tag has {MAXIMUM_VALUE} printable characters at most"
            )
    missing = [key for key in transitive if key not in tags]
    if missing:
        raise CommandRefused(f"a transitive tag must be a session tag too: {', '.join(missing)}")
