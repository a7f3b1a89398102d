"""Decides whether whoever is signed in will do, or has to sign in."""

from __future__ import annotations

from apogee_idp import (
    ONE_FACTOR,
    TWO_FACTORS,
    InvalidToken,
    LoginRequired,
    ProcessAuthorization,
    SecondFactorRequired,
    Services,
    Session,
)

_SIGN_IN_AGAIN = frozenset({"login", "select_account"})


class ValidateSession:
    """``prompt``, ``max_age``, ``id_token_hint`` and ``acr_values`` (OpenID Connect Core §3.1.2.1).

    Who has signed in for this very request has satisfied ``prompt`` and ``max_age``.
    """

    def __init__(self, services: Services) -> None:
        self._hints = services.id_token_hints
        self._now = services.now

    async def __call__(self, event: ProcessAuthorization) -> None:
        session, request = event.session, event.request
        if session is None:
            raise LoginRequired(reason="nobody is signed in")
        if not event.is_fresh:
            if request.prompts & _SIGN_IN_AGAIN:
                raise LoginRequired(reason="the client wants her to sign in again")
            if self._is_too_old(session, request.parameters.get("max_age")):
                raise LoginRequired(reason="she signed in too long ago")
        if not self._is_meant(event, session):
            raise LoginRequired(reason="the client means somebody else")
        if session.acr != TWO_FACTORS and _wants_second_factor(event, session):
            raise SecondFactorRequired(reason="she signed in by one factor")

    def _is_too_old(self, session: Session, max_age: str | None) -> bool:
        """Of no age at all is only who has signed in for this request."""
        if max_age is None:
            return False
        most = int(max_age)
        return most == 0 or self._now() - session.auth_time > most

    def _is_meant(self, event: ProcessAuthorization, session: Session) -> bool:
        hint = event.request.parameters.get("id_token_hint")
        if hint is None:
            return True
        try:
            return self._hints.read(hint).subject == session.user.subject
        except InvalidToken:
            # Its key may be gone by now: that is no reason to refuse a person, only to ask.
            return "none" not in event.request.prompts


def _wants_second_factor(event: ProcessAuthorization, session: Session) -> bool:
    """The client always does, or asks for it now of who has one: ``acr_values`` is but a wish."""
    if event.known_client().require_second_factor:
        return True
    wanted = event.request.parameters.get("acr_values", "").split()
    is_wanted = TWO_FACTORS in wanted and ONE_FACTOR not in wanted
    return is_wanted and session.user.second_factor is not None
