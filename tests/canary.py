"""Recognises secrets, tokens, hashes and private keys in any text."""

from __future__ import annotations

import re
from pathlib import Path

from apogee_idp.crypto.secrets import secret_id_of

OPERATORS_SECRET = "canary-of-an-operator-7Qm2x9"
"""A secret that is not of our own format, for tests that need one."""

PLANTED = {OPERATORS_SECRET}
"""Whatever else must never be printed: tests add what they make."""

HEARD: dict[str, str] = {}
"""What the current test has sent or been answered in a secret's place, and the name of that."""

_OUR_SECRET = re.compile(r"apogee_[0-9A-Za-z]+_[0-9A-Za-z]+_[0-9A-Za-z]{6}")
_FORMS = {
    "a code or refresh token": re.compile(r"apogee_(code|rt)_[0-9a-f]{32}_[0-9A-Za-z]{43}"),
    "a token": re.compile(r"eyJ[\w-]{10,}\.[\w-]*\.[\w-]{10,}"),
    "a hash of a secret": re.compile(r"\$argon2id\$v=|sha256:[0-9a-f]{64}|AQAAAAEAACcQ"),
    "a private key": re.compile(r"[\"']d[\"']: ?[\"'][\w-]{40}"),
}

# Sealed keys look like tokens; an id_token waits with whoever is asked whether she will sign out.
_AT_REST = ("a token", "a hash of a secret", "what stood in id_token")


def findings_in(text: str) -> list[str]:
    """What in ``text`` must not be there; never the thing itself."""
    findings = [what for what, form in _FORMS.items() if form.search(text)]
    if any(secret_id_of(match) for match in _OUR_SECRET.findall(text)):
        findings.append("a client secret")
    if any(planted in text for planted in PLANTED):
        findings.append("a planted secret")
    findings += sorted(
        {f"what stood in {place}" for heard, place in HEARD.items() if heard in text}
    )
    return findings


def at_rest(text: str) -> list[str]:
    """What of a store must not be there."""
    return [what for what in findings_in(text) if what not in _AT_REST]


def findings_at_rest(folder: Path) -> list[str]:
    """The same of all databases in files below ``folder``."""
    files = (path for path in folder.rglob("*.db*") if path.is_file())
    return [what for path in files for what in at_rest(path.read_bytes().decode("latin-1"))]
