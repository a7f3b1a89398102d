"""Compact JWS and JWE from strangers: parsed strictly, before any key is touched.

What is refused here: other serialisations, tokens of more than 8 KiB, encodings that are not
canonical, repeated names, ``crit``, ``zip``, and keys that come with the token (RFC 8725).
"""

from __future__ import annotations

import base64
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from ..errors import InvalidToken
from ..model import MAXIMUM_TOKEN_CHARACTERS
from ..strict_json import NotStrictJson, parse_json_object

_COMPACT = re.compile(r"[A-Za-z0-9_-]+(\.[A-Za-z0-9_-]+){2,4}")
_KID = re.compile(r"[A-Za-z0-9._~-]{1,128}")
KIDS_OF_OTHERS = re.compile(r"[A-Za-z0-9._~+/=-]{1,128}")
"""Some providers name their keys in base64."""

_REFUSED_HEADERS = frozenset({"crit", "b64", "zip", "jwk", "jku", "x5u", "x5c"})
_JWS_SEGMENTS = 3
_JWE_SEGMENTS = 5
_LATEST = 2**53


@dataclass(frozen=True, slots=True)
class UnverifiedToken:
    """A compact JWS or JWE whose form is right; nothing in it has been verified."""

    token: str = field(repr=False)
    algorithm: str
    typ: str | None
    kid: str | None
    header: Mapping[str, Any] = field(repr=False)

    @property
    def is_encrypted(self) -> bool:
        """Whether it is a JWE."""
        return self.token.count(".") == _JWE_SEGMENTS - 1


def parse_token(token: object, *, kids: re.Pattern[str] = _KID) -> UnverifiedToken:
    """The header of ``token``, whose ``kid`` has to match ``kids``; raises InvalidToken."""
    if not isinstance(token, str) or len(token) > MAXIMUM_TOKEN_CHARACTERS:
        raise InvalidToken(reason="too large for a token")
    if not _COMPACT.fullmatch(token) or token.count(".") == _JWS_SEGMENTS:
        raise InvalidToken(reason="no compact JWS or JWE")
    segments = token.split(".")
    decoded = [_decoded(segment) for segment in segments]
    header = _json(decoded[0])
    if refused := _REFUSED_HEADERS & header.keys():
        raise InvalidToken(reason=f"the header has {min(refused)}")
    algorithm, typ, kid = (header.get(name) for name in ("alg", "typ", "kid"))
    if not isinstance(algorithm, str) or not isinstance(typ, str | None):
        raise InvalidToken(reason="alg or typ is no text")
    if kid is not None and (not isinstance(kid, str) or not kids.fullmatch(kid)):
        raise InvalidToken(reason="a kid that is none")
    return UnverifiedToken(token, algorithm, typ, kid, header)


def unverified_claims(jws: UnverifiedToken) -> Mapping[str, Any]:
    """What a JWS says, before anyone knows who said it; raises InvalidToken."""
    if jws.is_encrypted:
        raise InvalidToken(reason="no JWS")
    return _json(_decoded(jws.token.split(".")[1]))


def time_claim(claims: Mapping[str, Any], name: str) -> int | None:
    """A NumericDate (RFC 7519 §2) as whole Unix seconds, or None if there is none.

    Raises InvalidToken for what is no whole number from 0 to 2**53.
    """
    value = claims.get(name)
    if value is None and name not in claims:
        return None
    if type(value) is not int or not 0 <= value <= _LATEST:
        raise InvalidToken(reason=f"{name} is no time")
    return value


def text_claim(claims: Mapping[str, Any], name: str) -> str:
    """A claim that must be there and be text; raises InvalidToken."""
    value = claims.get(name)
    if not isinstance(value, str) or not value:
        raise InvalidToken(reason=f"{name} is no text")
    return value


def _decoded(segment: str) -> bytes:
    """base64url without padding, in the one form that encodes these bytes (RFC 7515 §2)."""
    try:
        raw = base64.urlsafe_b64decode(segment + "=" * (-len(segment) % 4))
    except ValueError:
        raise InvalidToken(reason="a segment is no base64url") from None
    if base64.urlsafe_b64encode(raw).rstrip(b"=").decode("ascii") != segment:
        raise InvalidToken(reason="a segment is no canonical base64url")
    return raw


def _json(raw: bytes) -> dict[str, Any]:
    try:
        return parse_json_object(raw)
    except NotStrictJson as error:
        raise InvalidToken(reason=f"a segment is {error}") from None
