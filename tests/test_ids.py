"""Random ids: what they are made of, and that none is ever made twice."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

from apogee_idp.ids import RandomIds

FORKING = """
import os
from apogee_idp.ids import RandomIds

new_id = RandomIds()
new_id()
reader, writer = os.pipe()
child = os.fork()
if not child:
    os.write(writer, new_id().encode())
    os._exit(0)
os.waitpid(child, 0)
print(os.read(reader, 32).decode(), new_id())
"""


def counting() -> tuple[list[bytes], Callable[[int], bytes]]:
    given: list[bytes] = []

    def entropy(size: int) -> bytes:
        given.append(os.urandom(size))
        return given[-1]

    return given, entropy


def test_every_random_bit_is_in_one_id() -> None:
    """128 of them in each."""
    given, entropy = counting()
    new_id = RandomIds(entropy)
    ids = [new_id()]
    while sum(map(len, given)) > 16 * len(ids):
        ids.append(new_id())
    pieces = given[0].hex()
    assert sorted(ids) == sorted(pieces[n : n + 32] for n in range(0, len(pieces), 32))


def test_threads_share_none() -> None:
    """Although all of them take from what one has drawn."""
    new_id = RandomIds()
    with ThreadPoolExecutor(8) as threads:
        made = list(threads.map(lambda _: new_id(), range(20_000)))
    assert len(set(made)) == len(made)


def test_a_forked_process_makes_others() -> None:
    """What was drawn before the fork stays with the parent."""
    command = [sys.executable, "-c", FORKING]
    printed = subprocess.run(command, capture_output=True, text=True, check=True, timeout=30).stdout
    child, parent = printed.split()
    assert child != parent
