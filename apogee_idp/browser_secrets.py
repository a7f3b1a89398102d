"""What only one browser knows: random values of which the store has hashes alone."""

from __future__ import annotations

import hashlib
import hmac
import re
import secrets

_VALUE = re.compile(r"[A-Za-z0-9_-]{43}")


def new_value() -> str:
    """256 random bits, for a cookie or an address."""
    return secrets.token_urlsafe(32)


def is_value(text: str) -> bool:
    """Whether ``text`` has the form of what ``new_value`` makes."""
    return bool(_VALUE.fullmatch(text))


def key_of(value: str) -> str:
    """The SHA-256 under which the store keeps what belongs to ``value``."""
    return hashlib.sha256(value.encode()).hexdigest()


def proof(secret: str, *facts: str) -> str:
    """What only who knows ``secret`` can say of these facts: a MAC, as hexadecimal digits."""
    message = "".join(f"{len(fact)}:{fact}" for fact in facts)
    return hmac.new(secret.encode(), message.encode(), hashlib.sha256).hexdigest()


def is_proof(presented: str, secret: str, *facts: str) -> bool:
    """Whether ``presented`` is that; compared in constant time."""
    return hmac.compare_digest(presented.encode(), proof(secret, *facts).encode())
