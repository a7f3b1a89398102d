"""Chooses the keys of one token."""

from __future__ import annotations

from apogee_idp import EncryptionKey, GenerateToken, ProcessSignIn, Services


class AttachSecurityCredentials:
    """The signing key by the client's algorithm; an encryption key unless it opted out.

    That is for access tokens: an id_token is signed for its client, and a refresh token is opaque.

    A plugin may have left anything there: all but the boolean False fails to the encrypted side.
    The key of a resource is that of the audience as it stands now, whoever set it.
    """

    def __init__(self, services: Services) -> None:
        self._keys = services.keys
        self._recipient_keys = services.recipient_keys

    async def __call__(self, event: GenerateToken) -> None:
        if event.kind == "refresh_token":
            return
        event.signing_key = self._keys.signing_key(event.sign_in.token_profile.signing_algorithm)
        if event.kind == "access_token" and event.sign_in.encrypt_access_token is not False:
            event.encryption_key = await self._encryption_key(event.sign_in)

    async def _encryption_key(self, sign_in: ProcessSignIn) -> EncryptionKey:
        if sign_in.token_profile.encrypt_to == "server":
            return self._keys.encryption_key
        return await self._recipient_keys.key_for(sign_in.audience)
