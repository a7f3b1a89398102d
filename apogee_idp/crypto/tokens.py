"""Compact JWS: the hot path, on the ``cryptography`` key that jwcrypto holds.

``make bench`` compares it with jwcrypto's own: 0.67 of its time for RS256, 0.35 for ES256.
"""

from __future__ import annotations

import base64
import json
from typing import Any

from ..key_model import SigningKey


async def sign_jwt(claims: dict[str, Any], key: SigningKey, *, typ: str) -> str:
    """``claims`` as a signed JWT in compact form (RFC 7515 §3.1).

    Raises TypeError or ValueError if a claim is not JSON.
    """
    header = {"alg": key.algorithm, "kid": key.kid, "typ": typ}
    signing_input = f"{_encode(_json(header))}.{_encode(_json(claims))}"
    signature = await key.sign(signing_input.encode("ascii"))
    return f"{signing_input}.{_encode(signature)}"


def _json(value: dict[str, Any]) -> bytes:
    text = json.dumps(value, separators=(",", ":"), allow_nan=False, ensure_ascii=False)
    return text.encode()  # a lone surrogate fails here


def _encode(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode("ascii")
