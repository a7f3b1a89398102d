"""One-time passwords by time (RFC 6238), and the recovery codes for who has lost the device."""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import re
import secrets

from cryptography.hazmat.primitives.hashes import SHA1
from cryptography.hazmat.primitives.twofactor.totp import TOTP

PERIOD_SECONDS = 30
RECOVERY_CODES = 8
_DIGITS = 6
_SECRET_BYTES = 20
_RECOVERY_BYTES = 10
_DRIFT_STEPS = 1
_CODE = re.compile(r"[0-9]{6}")
_SECRET = re.compile(r"[A-Z2-7]{32}")


def new_totp_secret() -> str:
    """160 random bits as base32, which is what RFC 4226 §4 recommends and every app takes."""
    return base64.b32encode(secrets.token_bytes(_SECRET_BYTES)).decode("ascii")


def is_totp_secret(text: str) -> bool:
    """Whether ``text`` has the form of one."""
    return bool(_SECRET.fullmatch(text))


def totp_uri(secret: str, *, account: str, issuer: str) -> str:
    """The ``otpauth:`` URI that apps read from a QR code."""
    return _totp(secret).get_provisioning_uri(account, issuer)


def totp_at(secret: str, time: int) -> str:
    """The code for this Unix time: six digits."""
    return _totp(secret).generate(time).decode("ascii")


def matching_step(secret: str, code: str, *, now: int, after: int) -> int | None:
    """The time step of which ``code`` is the password, behind the step ``after``; else None.

    Clocks may be a step apart (RFC 6238 §5.2), and what was used is good for nothing any more.
    """
    given = "".join(code.split())
    if not _CODE.fullmatch(given):
        return None
    current = now // PERIOD_SECONDS
    for step in range(current - _DRIFT_STEPS, current + _DRIFT_STEPS + 1):
        expected = totp_at(secret, step * PERIOD_SECONDS)
        if hmac.compare_digest(expected, given) and step > after:
            return step
    return None


def new_recovery_codes() -> tuple[str, ...]:
    """Each of 80 random bits, in groups that can be written down."""
    return tuple(_grouped(secrets.token_bytes(_RECOVERY_BYTES)) for _ in range(RECOVERY_CODES))


def recovery_hash(code: str) -> str:
    """The SHA-256 of a recovery code, however it was typed; "" if it is none."""
    typed = re.sub(r"[\s-]", "", code).upper()
    try:
        raw = base64.b32decode(typed) if len(typed) == 8 * _RECOVERY_BYTES // 5 else b""
    except (binascii.Error, ValueError):
        return ""
    return hashlib.sha256(raw).hexdigest() if raw else ""


def _grouped(raw: bytes) -> str:
    text = base64.b32encode(raw).decode("ascii").lower()
    return "-".join(text[start : start + 4] for start in range(0, len(text), 4))


def _totp(secret: str) -> TOTP:
    # SHA-1 is what apps know; as a key's hash in HMAC it is not broken.
    return TOTP(base64.b32decode(secret), _DIGITS, SHA1(), PERIOD_SECONDS)  # noqa: S303
