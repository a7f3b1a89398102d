"""How a process is told to stop: in an orderly way, or quickly."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Awaitable, Iterator
from contextlib import contextmanager, suppress

STOP_SIGNALS = (signal.SIGTERM, signal.SIGINT)


class Stop:
    """SIGTERM asks for an orderly stop: requests may be on their way still. SIGINT is in a hurry.

    The one who presses Ctrl-C knows that nobody is. Being told twice is being told once.
    """

    def __init__(self) -> None:
        self._asked = asyncio.Event()
        self._hurried = asyncio.Event()

    def follow_signals(self) -> None:
        """From now on they are understood; those that were held back come now."""
        loop = asyncio.get_running_loop()
        loop.add_signal_handler(signal.SIGTERM, self._asked.set)
        loop.add_signal_handler(signal.SIGINT, self.hurry)
        signal.pthread_sigmask(signal.SIG_UNBLOCK, STOP_SIGNALS)

    def hurry(self) -> None:
        """Stop at once."""
        self._asked.set()
        self._hurried.set()

    async def asked(self) -> None:
        """Until it is to stop."""
        await self._asked.wait()

    async def hurried(self, *, within: float) -> None:
        """Until it is to stop at once, or so many seconds have passed."""
        with suppress(TimeoutError):
            async with asyncio.timeout(within):
                await self._hurried.wait()


@contextmanager
def held_back() -> Iterator[None]:
    """A process that is made meanwhile gets no signal to stop before it understands them."""
    before = signal.pthread_sigmask(signal.SIG_BLOCK, STOP_SIGNALS)
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


async def first_of(*awaitables: Awaitable[object]) -> None:
    """Returns, or raises, as soon as one of them does; the others are cancelled."""
    tasks = [asyncio.ensure_future(awaitable) for awaitable in awaitables]
    try:
        done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        for task in done:
            task.result()
    finally:
        for task in tasks:
            task.cancel()
