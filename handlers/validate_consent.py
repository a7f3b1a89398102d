"""Decides whether the user has allowed what the client asks for."""

from __future__ import annotations

from apogee_idp import ConsentRequired, ProcessAuthorization, Services


class ValidateConsent:
    """She agrees now, or it is remembered of her (OpenID Connect Core §3.1.2.4).

    What is remembered does not count where the client could be anyone: an application that is
    reached by a loopback address or a scheme of its own (RFC 8252 §8.6).
    """

    def __init__(self, services: Services) -> None:
        self._consents = services.consents

    async def __call__(self, event: ProcessAuthorization) -> None:
        if event.is_approved:
            return
        if "consent" in event.request.prompts:
            raise ConsentRequired(reason="the client wants her to agree again")
        if not (event.redirect_uri or "").startswith("https://"):
            raise ConsentRequired(reason="anyone could be at the redirect URI")
        subject = event.known_session().user.subject
        known = await self._consents.of(subject, event.known_client())
        if known is None or not known.issuperset(event.scopes):
            raise ConsentRequired(reason="she has not agreed to all of it yet")
