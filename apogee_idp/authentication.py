"""Client authentication (RFC 6749 §2.3): the only way to a ``ClientAuthentication``."""

from __future__ import annotations

from collections.abc import Callable
from weakref import WeakSet

from .crypto.secrets import SecretVerifier
from .errors import InvalidClient, UnusableEvent
from .model import Client, ClientAuthentication, ClientSecret, TokenRequest, is_client_id
from .stores.directory import Directory

_NOBODY = Client("nobody", secrets=(ClientSecret("-", "sha256:-"),))


class ClientAuthenticator:
    """Authenticates clients, and knows which proofs of it are genuine."""

    __slots__ = ("_clients", "_now", "_proofs", "_secrets")

    def __init__(
        self, clients: Directory[Client], secrets: SecretVerifier, *, now: Callable[[], int]
    ) -> None:
        self._clients = clients
        self._secrets = secrets
        self._now = now
        self._proofs: WeakSet[ClientAuthentication] = WeakSet()

    async def authenticate(self, request: TokenRequest) -> ClientAuthentication:
        """The proof for this request.

        Raises InvalidClient, the same for an unknown, disabled or public client and for a wrong
        secret, after the same work; TemporarilyUnavailable or StoreUnavailable when the question
        can't be answered now.
        """
        credentials = request.credentials
        if credentials is None:
            raise InvalidClient(reason="no client authentication")
        client = await self._registered(credentials.client_id)
        obstacle = _obstacle(client)
        # Nobody's secrets are tried where there are none, so that the work is always the same.
        candidates = self._usable_secrets(_NOBODY if client is None or obstacle else client)
        matched = await self._secrets.find(
            credentials.client_id, credentials.client_secret, candidates
        )
        if client is None or obstacle or matched is None:
            raise InvalidClient(reason=obstacle or "wrong or expired secret")
        proof = ClientAuthentication(client, request, credentials.method)
        self._proofs.add(proof)
        return proof

    def vouch(self, proof: object, request: TokenRequest) -> ClientAuthentication:
        """``proof`` if this authenticator made it for ``request``; raises UnusableEvent."""
        if (
            not isinstance(proof, ClientAuthentication)
            or proof not in self._proofs
            or proof.request is not request
        ):
            raise UnusableEvent("no proof that the client authenticated on this request")
        return proof

    async def _registered(self, client_id: str) -> Client | None:
        return await self._clients.get(client_id) if is_client_id(client_id) else None

    def _usable_secrets(self, client: Client) -> tuple[ClientSecret, ...]:
        now = self._now()
        return tuple(s for s in client.secrets if s.expires_at is None or s.expires_at > now)


def _obstacle(client: Client | None) -> str:
    if client is None:
        return "unknown client"
    if not client.enabled:
        return "disabled client"
    return "" if client.client_type == "confidential" else "public client"
