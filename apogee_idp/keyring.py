"""The opened keys, as handlers and endpoints see them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from .crypto.encryption import RecipientKey
from .crypto.keys import DecryptionKey, OpenedKey
from .crypto.public_keys import VerificationKey
from .errors import KeyringError, StoreUnavailable, TemporarilyUnavailable
from .key_model import EncryptionKey, KeyState, SigningKey
from .key_rotation import KeyPeriods, state_of
from .model import SIGNING_ALGORITHMS, frozen

_BY_PREFERENCE: tuple[KeyState, ...] = ("retired", "published", "active")
_SIGN: tuple[KeyState, ...] = ("published", "active")


@dataclass(frozen=True, slots=True)
class KeysOfTheMoment:
    """What the ring is good for at one time; mappings are by algorithm, or by kid."""

    signing: Mapping[str, SigningKey]
    encryption: RecipientKey | None
    verification: Mapping[str, VerificationKey]
    decryption: Mapping[str, DecryptionKey]
    jwks: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class OpenedKeys:
    """The ring at one version, opened; what each key is good for depends on the time."""

    keys: tuple[OpenedKey, ...]
    periods: KeyPeriods

    def at(self, now: int) -> KeysOfTheMoment:
        """The keys that are published, active or retired at ``now``.

        Where the private half of an active key is not at hand, one signs that is published already;
        never one that is retired, which might go before its token.
        """
        found, states = self._by_preference(now)
        published = sorted((key for key in found if key.verification), key=_publication_order)
        return KeysOfTheMoment(
            signing=frozen(
                {
                    k.record.algorithm: k.signing
                    for k in found
                    if k.signing and states[k.record.kid] in _SIGN
                }
            ),
            encryption=next((k.encryption for k in reversed(found) if k.encryption), None),
            verification=frozen({k.record.kid: k.verification for k in found if k.verification}),
            decryption=frozen({k.record.kid: k.decryption for k in found if k.decryption}),
            jwks=frozen({"keys": [key.public for key in published]}),
        )

    def _by_preference(self, now: int) -> tuple[Sequence[OpenedKey], Mapping[str, KeyState]]:
        """The one to sign with last; and the state of each, by kid."""
        records = [key.record for key in self.keys]
        states = {r.kid: state_of(r, records, self.periods, now) for r in records}
        usable = [key for key in self.keys if states[key.record.kid] in _BY_PREFERENCE]
        usable.sort(
            key=lambda key: (
                _BY_PREFERENCE.index(states[key.record.kid]),
                key.record.activates_at,
                key.record.kid,
            )
        )
        return usable, states


class KeyRing:
    """The keys of the installation: always those that ``current`` returns, at the time ``now``.

    Until it returns any, everything raises StoreUnavailable.
    """

    __slots__ = ("_current", "_now", "_seen")

    def __init__(self, current: Callable[[], OpenedKeys | None], *, now: Callable[[], int]) -> None:
        self._current = current
        self._now = now
        self._seen: tuple[OpenedKeys, int, KeysOfTheMoment] | None = None

    @property
    def jwks(self) -> Mapping[str, Any]:
        """The public signing keys as a JWK Set (RFC 7517 §5), in a stable order, read-only."""
        return self._of_the_moment().jwks

    @property
    def encryption_key(self) -> EncryptionKey:
        """The server's own key, which access tokens are encrypted to by default."""
        key = self._of_the_moment().encryption
        if key is None:
            raise KeyringError("no key encrypts")
        return key

    def signing_key(self, algorithm: str) -> SigningKey:
        """The key that signs with ``algorithm``.

        Raises TemporarilyUnavailable if there is one, but its private half is not at hand;
        KeyringError if there is none.
        """
        keys = self._of_the_moment()
        if algorithm in keys.signing:
            return keys.signing[algorithm]
        if any(key.algorithm == algorithm for key in keys.verification.values()):
            raise TemporarilyUnavailable(reason=f"the key for {algorithm} is not provided")
        raise KeyringError(f"no key signs {algorithm}")

    def verification_key(self, kid: str) -> VerificationKey | None:
        """The key that verifies what the key of this id signed, or None if none is published."""
        return self._of_the_moment().verification.get(kid)

    def decryption_key(self, kid: str) -> DecryptionKey | None:
        """The key that opens what was encrypted to the key of this id, if there is one."""
        return self._of_the_moment().decryption.get(kid)

    def _of_the_moment(self) -> KeysOfTheMoment:
        keys, now = self._current(), self._now()
        if keys is None:
            raise StoreUnavailable("the keys were not loaded yet")
        if self._seen is None or self._seen[0] is not keys or self._seen[1] != now:
            self._seen = (keys, now, keys.at(now))
        return self._seen[2]


def _publication_order(key: OpenedKey) -> tuple[int, int, str]:
    record = key.record
    return SIGNING_ALGORITHMS.index(record.algorithm), record.activates_at, record.kid
