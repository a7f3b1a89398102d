"""The keys that a client authenticates with by itself, and what they must be."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

from ..crypto.public_keys import UnusableKey, check_verification_jwks
from ..errors import CommandRefused, OutgoingRefused
from ..outgoing import checked_url


@dataclass(frozen=True, slots=True)
class ClientKeys:
    """Public keys for ``private_key_jwt``: a JWK Set, or the URI of one; neither is neither."""

    jwks: Mapping[str, Any] | None = None
    jwks_uri: str | None = None
    accepts_token_endpoint_audience: bool = False

    @property
    def are_given(self) -> bool:
        """Whether there are any."""
        return self.jwks is not None or self.jwks_uri is not None


def check_client_keys(keys: ClientKeys, private_hosts: Collection[str]) -> None:
    """Raises CommandRefused for keys that could never verify anything."""
    if keys.jwks is not None and keys.jwks_uri is not None:
        raise CommandRefused(
            "a client's keys are given, or stand at a jwks_uri: choose one", field="jwks_uri"
        )
    if keys.accepts_token_endpoint_audience and not keys.are_given:
        raise CommandRefused(
            "only a client with keys makes assertions, which have an audience",
            field="accepts_token_endpoint_audience",
        )
    try:
        if keys.jwks is not None:
            check_verification_jwks(keys.jwks)
        if keys.jwks_uri is not None:
            checked_url(keys.jwks_uri, private_hosts)
    except UnusableKey as error:
        raise CommandRefused(str(error), field="jwks") from None
    except OutgoingRefused as error:
        hint = "; see the setting private_hosts for hosts of your own network"
        raise CommandRefused(
            f"the jwks_uri can't be asked: {error}{hint}", field="jwks_uri"
        ) from None
