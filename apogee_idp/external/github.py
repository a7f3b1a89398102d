"""GitHub, which has OAuth 2.0, but no OpenID Connect: who it is, its API says."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from ..errors import OutgoingRefused
from ..outgoing import Outgoing
from .model import Departure, ExternalIdentity, ExternalSignInFailed, IdentityProvider
from .openid_provider import usable_email, usable_profile
from .requests import asked, bearer, check_issuer, code_in, departure_url, redeem, said

GITHUB = "https://github.com"
MOST_EMAILS = 100
"""As many addresses GitHub tells at once."""

_API = "https://api.github.com"


class GitHubProvider:
    """github.com, or the GitHub Enterprise Server that is the provider's ``issuer``.

    It never says when somebody has proven who she is: so it counts as the moment in which she comes
    from there. ``now`` gives Unix seconds.
    """

    def __init__(
        self, provider: IdentityProvider, outgoing: Outgoing, *, now: Callable[[], int]
    ) -> None:
        self._provider = provider
        self._outgoing = outgoing
        self._now = now
        host = provider.issuer.rstrip("/")
        self._issuer = f"{host}/login/oauth"
        self._authorize = f"{self._issuer}/authorize"
        self._token = f"{self._issuer}/access_token"
        self._api = _API if host == GITHUB else f"{host}/api/v3"

    async def departure_url(self, departure: Departure) -> str:
        """Its page; nothing is asked for it."""
        return departure_url(self._authorize, self._provider, departure)

    async def arrival(
        self, departure: Departure, parameters: Mapping[str, str]
    ) -> ExternalIdentity:
        """Who the access token for this code belongs to; raises ExternalSignInFailed.

        The ``id`` is hers for ever; a ``login`` can be given to somebody else. That an answer says
        whose it is (RFC 9207), GitHub doesn't promise, but does.
        """
        check_issuer(parameters, self._issuer, is_promised=False)
        form = {
            "code": code_in(parameters),
            "redirect_uri": departure.redirect_uri,
            "code_verifier": departure.verifier,
        }
        response = await redeem(self._outgoing, self._token, self._provider, form, basic=False)
        token = response.get("access_token")
        if not isinstance(token, str):  # errors come with the status 200, too
            raise ExternalSignInFailed(f"no access token for the code{said(response)}")
        user = await asked(self._outgoing, f"{self._api}/user", headers=bearer(token))
        if type(user.get("id")) is not int:
            raise ExternalSignInFailed("a user without an id")
        email, is_verified = await self._email(token)
        return ExternalIdentity(
            self._provider.name,
            str(user["id"]),
            self._now(),
            email,
            email_verified=is_verified,
            profile=usable_profile(_claims(user)),
        )

    async def _email(self, token: str) -> tuple[str, bool]:
        """The primary address, and whether she has shown that it is hers."""
        try:
            found = await self._outgoing.get_json_list(
                f"{self._api}/user/emails?per_page={MOST_EMAILS}", headers=bearer(token)
            )
        except OutgoingRefused as error:
            raise ExternalSignInFailed(f"its e-mail addresses: {error}") from None
        for each in found:
            if isinstance(each, dict) and each.get("primary") is True:
                return usable_email(each.get("email")), each.get("verified") is True
        return "", False


def _claims(user: Mapping[str, Any]) -> dict[str, Any]:
    claims = {
        "name": user.get("name"),
        "preferred_username": user.get("login"),
        "picture": user.get("avatar_url"),
        "profile": user.get("html_url"),
    }
    return {name: value for name, value in claims.items() if value is not None}
