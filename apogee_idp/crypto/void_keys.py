"""Keys that sign nothing, for tokens that are only to be looked at."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ..key_model import SigningKey

_BYTES = {"ES256": 64, "ES384": 96, "EdDSA": 64}
_USUAL_MODULUS = 256


@dataclass(frozen=True, slots=True)
class VoidKey:
    """Named like another key; its signatures are as long as that one's, and fit nothing."""

    kid: str
    algorithm: str
    size: int

    @classmethod
    def like(cls, key: SigningKey, jwks: Mapping[str, Any]) -> VoidKey:
        """``jwks`` has the public half of ``key``; of one that isn't there, the usual size."""
        modulus = next((k.get("n", "") for k in jwks["keys"] if k.get("kid") == key.kid), "")
        size = len(base64.urlsafe_b64decode(modulus + "==")) if modulus else _USUAL_MODULUS
        return cls(key.kid, key.algorithm, _BYTES.get(key.algorithm, size))

    async def sign(self, message: bytes) -> bytes:  # noqa: ARG002 (whatever it is)
        """All ones: more than any modulus or order, so that no verifier can take it for one."""
        return b"\xff" * self.size
