"""What people have allowed, as documents: one for each sign-in at a client."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, Literal, get_args

from ..errors import UnreadableDocument
from ..requests import Grant
from .base import Stored
from .members import one_of, optional, text, texts, whole
from .values import Document

State = Literal["valid", "ended"]
_STATES: tuple[State, ...] = get_args(State)
_TIMES_TO_COME = ("code_redeemed_at", "refresh_expires_at", "refreshed_at")


@dataclass(frozen=True, slots=True)
class Authorization:
    """A grant, the code that stands for it, and its current refresh token, both as hashes.

    Times are Unix seconds, 0 is never. All refresh tokens have the ``family_hash``, the current one
    the ``refresh_hash``. After ``ends_at`` there are none.
    """

    id: str
    grant: Grant
    state: State
    created_at: int
    ends_at: int
    code_hash: str = field(repr=False)
    code_expires_at: int
    code_redeemed_at: int
    family_hash: str = field(repr=False)
    refresh_hash: str = field(repr=False)
    refresh_expires_at: int
    refreshed_at: int
    version: str


def new_authorization(
    grant: Grant, *, code_hash: str, created_at: int, code_expires_at: int, ends_at: int
) -> Document:
    """The document of a grant for which nothing has been redeemed yet."""
    return {
        "client_id": grant.client_id,
        "subject": grant.subject,
        "grant": json.dumps(asdict(grant)),
        "state": "valid",
        "created_at": created_at,
        "ends_at": ends_at,
        "code_hash": code_hash,
        "code_expires_at": code_expires_at,
        "family_hash": "",
        "refresh_hash": "",
        **dict.fromkeys(_TIMES_TO_COME, 0),
    }


def read_authorization(stored: Stored) -> Authorization:
    """The authorization in a document; raises UnreadableDocument for a damaged one."""
    document = stored.document
    try:
        return Authorization(
            stored.key,
            _grant_of(json.loads(document["grant"])),
            one_of(_STATES, document["state"]),
            created_at=whole(document["created_at"]),
            ends_at=whole(document["ends_at"]),
            code_hash=text(document["code_hash"]),
            code_expires_at=whole(document["code_expires_at"]),
            code_redeemed_at=whole(document["code_redeemed_at"]),
            family_hash=text(document["family_hash"]),
            refresh_hash=text(document["refresh_hash"]),
            refresh_expires_at=whole(document["refresh_expires_at"]),
            refreshed_at=whole(document["refreshed_at"]),
            version=stored.version,
        )
    except (ValueError, TypeError, KeyError) as error:
        raise UnreadableDocument("an authorization can't be read") from error


def _grant_of(members: Mapping[str, Any]) -> Grant:
    return Grant(
        client_id=text(members["client_id"]),
        subject=text(members["subject"]),
        scopes=texts(members["scopes"]),
        auth_time=whole(members["auth_time"]),
        begun_at=whole(members["begun_at"]),
        redirect_uri=text(members["redirect_uri"]),
        code_challenge=optional(text, members["code_challenge"]),
        nonce=optional(text, members["nonce"]),
        resources=texts(members["resources"]),
        sid=text(members["sid"]),
        methods=texts(members["methods"]),
    )
