"""Has the authorization written down, and a code for it made."""

from __future__ import annotations

from apogee_idp import Grant, ProcessAuthorization, Services


class GenerateCode:
    """RFC 6749 §4.1.2: bound to the client, its redirect URI and its code_challenge."""

    def __init__(self, services: Services) -> None:
        self._grants = services.grants
        self._settings = services.settings
        self._now = services.now

    async def __call__(self, event: ProcessAuthorization) -> None:
        session, parameters = event.known_session(), event.request.parameters
        grant = Grant(
            client_id=event.known_client().client_id,
            subject=session.user.subject,
            scopes=event.scopes,
            auth_time=session.auth_time,
            authorization_id="",
            redirect_uri=event.redirect_uri,
            code_challenge=parameters.get("code_challenge"),
            nonce=parameters.get("nonce"),
            resources=event.request.resources,
            session_id=session.id,
        )
        event.code = await self._grants.authorize(
            grant,
            code_seconds=self._settings.authorization_code_lifetime,
            ends_at=self._now() + self._settings.refresh_token_lifetime,
        )
