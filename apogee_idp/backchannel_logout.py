"""Telling clients that a session has ended (OpenID Connect Back-Channel Logout 1.0)."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from functools import partial

from .errors import ApogeeError
from .logout_tokens import LogoutTokens
from .model import Client
from .outgoing import Outgoing
from .requests import Session
from .stores.directory import Directory

PAUSES = (1.0, 5.0, 25.0, 125.0)
"""Seconds between one attempt and the next."""

_MOST_AT_ONCE = 1000
_HEARD = (200, 204)
_TRY_AGAIN = frozenset({408, 425, 429})
_FIRST_SERVER_ERROR = 500


class BackChannelLogout:
    """Tells each client of a session, again after a while if need be.

    What is under way is lost when the process ends, and at most 1000 are under way at once:
    ``report`` is told the client and the problem of each that was not reached. ``sleep`` waits so
    many seconds.
    """

    def __init__(
        self,
        clients: Directory[Client],
        tokens: LogoutTokens,
        outgoing: Outgoing,
        *,
        report: Callable[[str, str], None],
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._clients = clients
        self._tokens = tokens
        self._outgoing = outgoing
        self._report = report
        self._sleep = sleep
        self._under_way: set[asyncio.Task[str]] = set()

    def tell(self, session: Session) -> None:
        """Begins to tell the clients of ``session``, which has ended; nobody waits for them."""
        for client_id in session.clients:
            if len(self._under_way) >= _MOST_AT_ONCE:
                self._report(client_id, "too many others are told at once")
                continue
            telling = asyncio.create_task(self._tell(client_id, session))
            self._under_way.add(telling)
            telling.add_done_callback(partial(self._told, client_id))

    async def close(self) -> None:
        """Gives up on those that were not reached yet, and reports them."""
        for telling in self._under_way:
            telling.cancel()
        await asyncio.gather(*self._under_way, return_exceptions=True)

    async def _tell(self, client_id: str, session: Session) -> str:
        """Why that was in vain, or ""."""
        problem = ""
        try:
            for pause in (0.0, *PAUSES):
                await self._sleep(pause)
                problem, is_final = await self._attempt(client_id, session)
                if is_final:
                    break
        except Exception as error:  # a plugin's key may raise anything
            problem = type(error).__name__
        return problem

    def _told(self, client_id: str, telling: asyncio.Task[str]) -> None:
        """One that was stopped may not even have begun."""
        self._under_way.discard(telling)
        problem = "the server stopped" if telling.cancelled() else telling.result()
        if problem:
            self._report(client_id, problem)

    async def _attempt(self, client_id: str, session: Session) -> tuple[str, bool]:
        """What went wrong, and whether that is how it stays."""
        try:
            client = await self._clients.get(client_id)
            if client is None or not client.enabled or client.backchannel_logout_uri is None:
                return "", True  # it wants to hear of nothing any more
            token = await self._tokens.write(client, session)
            status = await self._outgoing.send_form(
                client.backchannel_logout_uri, {"logout_token": token}
            )
        except ApogeeError as error:
            return str(error), False
        if status in _HEARD:
            return "", True
        may_change = status >= _FIRST_SERVER_ERROR or status in _TRY_AGAIN
        return f"the status of its answer is {status}", not may_change
