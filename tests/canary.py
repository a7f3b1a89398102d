"""Recognises secrets, tokens, hashes and private keys in any text."""

from __future__ import annotations

import re

from apogee_idp.crypto.secrets import secret_id_of

OPERATORS_SECRET = "canary-of-an-operator-7Qm2x9"
"""A secret that is not of our own format, for tests that need one."""

PLANTED = {OPERATORS_SECRET}
"""Whatever else must never be printed: tests add what they make."""

_OUR_SECRET = re.compile(r"apogee_[0-9A-Za-z]+_[0-9A-Za-z]+_[0-9A-Za-z]{6}")
_FORMS = {
    "a code or refresh token": re.compile(r"apogee_(code|rt)_[0-9a-f]{32}_[0-9A-Za-z]{43}"),
    "a token": re.compile(r"eyJ[\w-]{10,}\.[\w-]*\.[\w-]{10,}"),
    "a hash of a secret": re.compile(r"\$argon2id\$v=|sha256:[0-9a-f]{64}|AQAAAAEAACcQ"),
    "a private key": re.compile(r"[\"']d[\"']: ?[\"'][\w-]{40}"),
}


def findings_in(text: str) -> list[str]:
    """What in ``text`` must not be there; never the thing itself."""
    findings = [what for what, form in _FORMS.items() if form.search(text)]
    if any(secret_id_of(match) for match in _OUR_SECRET.findall(text)):
        findings.append("a client secret")
    if any(planted in text for planted in PLANTED):
        findings.append("a planted secret")
    return findings
