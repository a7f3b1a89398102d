"""What is known of a provider, of one sign-in there, and of who has signed in: frozen values."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, Literal, Protocol

from ..errors import ApogeeError

ProviderKind = Literal["openid", "google", "github"]


class ExternalSignInFailed(ApogeeError):
    """The provider did not say who it is, or did not say it for us; the text is for the log."""


@dataclass(frozen=True, slots=True)
class IdentityProvider:
    """One provider, as its file says: ``name`` is ours for it, ``title`` what people read.

    ``sign_up`` says whether whoever it vouches for gets an account here.
    """

    name: str
    kind: ProviderKind
    issuer: str
    client_id: str
    client_secret: str = field(repr=False)
    title: str
    scopes: tuple[str, ...]
    sign_up: bool = True


@dataclass(frozen=True, slots=True)
class Departure:
    """What is sent along with somebody, and has to fit what she brings back.

    ``state`` is the handle under which the rest is kept here; ``nonce`` comes back in the id_token,
    and whoever redeems the code shows the ``verifier`` (RFC 7636). Who has to prove anew who
    she is, even if the provider knows, does so after ``again_since`` (Unix seconds).
    """

    redirect_uri: str
    state: str = field(repr=False)
    nonce: str = field(repr=False)
    verifier: str = field(repr=False)
    again_since: int | None = None


@dataclass(frozen=True, slots=True)
class ExternalIdentity:
    """Who has signed in at a provider; ``subject`` is hers there, and no other's.

    ``email`` may be empty; ``profile`` has some of PROFILE_CLAIMS. ``auth_time`` is when she proved
    to the provider who she is (Unix seconds), 0 if it doesn't say.
    """

    provider: str
    subject: str
    auth_time: int
    email: str = ""
    email_verified: bool = False
    profile: Mapping[str, Any] = field(default_factory=lambda: MappingProxyType({}))


class Provider(Protocol):
    """One kind of provider; every method raises ExternalSignInFailed."""

    async def departure_url(self, departure: Departure) -> str:
        """Where somebody is sent to sign in."""
        ...

    async def arrival(
        self, departure: Departure, parameters: Mapping[str, str]
    ) -> ExternalIdentity:
        """Who comes back with these parameters, after the provider has confirmed it."""
        ...
