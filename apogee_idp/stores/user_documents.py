"""Users as documents, and back."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from ..model import frozen, thawed
from ..user_model import PROFILE_CLAIMS, Identity, SecondFactor, User, checked_email
from .base import Stored
from .members import members_of, text, texts, whole
from .values import ABSENT, Document, exactly


def write_user(user: User, previous: Document) -> Document:
    """What the document of ``user`` must have, given the one there was before, if any."""
    return {
        "email": user.email,
        "email_verified": user.email_verified,
        "password_hash": user.password_hash or ABSENT,
        "second_factor": _write_second_factor(user.second_factor),
        "identities": [asdict(identity) for identity in user.identities],
        "administrator_by": user.administrator_by or ABSENT,
        "profile": _write_profile(user.profile, previous.get("profile") or {}),
        "roles": list(user.roles),
        "enabled": user.enabled,
        "created_at": user.created_at,
        "password_changed_at": user.password_changed_at,
        "sessions_not_before": user.sessions_not_before,
        "properties": exactly(thawed(user.properties), previous.get("properties") or {}),
        "change_id": user.change_id,
    }


def _write_second_factor(factor: SecondFactor | None) -> Any:
    return (
        ABSENT
        if factor is None
        else asdict(factor) | {"recovery_hashes": list(factor.recovery_hashes)}
    )


def _read_second_factor(members: Mapping[str, Any] | None) -> SecondFactor | None:
    """One that can't be read is an error: it must not be taken for none."""
    return (
        None
        if members is None
        else SecondFactor(
            sealed=text(members["sealed"]),
            recovery_hashes=texts(members["recovery_hashes"]),
            enrolled_at=whole(members["enrolled_at"]),
            last_step=whole(members["last_step"]),
        )
    )


def _read_identity(members: Mapping[str, Any]) -> Identity:
    return Identity(
        text(members["provider"]),
        text(members["subject"]),
        text(members["email"]),
        email_verified=members["email_verified"] is True,
        linked_at=whole(members["linked_at"]),
    )


def _write_profile(profile: Mapping[str, Any], previous: Mapping[str, Any]) -> dict[str, Any]:
    """Claims that only a later version knows are left as they are."""
    known = {name: previous[name] for name in PROFILE_CLAIMS if name in previous}
    return dict(exactly(thawed(profile), known))


def read_user(stored: Stored) -> User:
    """The user in a document; raises as ``read_client`` does."""
    document = stored.document
    return User(
        subject=stored.key,
        email=checked_email(text(document["email"])),
        email_verified=document.get("email_verified", False) is True,
        password_hash=text(document.get("password_hash", "")),
        second_factor=_read_second_factor(document.get("second_factor")),
        identities=tuple(map(_read_identity, document.get("identities", ()))),
        administrator_by=text(document.get("administrator_by", "")),
        profile=_read_profile(members_of(document.get("profile"))),
        roles=texts(document.get("roles")),
        enabled=document.get("enabled", False) is True,
        created_at=whole(document.get("created_at", 0)),
        password_changed_at=whole(document.get("password_changed_at", 0)),
        sessions_not_before=whole(document.get("sessions_not_before", 0)),
        properties=frozen(members_of(document.get("properties"))),
        change_id=text(document.get("change_id", "")),
        concurrency_token=stored.version,
    )


def _read_profile(members: Mapping[str, Any]) -> Mapping[str, Any]:
    known = {name: members[name] for name in PROFILE_CLAIMS if name in members}
    for name, value in known.items():
        if not isinstance(value, PROFILE_CLAIMS[name].type):
            raise TypeError("a claim of another type")
    profile: Mapping[str, Any] = frozen(known)
    return profile
