"""Takes a code for what a person has allowed, if it is this client's to redeem."""

from __future__ import annotations

import base64
import hashlib
import hmac
import re

from apogee_idp import Grant, InvalidGrant, InvalidRequest, ProcessSignIn, Services

from .redeem_refresh_token import check_client, leave_grant

_VERIFIER = re.compile("[A-Za-z0-9._~-]{43,128}")


class RedeemAuthorizationCode:
    """RFC 6749 §4.1.3, RFC 7636 §4.6: the client's own, with its redirect URI and its verifier.

    Only whoever has shown all of these hears, and decides, what becomes of a spent code. It is
    spent once its tokens are written, so that a request that is refused for another reason costs
    no code.
    """

    def __init__(self, services: Services) -> None:
        self._grants = services.grants

    async def __call__(self, event: ProcessSignIn) -> None:
        parameters = event.request.parameters
        if "code" not in parameters:
            raise InvalidRequest("The code parameter is missing.")
        presented = await self._grants.find_code(parameters["code"])
        check_client(event, presented)
        _check_redirect_uri(presented.grant, parameters.get("redirect_uri"))
        _check_verifier(presented.grant, parameters.get("code_verifier"))
        await self._grants.check_unspent(presented)
        leave_grant(event, presented, await self._grants.user_of(presented))


def is_code_grant(event: ProcessSignIn) -> bool:
    """Whether a code is redeemed."""
    return event.request.grant_type == "authorization_code"


def _check_redirect_uri(grant: Grant, redirect_uri: str | None) -> None:
    """The verifier says as much, where there is one (OAuth 2.1)."""
    if redirect_uri is None and grant.code_challenge is not None:
        return
    if redirect_uri != grant.redirect_uri:
        raise InvalidGrant("The redirect_uri is not that of the authorization request.")


def _check_verifier(grant: Grant, verifier: str | None) -> None:
    """One where there was no challenge is a downgrade that somebody tried (RFC 9700 §4.8.2)."""
    if grant.code_challenge is None:
        if verifier is not None:
            raise InvalidGrant("There was no code_challenge for this code_verifier.")
        return
    if verifier is None or not _VERIFIER.fullmatch(verifier):
        raise InvalidGrant("The code_verifier is missing or malformed.")
    digest = hashlib.sha256(verifier.encode("ascii")).digest()
    challenge = base64.urlsafe_b64encode(digest).rstrip(b"=")
    if not hmac.compare_digest(challenge, grant.code_challenge.encode()):
        raise InvalidGrant("The code_verifier is wrong.")
