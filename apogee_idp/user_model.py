"""People who sign in, as frozen values; what is told of them, and which addresses are the same."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

from .model import USER_SUBJECT_PREFIX, frozen

ADMINISTRATOR_ROLE = "idp-admin"
"""Whoever has this role is an administrator of the identity provider."""

MAXIMUM_EMAIL_CHARACTERS = 254
_MAXIMUM_TEXT = 256
_MAXIMUM_URL = 2048
_SUBJECT = re.compile(USER_SUBJECT_PREFIX + "[0-9A-Za-z]{22}")
_LOCAL_PART = re.compile(r"[A-Za-z0-9.!#$%&'*+/=?^_`{|}~\u0080-\U0010ffff-]{1,64}")
_LABEL = re.compile(r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?")


@dataclass(frozen=True, slots=True)
class ProfileClaim:
    """A standard claim (OpenID Connect Core §5.1): the scope that tells it, and its JSON type."""

    scope: str
    type: type


PROFILE_CLAIMS: Mapping[str, ProfileClaim] = MappingProxyType(
    {
        "name": ProfileClaim("profile", str),
        "given_name": ProfileClaim("profile", str),
        "middle_name": ProfileClaim("profile", str),
        "family_name": ProfileClaim("profile", str),
        "nickname": ProfileClaim("profile", str),
        "preferred_username": ProfileClaim("profile", str),
        "profile": ProfileClaim("profile", str),
        "picture": ProfileClaim("profile", str),
        "website": ProfileClaim("profile", str),
        "gender": ProfileClaim("profile", str),
        "birthdate": ProfileClaim("profile", str),
        "zoneinfo": ProfileClaim("profile", str),
        "locale": ProfileClaim("profile", str),
        "phone_number": ProfileClaim("phone", str),
        "phone_number_verified": ProfileClaim("phone", bool),
        "address": ProfileClaim("address", Mapping),
    }
)
"""What a profile can have; ``email`` and ``email_verified`` are members of the user."""

_URLS = ("profile", "picture", "website")
ADDRESS_MEMBERS = (
    *("formatted", "street_address", "locality", "region", "postal_code", "country"),
)


@dataclass(frozen=True, slots=True)
class SecondFactor:
    """What is kept of an app that shows one-time passwords, and of the codes in its stead.

    ``sealed`` is the secret, encrypted. Steps up to ``last_step`` were used (RFC 6238 §5.2);
    ``recovery_hashes`` are those of the codes that weren't. ``enrolled_at`` is in Unix seconds.
    """

    sealed: str = field(repr=False)
    recovery_hashes: tuple[str, ...] = field(repr=False)
    enrolled_at: int
    last_step: int = 0


@dataclass(frozen=True, slots=True)
class Identity:
    """Who somebody is at another provider: ``subject`` is hers there for ever.

    ``email`` is the address that she had there when she signed in last, or "".
    """

    provider: str
    subject: str
    email: str = ""
    email_verified: bool = False
    linked_at: int = 0


@dataclass(frozen=True, slots=True)
class User:
    """A person, as she stands in the store; ``subject`` is hers for ever.

    ``email`` is as she typed it: mail goes there, never to another spelling that leads to her.
    Without a ``password_hash`` she can't sign in by password. ``administrator_by`` is the entry of
    the settings that has made her an administrator, if one has. ``profile`` has some of
    PROFILE_CLAIMS. Times are Unix seconds; ``sessions_not_before``: see ``has_ended``.
    """

    subject: str
    email: str
    email_verified: bool = False
    password_hash: str = field(default="", repr=False)
    second_factor: SecondFactor | None = None
    identities: tuple[Identity, ...] = ()
    profile: Mapping[str, Any] = field(default_factory=lambda: MappingProxyType({}))
    roles: tuple[str, ...] = ()
    administrator_by: str = ""
    enabled: bool = True
    created_at: int = 0
    password_changed_at: int = 0
    sessions_not_before: int = 0
    properties: Mapping[str, Any] = field(default_factory=lambda: MappingProxyType({}))
    change_id: str = ""
    concurrency_token: str = ""

    def __post_init__(self) -> None:
        if not is_user_subject(self.subject):
            raise ValueError("a user's subject is usr_ and 22 of A-Z a-z 0-9")

    @property
    def is_administrator(self) -> bool:
        """Whether she may manage this server: only while she is enabled."""
        return self.enabled and ADMINISTRATOR_ROLE in self.roles

    def has_ended(self, begun_at: int) -> bool:
        """Whether a session, or a refresh token, of that second was ended by a later change.

        One of the very second of the change has ended, too: so whatever is begun after it, in the
        same second, counts from the next.
        """
        return not self.enabled or begun_at <= self.sessions_not_before


def is_user_subject(text: str) -> bool:
    """Whether ``text`` can be the subject of a user."""
    return bool(_SUBJECT.fullmatch(text))


def comparable_email(text: str) -> str:
    """The one form of all spellings that lead to one account; raises ValueError for no address.

    Compatible characters, upper and lower case, and characters of no width are the same; so are
    the two ways to write a domain in other alphabets. Whoever proves to have an address has not
    proven to have every other that compares equal: ask ``User.email`` for that.
    """
    if len(text) > 2 * MAXIMUM_EMAIL_CHARACTERS:
        raise ValueError("an e-mail address has at most 254 characters")
    visible = "".join(c for c in text.strip() if unicodedata.category(c) != "Cf")
    local, _, domain = unicodedata.normalize("NFKC", visible).strip().partition("@")
    local = unicodedata.normalize("NFKC", local.casefold())
    if not (_LOCAL_PART.fullmatch(local) and local.isprintable()):
        raise ValueError("an e-mail address is name@domain, without spaces")
    address = f"{local}@{_ascii_domain(domain)}"
    if len(address) > MAXIMUM_EMAIL_CHARACTERS:
        raise ValueError("an e-mail address has at most 254 characters")
    return address


def checked_email(typed: str) -> str:
    """``typed`` without the space around it; raises ValueError for what can't be an address."""
    trimmed = typed.strip()
    if not trimmed.isprintable():
        raise ValueError("an e-mail address has visible characters only")
    comparable_email(trimmed)
    return trimmed


def checked_profile(claims: Mapping[str, Any]) -> Mapping[str, Any]:
    """``claims``, read-only, if a profile can have them; raises ValueError."""
    for name, value in claims.items():
        claim = PROFILE_CLAIMS.get(name)
        if claim is None:
            raise ValueError(f"a profile has no claim {name[:50]!r}")
        if not isinstance(value, claim.type):
            raise ValueError(f"the claim {name} is of another type")  # noqa: TRY004 - a value
        if isinstance(value, str):
            _check_text(name, value)
    _check_address(claims.get("address", {}))
    if claims.get("phone_number_verified") and "phone_number" not in claims:
        raise ValueError("there is no phone_number that could be verified")
    profile: Mapping[str, Any] = frozen(claims)
    return profile


def _check_text(name: str, value: str) -> None:
    longest = _MAXIMUM_URL if name in _URLS else _MAXIMUM_TEXT
    if not value.strip() or not value.isprintable() or len(value) > longest:
        raise ValueError(f"the claim {name} has 1 to {longest} printable characters")
    if name in _URLS and not value.startswith(("https://", "http://")):
        raise ValueError(f"the claim {name} is a URL")


def _check_address(address: Mapping[str, Any]) -> None:
    for name, value in address.items():
        if name not in ADDRESS_MEMBERS:
            raise ValueError(f"an address has no member {name[:50]!r}")
        # Lines are part of an address as it is written on letters (OpenID Connect Core §5.1.1).
        is_text = isinstance(value, str) and value.replace("\n", " ").isprintable()
        if not is_text or not 0 < len(value) <= _MAXIMUM_TEXT:
            raise ValueError(f"address.{name} has 1 to {_MAXIMUM_TEXT} printable characters")


def _ascii_domain(domain: str) -> str:
    """In lower case, each label of another alphabet in punycode (RFC 3492)."""
    # Not case-folded: that would make "ß" an "ss", which is another domain.
    labels = domain.replace("\u3002", ".").lower().split(".")
    ascii_labels = [
        label if label.isascii() else "xn--" + label.encode("punycode").decode("ascii")
        for label in labels
    ]
    if not (domain.isprintable() and all(map(_LABEL.fullmatch, ascii_labels))):
        raise ValueError("an e-mail address is name@domain, without spaces")
    return ".".join(ascii_labels)
