"""Recognises our secrets and tokens in any text."""

from __future__ import annotations

import re

from apogee_idp.crypto.secrets import secret_id_of

_OUR_SECRET = re.compile(r"apogee_[0-9A-Za-z]+_[0-9A-Za-z]+_[0-9A-Za-z]{6}")
_TOKEN = re.compile(r"eyJ[\w-]{10,}\.[\w-]*\.[\w-]{10,}")

OPERATORS_SECRET = "canary-of-an-operator-7Qm2x9"
"""Planted wherever a test needs a secret that is not of our own format."""


def findings_in(text: str) -> list[str]:
    """What in ``text`` must not be there; never the thing itself."""
    findings = []
    if any(secret_id_of(match) for match in _OUR_SECRET.findall(text)):
        findings.append("a client secret")
    if _TOKEN.search(text):
        findings.append("a token")
    if OPERATORS_SECRET in text:
        findings.append("an operator's secret")
    return findings
