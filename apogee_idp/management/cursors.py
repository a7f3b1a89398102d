"""Where a list goes on, as a text that only this installation can have written."""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import json

_TAG_BYTES = 16


class ForgedCursor(ValueError):
    """The text is no cursor of this list: made up, changed, or of another list."""


class Cursors:
    """Writes and reads cursors; ``key`` is the same in every process of an installation."""

    __slots__ = ("_key",)

    def __init__(self, key: bytes) -> None:
        self._key = key

    def write(self, listing: str, after: str) -> str:
        """The cursor behind the key ``after``; ``listing`` says of what list, filters included."""
        place = after.encode()
        return base64.urlsafe_b64encode(self._tag(listing, place) + place).decode().rstrip("=")

    def read(self, listing: str, cursor: str) -> str:
        """The key behind which ``listing`` goes on; raises ForgedCursor."""
        try:
            padded = cursor.encode("ascii") + b"=" * (-len(cursor) % 4)
            raw = base64.b64decode(padded, altchars=b"-_", validate=True)
        except (binascii.Error, ValueError):
            raise ForgedCursor("no cursor") from None
        tag, place = raw[:_TAG_BYTES], raw[_TAG_BYTES:]
        if not hmac.compare_digest(tag, self._tag(listing, place)):
            raise ForgedCursor("no cursor of this list")
        return place.decode()

    def _tag(self, listing: str, place: bytes) -> bytes:
        message = json.dumps([listing]).encode() + b"\0" + place
        return hmac.new(self._key, message, hashlib.sha256).digest()[:_TAG_BYTES]
