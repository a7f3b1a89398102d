"""Compact JWS: the hot path, on the ``cryptography`` key that jwcrypto holds.

``make bench`` compares it with jwcrypto's own: 0.67 of its time for RS256, 0.35 for ES256.
"""

from __future__ import annotations

import base64
import json
from functools import lru_cache
from typing import Any

from ..key_model import SigningKey

_to_json = json.JSONEncoder(separators=(",", ":"), allow_nan=False, ensure_ascii=False).encode


async def sign_jwt(claims: dict[str, Any], key: SigningKey, *, typ: str) -> str:
    """``claims`` as a signed JWT in compact form (RFC 7515 §3.1).

    Raises TypeError or ValueError if a claim is not JSON, or the key makes no signature.
    """
    payload = _encode(_to_json(claims).encode())  # a lone surrogate fails here
    signing_input = f"{_header(key.algorithm, key.kid, typ)}.{payload}"
    signature = await key.sign(signing_input.encode("ascii"))
    if not signature:
        raise ValueError("an empty signature")
    return f"{signing_input}.{_encode(signature)}"


@lru_cache
def _header(algorithm: str, kid: str, typ: str) -> str:
    return _encode(_to_json({"alg": algorithm, "kid": kid, "typ": typ}).encode())


def _encode(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode("ascii")
