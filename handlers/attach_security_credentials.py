"""Chooses the keys of one token."""

from __future__ import annotations

from apogee_idp import GenerateToken, Services


class AttachSecurityCredentials:
    """The signing key by the client's algorithm; an encryption key unless it opted out.

    A plugin may have left anything there: all but the boolean False fails to the encrypted side.
    """

    def __init__(self, services: Services) -> None:
        self._keys = services.keys

    async def __call__(self, event: GenerateToken) -> None:
        event.signing_key = self._keys.signing_key(event.sign_in.token_profile.signing_algorithm)
        if event.sign_in.encrypt_access_token is not False:
            event.encryption_key = self._keys.encryption_key
