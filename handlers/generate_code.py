"""Has the authorization written down, and a code for it made."""

from __future__ import annotations

from apogee_idp import Grant, ProcessAuthorization, Services


class GenerateCode:
    """RFC 6749 §4.1.2: bound to the client, its redirect URI and its code_challenge."""

    def __init__(self, services: Services) -> None:
        self._grants = services.grants
        self._sessions = services.sessions
        self._settings = services.settings

    async def __call__(self, event: ProcessAuthorization) -> None:
        client, session = event.known_client(), event.known_session()
        parameters = event.request.parameters
        settings, is_for_long = self._settings, "offline_access" in event.scopes
        grant = Grant(
            client_id=client.client_id,
            subject=session.user.subject,
            scopes=event.scopes,
            auth_time=session.auth_time,
            begun_at=session.begun_at,
            redirect_uri=event.redirect_uri or "",
            code_challenge=parameters.get("code_challenge"),
            nonce=parameters.get("nonce"),
            resources=event.request.resources,
            sid=session.sid,
            methods=session.methods,
        )
        if client.backchannel_logout_uri is not None:
            await self._sessions.note_client(session, client.client_id)
        event.code = await self._grants.authorize(
            grant,
            code_seconds=settings.authorization_code_lifetime,
            seconds=settings.refresh_token_lifetime if is_for_long else 0,
        )
