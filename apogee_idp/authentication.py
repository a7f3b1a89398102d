"""Client authentication (RFC 6749 §2.3): the only way to a ``ClientAuthentication``."""

from __future__ import annotations

from collections.abc import Callable
from weakref import WeakSet

from .assertions import AssertionVerifier, parse_assertion
from .crypto.secrets import SecretVerifier
from .errors import InvalidClient, UnusableEvent
from .model import (
    AUTHORIZATION_CODE,
    CLIENT_CREDENTIALS,
    REFRESH_TOKEN,
    Client,
    ClientSecret,
)
from .requests import (
    ClientAuthentication,
    ClientRequest,
    PresentedAssertion,
    PresentedCredentials,
    PresentedName,
    PreviewedClient,
    PushedAuthorizationRequest,
    RevocationRequest,
    TokenRequest,
)
from .secret_usage import SecretUsage
from .stores.directory import Directory

_NOBODY = Client("nobody", secrets=(ClientSecret("-", "sha256:-"),))


class ClientAuthenticator:
    """Authenticates clients, and knows which proofs of it are genuine."""

    __slots__ = ("_assertions", "_clients", "_now", "_proofs", "_secrets", "_usage")

    def __init__(
        self,
        clients: Directory[Client],
        secrets: SecretVerifier,
        assertions: AssertionVerifier,
        usage: SecretUsage,
        *,
        now: Callable[[], int],
    ) -> None:
        self._clients = clients
        self._secrets = secrets
        self._assertions = assertions
        self._usage = usage
        self._now = now
        self._proofs: WeakSet[ClientAuthentication] = WeakSet()

    async def authenticate(self, request: ClientRequest) -> ClientAuthentication:
        """The proof for this request.

        Raises InvalidClient, the same for an unknown, disabled or public client and for a wrong
        secret or assertion, after the same work; TooManyAttempts, TemporarilyUnavailable or
        StoreUnavailable when the question can't be answered now.
        """
        match request.credentials:
            case None:
                raise InvalidClient(reason="no client authentication")
            case PresentedAssertion() as presented:
                client = await self._by_assertion(presented)
            case PresentedCredentials() as presented:
                client = await self._by_secret(presented)
            case PresentedName() as presented:
                client = await self._by_name(presented, request)
            case PreviewedClient() as previewed:
                client = await self._for_preview(previewed, request)
        proof = ClientAuthentication(client, request, request.credentials.method)
        self._proofs.add(proof)
        return proof

    def vouch(self, proof: object, request: ClientRequest) -> ClientAuthentication:
        """``proof`` if this authenticator made it for ``request``; raises UnusableEvent."""
        if (
            not isinstance(proof, ClientAuthentication)
            or proof not in self._proofs
            or proof.request is not request
        ):
            raise UnusableEvent("no proof that the client authenticated on this request")
        return proof

    async def _by_secret(self, credentials: PresentedCredentials) -> Client:
        client = await self._clients.get(credentials.client_id)
        obstacle = _obstacle(client)
        # Nobody's secrets are tried where there are none, so that the work is always the same.
        candidates = self._usable_secrets(_NOBODY if client is None or obstacle else client)
        matched = await self._secrets.find(
            credentials.client_id,
            credentials.client_secret,
            candidates,
            source=credentials.source,
        )
        if client is None or obstacle or matched is None:
            raise InvalidClient(reason=obstacle or "wrong or expired secret")
        self._usage.note(client.client_id, matched, credentials.source)
        return client

    async def _by_assertion(self, presented: PresentedAssertion) -> Client:
        assertion = parse_assertion(presented)
        client = await self._clients.get(assertion.client_id)
        obstacle = _obstacle(client)
        await self._assertions.verify(assertion, None if obstacle else client)
        if client is None or obstacle:
            raise InvalidClient(reason=obstacle)
        return client

    async def _by_name(self, presented: PresentedName, request: ClientRequest) -> Client:
        """RFC 6749 §3.2.1: for a public client, with a proof of its own, or to end its tokens."""
        client = await self._clients.get(presented.client_id)
        if not _takes_public_clients(request):
            raise InvalidClient(reason="no client authentication")
        if client is None or not client.enabled or client.client_type != "public":
            raise InvalidClient(reason="no enabled public client, and no other authentication")
        return client

    async def _for_preview(self, previewed: PreviewedClient, request: ClientRequest) -> Client:
        """As if it had authenticated, and no use of a secret; where nothing else can be spent."""
        if not isinstance(request, TokenRequest) or request.grant_type != CLIENT_CREDENTIALS:
            raise InvalidClient(reason="a preview of something else than a client's own token")
        client = await self._clients.get(previewed.client_id)
        obstacle = _obstacle(client)
        if client is None or obstacle:
            raise InvalidClient(reason=obstacle)
        return client

    def _usable_secrets(self, client: Client) -> tuple[ClientSecret, ...]:
        now = self._now()
        return tuple(s for s in client.secrets if not s.is_expired(now))


def _takes_public_clients(request: ClientRequest) -> bool:
    """For a code, a refresh token, any token to be ended (RFC 7009 §2.1), or a request for people.

    What it says there it could as well say in the browser.
    """
    if isinstance(request, TokenRequest):
        return request.grant_type in (AUTHORIZATION_CODE, REFRESH_TOKEN)
    return isinstance(request, RevocationRequest | PushedAuthorizationRequest)


def _obstacle(client: Client | None) -> str:
    if client is None:
        return "unknown client"
    if not client.enabled:
        return "disabled client"
    return "" if client.client_type == "confidential" else "public client"
