"""A-HTTP-15: clients that go away before they are answered leave nothing half done."""

from __future__ import annotations

import asyncio
import random
import socket
import struct
import time
from collections.abc import Callable
from urllib.parse import urlencode

from tests.durability.scene import CALLBACK, VERIFIER

from .raw import Raw, with_body
from .target import Target
from .traffic import gathered

LONGEST = 0.01
"""Seconds: some go away before they are heard, some after they were answered."""


def redemption(code: str) -> bytes:
    """Of a code, by its client."""
    form = {
        "grant_type": "authorization_code",
        "client_id": "app",
        "code": code,
        "redirect_uri": CALLBACK,
        "code_verifier": VERIFIER,
    }
    return with_body(urlencode(form).encode())


def status(target: Target, sent: bytes) -> int:
    """That of the answer; of a refusal, which has to be the right one."""
    with Raw(target.port) as raw:
        raw.send(sent)
        answer = raw.answer()
    assert answer is not None
    assert answer.status == 200 or answer.error == "invalid_grant"
    return answer.status


def test_A_HTTP_15_a_client_that_goes_away_redeems_a_code_or_does_not(
    target: Target, long: Callable[[int, int], int], seed: int
) -> None:
    """What has not arrived to its last byte has done nothing; all else was done once."""
    choose, spent = random.Random(seed), 0
    for _ in range(long(2, 50)):
        for number, code in enumerate(asyncio.run(gathered(target)).codes):
            whole = redemption(code)
            is_whole = bool(number % 2)
            with socket.create_connection(("127.0.0.1", target.port)) as gone:
                gone.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                gone.sendall(whole if is_whole else whole[:-1])
                time.sleep(choose.uniform(0, LONGEST))
            tried = status(target, whole)
            assert tried == 200 or is_whole
            assert status(target, whole) == 400
            spent += tried == 400
    assert spent
