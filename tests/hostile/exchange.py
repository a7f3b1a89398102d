"""One generated request and its answer, and what must be true of every one of them."""

from __future__ import annotations

import time
from collections import Counter

from tests.durability.scene import CALLBACK
from tests.idp import ISSUER, Answer
from tests.waiting import starved_seconds

from .mutations import Sent
from .raw import Raw
from .target import Target

HANGING = 2.0
"""Seconds after which an answer counts as none; those in which others had the processors don't."""

DEAF = 120.0
"""Seconds after which nobody waits for an answer any more."""

IMPATIENCE = 0.1
"""Seconds after which the end of a request is told by closing, where nothing in it says so."""

OURS = ("/", f"{CALLBACK}?", f"{ISSUER}/api/v1/")
_COOKIES = ("__Host-apogee_session=", "__Host-apogee_browser=")


class Exchange:
    """Sends requests on one connection as long as it is kept, and checks what comes back.

    ``statuses`` counts it; 0 is no answer.
    """

    def __init__(self, target: Target) -> None:
        self._target = target
        self._raw: Raw | None = None
        self.statuses: Counter[int] = Counter()

    def ask(self, sent: Sent) -> None:
        """Raises AssertionError for an answer that must not be."""
        began, starved = time.monotonic(), self._starved_seconds()
        answer = self._answer(sent)
        assert time.monotonic() - began - (self._starved_seconds() - starved) < HANGING
        self.statuses[0 if answer is None else answer.status] += 1
        if answer is not None:
            check(answer)
        else:
            assert not sent.is_framed

    def close(self) -> None:
        """The connection."""
        if self._raw is not None:
            self._raw.close()
            self._raw = None

    def _starved_seconds(self) -> float:
        """What either side has waited for a processor."""
        return self._target.starved_seconds + starved_seconds("self")

    def _answer(self, sent: Sent) -> Answer | None:
        raw = self._raw = self._raw or Raw(self._target.port)
        raw.send(sent.raw)
        if not sent.is_framed:
            raw.finish(IMPATIENCE)
        answer = raw.final_answer(to=sent.method, within=DEAF)
        if not sent.is_framed or answer is None or not raw.is_kept:
            self.close()
        else:
            assert raw.has_no_more
        return answer


def check(answer: Answer) -> None:
    """No fault of ours, nothing of its inside, nobody sent or let anywhere else."""
    assert answer.status < 500, answer.body
    assert answer.headers["Server"] == "apogee-idp"
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert "X-Evil" not in answer.headers
    assert b"Traceback" not in answer.body
    location = answer.headers.get("Location", "/")
    assert location.startswith(OURS), location
    assert not location.startswith(("//", "/\\")), location
    for cookie in answer.headers.getall("Set-Cookie", []):  # type: ignore[attr-defined]
        assert cookie.startswith(_COOKIES), cookie
        assert "HttpOnly" in cookie
