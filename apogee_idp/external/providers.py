"""Every provider that people may choose."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping
from types import MappingProxyType

from ..outgoing import Outgoing
from ..remote_keys import RemoteKeys
from .github import GitHubProvider
from .model import IdentityProvider, Provider
from .openid_provider import OpenIdProvider


class ExternalProviders:
    """Providers by their names; ``now`` gives Unix seconds."""

    def __init__(
        self, known: Iterable[IdentityProvider], outgoing: Outgoing, *, now: Callable[[], int]
    ) -> None:
        keys = RemoteKeys(outgoing.get_json, monotonic=time.monotonic)
        self.known: Mapping[str, IdentityProvider] = MappingProxyType({p.name: p for p in known})
        self._providers: dict[str, Provider] = {
            each.name: GitHubProvider(each, outgoing, now=now)
            if each.kind == "github"
            else OpenIdProvider(each, outgoing, keys, now=now, monotonic=time.monotonic)
            for each in self.known.values()
        }

    def get(self, name: str) -> Provider | None:
        """The one of this name."""
        return self._providers.get(name)
