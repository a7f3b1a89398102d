"""One-time passwords by time, and recovery codes."""

from __future__ import annotations

import base64

import pytest

from apogee_idp.crypto.one_time_passwords import (
    RECOVERY_CODES,
    is_totp_secret,
    matching_step,
    new_recovery_codes,
    new_totp_secret,
    recovery_hash,
    totp_at,
    totp_uri,
)
from apogee_idp.crypto.sealing import seal_text, unseal_text
from apogee_idp.errors import KeyringError
from tests.keys import fresh_key_encryption_key

SECRET = base64.b32encode(b"12345678901234567890").decode()


@pytest.mark.parametrize(
    ("time", "code"),
    [(59, "287082"), (1111111109, "081804"), (1234567890, "005924"), (20000000000, "353130")],
)
def test_the_codes_of_rfc_6238(time: int, code: str) -> None:
    """Appendix B, its last six digits."""
    assert totp_at(SECRET, time) == code


@pytest.mark.parametrize(
    ("code", "after", "step"),
    [
        pytest.param(totp_at(SECRET, 3000), 0, 100, id="now"),
        pytest.param(totp_at(SECRET, 2970), 0, 99, id="a clock behind"),
        pytest.param(totp_at(SECRET, 3030), 0, 101, id="a clock before"),
        pytest.param(totp_at(SECRET, 2940), 0, None, id="too old"),
        pytest.param(totp_at(SECRET, 3060), 0, None, id="too new"),
        pytest.param(totp_at(SECRET, 3000), 99, 100, id="behind the last"),
        pytest.param(totp_at(SECRET, 3000), 100, None, id="used"),
        pytest.param(totp_at(SECRET, 2970), 100, None, id="before the used one"),
        pytest.param(" ".join(totp_at(SECRET, 3000)), 0, 100, id="with spaces"),
        pytest.param("", 0, None, id="nothing"),
        pytest.param("٣٥٣١٣٠", 0, None, id="other digits"),
        pytest.param("1" * 5000, 0, None, id="long"),
    ],
)
def test_a_code_is_good_for_its_time_and_once(code: str, after: int, step: int | None) -> None:
    """A step earlier or later is the same, for clocks that differ."""
    assert matching_step(SECRET, code, now=3000, after=after) == step


def test_secrets_are_random_and_of_one_form() -> None:
    """160 bits."""
    secrets = {new_totp_secret() for _ in range(100)}
    assert len(secrets) == 100
    assert all(map(is_totp_secret, secrets))
    assert not is_totp_secret("A" * 31)
    assert not is_totp_secret("a" * 32)


def test_apps_read_whose_it_is() -> None:
    """The key URI format."""
    uri = totp_uri(SECRET, account="ann@example.com", issuer="idp.example")
    assert uri.startswith("otpauth://totp/idp.example:ann%40example.com?")
    assert f"secret={SECRET}" in uri
    assert "issuer=idp.example" in uri


def test_recovery_codes_however_they_are_typed() -> None:
    """Different ones, of which only hashes are kept."""
    codes = new_recovery_codes()
    assert len(set(codes)) == RECOVERY_CODES
    code = codes[0]
    known = recovery_hash(code)
    assert len(known) == 64
    assert {recovery_hash(code.upper()), recovery_hash(code.replace("-", " "))} == {known}
    for none in ("", "123456", code[:-1], code + "a", "1" * 16, "ä" * 16, "-" * 16):
        assert recovery_hash(none) == ""


def test_what_is_sealed_opens_for_one_purpose() -> None:
    """With any of the keys; damaged, or moved to another user, not at all."""
    old, new = fresh_key_encryption_key(), fresh_key_encryption_key()
    sealed = seal_text("secret", "totp ann", old)
    assert unseal_text(sealed, "totp ann", [new, old]) == "secret"
    for text, purpose, keys in (
        (sealed, "totp bob", [old]),
        (sealed, "totp ann", [new]),
        (sealed, "totp ann", []),
        (sealed[:-2] + "AA", "totp ann", [old]),
        ("", "totp ann", [old]),
        ("a.b.c.d.e", "totp ann", [old]),
    ):
        with pytest.raises(KeyringError):
            unseal_text(text, purpose, keys)
