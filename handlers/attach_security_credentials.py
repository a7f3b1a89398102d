"""Chooses the keys of one token."""

from __future__ import annotations

from apogee_idp import EncryptionKey, GenerateToken, ProcessSignIn, Services


class AttachSecurityCredentials:
    """The signing key by the client's algorithm; an encryption key unless it opted out.

    A plugin may have left anything there: all but the boolean False fails to the encrypted side.
    The key of a resource is that of the audience as it stands now, whoever set it.
    """

    def __init__(self, services: Services) -> None:
        self._keys = services.keys
        self._recipient_keys = services.recipient_keys

    async def __call__(self, event: GenerateToken) -> None:
        event.signing_key = self._keys.signing_key(event.sign_in.token_profile.signing_algorithm)
        if event.sign_in.encrypt_access_token is not False:
            event.encryption_key = await self._encryption_key(event.sign_in)

    async def _encryption_key(self, sign_in: ProcessSignIn) -> EncryptionKey:
        if sign_in.token_profile.encrypt_to == "server":
            return self._keys.encryption_key
        return await self._recipient_keys.key_for(sign_in.audience)
