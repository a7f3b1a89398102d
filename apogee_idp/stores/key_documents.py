"""The ring of keys as a document, and back."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..key_model import KEY_USES, STORE_SOURCE, KeyRecord, KeyRingRecord
from ..model import thawed
from .base import Stored
from .members import json_object, one_of, optional, text, texts, whole
from .values import Document


def write_key_ring(ring: KeyRingRecord) -> Document:
    """What the document of the key ring must have."""
    return {
        "keys": [_write_key(key) for key in ring.keys],
        "revoked": list(ring.revoked),
        "change_id": ring.change_id,
    }


def _write_key(key: KeyRecord) -> dict[str, Any]:
    return {
        "kid": key.kid,
        "use": key.use,
        "algorithm": key.algorithm,
        "created_at": key.created_at,
        "activates_at": key.activates_at,
        "sealed": key.sealed,
        "source": key.source,
        "public": None if key.public is None else thawed(key.public),
    }


def read_key_ring(stored: Stored) -> KeyRingRecord:
    """The key ring in a document; raises as ``read_client`` does."""
    document = stored.document
    return KeyRingRecord(
        tuple(_read_key(members) for members in document["keys"]),
        revoked=texts(document.get("revoked")),
        change_id=text(document.get("change_id", "")),
        version=stored.version,
    )


def _read_key(members: Mapping[str, Any]) -> KeyRecord:
    created_at = whole(members["created_at"])
    return KeyRecord(
        kid=text(members["kid"]),
        use=one_of(KEY_USES, members["use"]),
        algorithm=text(members["algorithm"]),
        created_at=created_at,
        activates_at=whole(members.get("activates_at", created_at)),
        sealed=text(members["sealed"]),
        source=text(members.get("source", STORE_SOURCE)),
        public=optional(json_object, members.get("public")),
    )
