"""``application/x-www-form-urlencoded`` (RFC 6749 appendix B), read strictly.

Frameworks repair broken escapes and bytes, and keep the first or last of a repeated name. For
credentials both are attacks, so here they are refused.
"""

from __future__ import annotations

import re

_BROKEN_ESCAPE = re.compile(rb"%(?![0-9A-Fa-f]{2})")
_ESCAPE = re.compile(rb"%([0-9A-Fa-f]{2})")


class MalformedForm(ValueError):
    """The bytes are no form; the text says why and repeats nothing of them."""


def parse_form(body: bytes) -> list[tuple[str, str]]:
    """Names and values in the order sent; raises MalformedForm."""
    pairs = []
    for field in body.split(b"&"):
        if field:
            name, _, value = field.partition(b"=")
            pairs.append((decode_component(name), decode_component(value)))
    return pairs


def decode_component(raw: bytes) -> str:
    """One name or value: ``+`` is a space, escapes are UTF-8; raises MalformedForm."""
    decoded = raw.replace(b"+", b" ")
    if b"%" in decoded:
        decoded = _unescaped(decoded)
    try:
        text = decoded.decode("utf-8")
    except UnicodeDecodeError:
        raise MalformedForm("it is not UTF-8") from None
    if "\0" in text:
        raise MalformedForm("it holds a NUL character")
    return text


def _unescaped(raw: bytes) -> bytes:
    if _BROKEN_ESCAPE.search(raw):
        raise MalformedForm("a percent escape is broken")
    return _ESCAPE.sub(lambda match: bytes([int(match[1], 16)]), raw)
