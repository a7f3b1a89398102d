"""Keys and documents: what every store can hold, and how a document is changed."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from enum import Enum
from typing import Any, Final

from ..errors import InvalidDocument

COLLECTIONS = {
    "applications": "client_id",
    "scopes": "name",
    "keys": "_id",
    "resources": "_id",
    "revocations": "_id",
    "tokens": "_id",
    "assertions": "_id",
    "idempotency": "_id",
    "audit": "_id",
    "secrets": "_id",
    "refusals": "_id",
    "users": "_id",
    "logins": "_id",
    "sessions": "_id",
    "consents": "_id",
    "interactions": "_id",
    "authorizations": "_id",
}
"""Each collection, and the member in which OpenIddict's documents have their key."""

EXPIRING = (
    *("revocations", "tokens", "assertions", "idempotency"),
    *("sessions", "interactions", "authorizations", "refusals"),
)
"""Collections of documents that come and go with the traffic, each with an expiry."""

FOLLOWED = ("applications", "scopes", "keys", "resources")
"""Collections whose changes every process has to hear of; the others are asked when needed.

Users are asked for: whoever is disabled is out at once, and following means comparing the versions
of all, where a store doesn't tell.
"""

VERSION_MEMBER = "concurrency_token"
EXPIRY_MEMBER = "expiration_date"

MAXIMUM_BYTES = 1024 * 1024
MAXIMUM_DEPTH = 32
LATEST = 253_402_300_799
"""The last second of the year 9999, where BSON's tools end."""

_INT64 = range(-(2**63), 2**63)

Document = Mapping[str, Any]
"""A JSON object; times in it are Unix seconds as integers.

Its key, version and expiry are no members of it: a store keeps them in its own way.
"""


class _Absent(Enum):
    ABSENT = "absent"


ABSENT: Final = _Absent.ABSENT
"""The value of a member that is to be removed, or not to be stored at all."""


def check_key(key: object) -> str:
    """``key`` if every store can hold it; raises TypeError or InvalidDocument."""
    if not isinstance(key, str):
        raise TypeError(f"a key is a str, not {type(key).__name__}")
    _check_text(key, "the key")
    if not key:
        raise InvalidDocument("the key is empty")
    return key


def check_version(version: object) -> str:
    """``version`` if it can be one; raises TypeError."""
    if not isinstance(version, str):
        raise TypeError(f"a version is a str, not {type(version).__name__}")
    return version


def check_expiry(expires_at: object) -> int | None:
    """``expires_at`` if it is a time or None; raises TypeError or InvalidDocument."""
    if expires_at is None:
        return None
    if type(expires_at) is not int:
        raise TypeError("a time is a whole number of seconds")
    if not 0 <= expires_at <= LATEST:
        raise InvalidDocument("expires at a time that no store can hold")
    return expires_at


def check_document(collection: str, document: object) -> Document:
    """``document`` if every store can hold it; raises InvalidDocument, which names the member."""
    if not isinstance(document, Mapping):
        raise InvalidDocument("a document is a mapping")
    for member in ("_id", COLLECTIONS[collection], VERSION_MEMBER, EXPIRY_MEMBER):
        if member in document:
            raise InvalidDocument(f"document.{member}: belongs to the store")
    _check_members(document, "document", 0)
    return document


def check_size(size: int) -> None:
    """Raises InvalidDocument for a document of more bytes than a store takes."""
    if size > MAXIMUM_BYTES:
        raise InvalidDocument(f"the document has {size} bytes, {MAXIMUM_BYTES} are the most")


def merged(value: object, changes: object) -> Any:
    """``value`` after ``changes``: mappings member by member, everything else as a whole."""
    if not isinstance(changes, Mapping):
        return changes
    members = dict(value) if isinstance(value, Mapping) else {}
    for name, change in changes.items():
        if change is ABSENT:
            members.pop(name, None)
        else:
            members[name] = merged(members.get(name), change)
    return members


def difference(document: Document, wanted: Document) -> dict[str, Any]:
    """The changes after which ``document`` has every member of ``wanted`` as it is there."""
    changes: dict[str, Any] = {}
    for name, member in wanted.items():
        known = document.get(name, ABSENT)
        if isinstance(member, Mapping) and isinstance(known, Mapping):
            if inner := difference(known, member):
                changes[name] = inner
        elif known is not member and (ABSENT in (known, member) or not _same(known, member)):
            changes[name] = member
    return changes


def exactly(wanted: Any, value: Any) -> Any:
    """``wanted``, where ABSENT stands for each member that it lacks and ``value`` has."""
    if not (isinstance(wanted, Mapping) and isinstance(value, Mapping)):
        return wanted
    gone = {name: ABSENT for name in value if name not in wanted}
    return gone | {name: exactly(member, value.get(name)) for name, member in wanted.items()}


def _same(one: object, other: object) -> bool:
    # Not by ==, to which 1, 1.0 and True are the same.
    return json.dumps(one) == json.dumps(other)


def _check_value(value: object, where: str, depth: int) -> None:
    match value:
        case None | bool():
            pass
        case str():
            _check_text(value, where)
        case int() | float():
            _check_number(value, where)
        case list() | tuple():
            _check_depth(where, depth)
            for item in value:
                _check_value(item, where, depth + 1)
        case Mapping():
            _check_members(value, where, depth)
        case _:
            raise InvalidDocument(f"{where}: {type(value).__name__} can't be stored")


def _check_number(value: float, where: str) -> None:
    if isinstance(value, int) and value not in _INT64:
        raise InvalidDocument(f"{where}: an integer beyond 64 bits")
    if not math.isfinite(value):
        raise InvalidDocument(f"{where}: not a finite number")


def _check_members(value: Mapping[Any, Any], where: str, depth: int) -> None:
    _check_depth(where, depth)
    for name, item in value.items():
        if not isinstance(name, str) or not name or name.startswith("$") or "." in name:
            raise InvalidDocument(f"{where}: a member's name is text without $ and dots")
        _check_text(name, where)
        if item is not ABSENT:
            _check_value(item, f"{where}.{name}", depth + 1)


def _check_depth(where: str, depth: int) -> None:
    if depth > MAXIMUM_DEPTH:
        raise InvalidDocument(f"{where[:100]}: nested deeper than {MAXIMUM_DEPTH}")


def _check_text(text: str, where: str) -> None:
    if "\0" in text:
        raise InvalidDocument(f"{where}: holds a NUL character")
    try:
        text.encode()
    except UnicodeEncodeError:
        raise InvalidDocument(f"{where}: holds half of a surrogate pair") from None
