"""What an id_token says (OpenID Connect Core §2)."""

from __future__ import annotations

import base64
import hashlib
from typing import Any

from .errors import UnusableEvent
from .events import ProcessSignIn
from .requests import PresentedGrant
from .user_claims import released_claims

_DIGESTS = {"RS256": "sha256", "PS256": "sha256", "ES256": "sha256"}
_DIGESTS |= {"RS384": "sha384", "ES384": "sha384", "RS512": "sha512", "EdDSA": "sha512"}


def id_token_claims(
    sign_in: ProcessSignIn, presented: PresentedGrant, access_token: str, algorithm: str
) -> dict[str, Any]:
    """All but issuer, times and what handlers add; ``algorithm`` is that of its signature.

    It has no ``client_id``: by that an access token is known. Raises UnusableEvent if the user is
    another than the one who gave the grant.
    """
    grant, user = presented.grant, sign_in.user
    if user is None or user.subject != grant.subject:
        raise UnusableEvent("the user is not the one of the grant")
    claims = released_claims(user, sign_in.scopes) | {
        "sub": grant.subject,
        "aud": grant.client_id,
        "acr": grant.acr,
        "amr": list(grant.methods),
        "sid": grant.sid,
        "at_hash": at_hash(access_token, algorithm),
    }
    if grant.auth_time:
        claims["auth_time"] = grant.auth_time
    return claims if grant.nonce is None else claims | {"nonce": grant.nonce}


def at_hash(access_token: str, algorithm: str) -> str:
    """The left half of its digest by the algorithm's hash (§3.1.3.6); Ed25519 has SHA-512."""
    digest = hashlib.new(_DIGESTS[algorithm], access_token.encode("ascii")).digest()
    return base64.urlsafe_b64encode(digest[: len(digest) // 2]).rstrip(b"=").decode("ascii")
