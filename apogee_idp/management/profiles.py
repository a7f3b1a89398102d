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
        raise _refused(f"a lifetime is 1 to {MAXIMUM_TOKEN_LIFETIME} seconds", "lifetime")
    if skip_token_encryption and profile.encrypt_to == "resource":
        raise _refused(
            "tokens can't both skip encryption and be encrypted to their resource: choose one",
            "encrypt_to",
        )
    _check_claims(profile)
    _check_session_tags(profile.session_tags, profile.transitive_tags)


def _check_words(profile: TokenProfile) -> None:
    for member, offered in (
        ("signing_algorithm", SIGNING_ALGORITHMS),
        ("typ", TOKEN_TYPS),
        ("encrypt_to", ENCRYPTION_TARGETS),
        ("audience_shape", AUDIENCE_SHAPES),
    ):
        if getattr(profile, member) not in offered:
            raise _refused(f"choose one of {', '.join(offered)}", member)


def _check_claims(profile: TokenProfile) -> None:
    reserved = sorted(RESERVED_CLAIMS & profile.claims.keys())
    if reserved:
        raise _refused(f"only the server itself sets {', '.join(reserved)}: leave it out", "claims")
    if not all(name and name.isprintable() for name in profile.claims):
        raise _refused("the name of a claim needs printable characters", "claims")
    if profile.session_tags and SESSION_TAGS_CLAIM in profile.claims:
        raise _refused(
            f"session tags are the claim {SESSION_TAGS_CLAIM}: give one of them", "claims"
        )
    try:
        text = json.dumps(thawed(profile.claims), allow_nan=False, ensure_ascii=False).encode()
        size = len(text) + len(json.dumps(dict(profile.session_tags), ensure_ascii=False).encode())
    except (TypeError, ValueError, RecursionError):
        raise _refused("a claim or tag is no JSON, or half a character", "claims") from None
    if size > MAXIMUM_CLAIM_BYTES:
        raise _refused(f"claims and tags have more than {MAXIMUM_CLAIM_BYTES} bytes", "claims")


def _check_session_tags(tags: Mapping[str, str], transitive: tuple[str, ...]) -> None:
    """The limits of AWS STS, which is who reads them."""
    if len(tags) > MAXIMUM_TAGS:
        raise _refused(f"there are more than {MAXIMUM_TAGS} session tags", "session_tags")
    for key, value in tags.items():
        if not 0 < len(key) <= MAXIMUM_KEY or not key.isprintable():
            raise _refused(
                f"the key of a session tag has 1 to {MAXIMUM_KEY} printable characters",
                "session_tags",
            )
        if len(value) > MAXIMUM_VALUE or not value.isprintable():
            raise _refused(
                f"the value of a session tag has {MAXIMUM_VALUE} printable characters at most",
                "session_tags",
            )
    missing = [key for key in transitive if key not in tags]
    if missing:
        raise _refused(
            f"a transitive tag must be a session tag too: {', '.join(missing)}", "transitive_tags"
        )


def _refused(text: str, member: str) -> CommandRefused:
    return CommandRefused(text, field=f"token_profile.{member}")
