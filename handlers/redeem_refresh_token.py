"""Takes a refresh token for what a person has allowed, if it is this client's."""

from __future__ import annotations

from apogee_idp import (
    InvalidGrant,
    InvalidRequest,
    PresentedGrant,
    Principal,
    ProcessSignIn,
    Services,
    User,
)


class RedeemRefreshToken:
    """RFC 6749 §6: bound to its client, and spent when the next is written (RFC 9700 §2.2.2)."""

    def __init__(self, services: Services) -> None:
        self._grants = services.grants

    async def __call__(self, event: ProcessSignIn) -> None:
        parameters = event.request.parameters
        if "refresh_token" not in parameters:
            raise InvalidRequest("The refresh_token parameter is missing.")
        presented = await self._grants.find_refresh_token(parameters["refresh_token"])
        check_client(event, presented)
        await self._grants.check_unspent(presented)
        leave_grant(event, presented, await self._grants.user_of(presented))


def is_refresh_grant(event: ProcessSignIn) -> bool:
    """Whether a refresh token is redeemed."""
    return event.request.grant_type == "refresh_token"


def check_client(event: ProcessSignIn, presented: PresentedGrant) -> None:
    """Another client's is refused, and nothing happens to it (RFC 9700 §2.1.1).

    So is what a client had before all of its tokens were revoked, or before it was made anew.
    """
    client = event.known_client()
    if presented.grant.client_id != client.client_id:
        raise InvalidGrant("The code or refresh token is not usable.", reason="another client's")
    if presented.authorized_at <= client.tokens_not_before:
        told = "The code or refresh token is not usable."
        raise InvalidGrant(told, reason="all tokens of its client were revoked")


def leave_grant(event: ProcessSignIn, presented: PresentedGrant, user: User) -> None:
    """Whom the tokens speak of, and by what right."""
    event.grant, event.user = presented, user
    event.principal = Principal(user.subject, user.email, user.roles)
