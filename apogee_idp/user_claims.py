"""What is told of a person, by the scopes that were granted: in the id_token and at userinfo."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from .model import ROLES_SCOPE, thawed
from .user_model import PROFILE_CLAIMS, User

RELEASED_CLAIMS = (*PROFILE_CLAIMS, "email", "email_verified", "role")
"""All that any scope could release."""


def released_claims(user: User, scopes: Iterable[str]) -> dict[str, Any]:
    """The claims of ``user`` that these scopes release (OpenID Connect Core §5.4), as JSON values.

    What is not known of her is left out.
    """
    granted = frozenset(scopes)
    claims = {
        name: thawed(user.profile[name])
        for name, claim in PROFILE_CLAIMS.items()
        if claim.scope in granted and name in user.profile
    }
    if "email" in granted:
        claims |= {"email": user.email, "email_verified": user.email_verified}
    if ROLES_SCOPE in granted:
        claims["role"] = list(user.roles)
    return claims
