"""The keys of APIs, for tokens that are encrypted to the API itself."""

from __future__ import annotations

from collections.abc import Sequence

from cachetools import LRUCache

from .crypto.encryption import RecipientKey
from .crypto.public_keys import UnusableKey, recipient_key
from .errors import InvalidTarget
from .key_model import EncryptionKey
from .model import Resource
from .stores.directory import Directory

_REMEMBERED = 1000


class RecipientKeys:
    """Finds the key of an audience; a JWK Set is parsed once, and anew when it has changed."""

    __slots__ = ("_parsed", "_resources")

    def __init__(self, resources: Directory[Resource]) -> None:
        self._resources = resources
        self._parsed: LRUCache[str, tuple[Resource, RecipientKey]] = LRUCache(_REMEMBERED)

    async def key_for(self, audience: Sequence[str]) -> EncryptionKey:
        """The key of the one resource in ``audience``.

        Raises InvalidTarget for several, and for one without a usable key; StoreUnavailable if
        nobody can tell.
        """
        if len(audience) != 1:
            raise InvalidTarget("This client's tokens are encrypted to one resource: ask for one.")
        resource = await self._resources.get(audience[0])
        if resource is None or resource.jwks is None:
            raise InvalidTarget("The resource has no key that tokens could be encrypted to.")
        known = self._parsed.get(resource.identifier)
        if known is None or known[0] != resource:
            known = self._parsed[resource.identifier] = (resource, _key_of(resource))
        return known[1]


def _key_of(resource: Resource) -> RecipientKey:
    try:
        return recipient_key(resource.jwks or {})
    except UnusableKey as error:
        raise InvalidTarget(
            "The resource has no key that tokens could be encrypted to.", reason=str(error)
        ) from None
