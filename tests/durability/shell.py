"""An administrator's shell that gives one command after the other, and can be killed in each.

Run as a module it is that process: ``python -m tests.durability.shell``; it reads ``add`` or
``disable`` and an e-mail address from each line, and prints ``done`` once that is acknowledged.
"""

from __future__ import annotations

import asyncio
import os
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import Mapping
from contextlib import suppress
from typing import Self

from apogee_idp.app import opened_management
from apogee_idp.errors import StoreUnavailable
from apogee_idp.logs import log_command_fault
from apogee_idp.management.users import NewUser, UserCommands
from apogee_idp.settings import load_settings
from tests.acting import TESTER

from .deployment import Lost


class Shell:
    """That process."""

    def __init__(self, env: Mapping[str, str]) -> None:
        self._env = env
        self._process: Process | None = None

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.kill()

    async def run(self, command: str, email: str) -> None:
        """Raises Lost unless it is acknowledged."""
        if self._process is None:
            arguments = (sys.executable, "-m", __name__)
            self._process = await asyncio.create_subprocess_exec(
                *arguments, env=self._env, stdin=PIPE, stdout=PIPE
            )
        stdin, stdout = self._process.stdin, self._process.stdout
        assert stdin is not None
        assert stdout is not None
        stdin.write(f"{command} {email}\n".encode())
        if await stdout.readline() != b"done\n":
            raise Lost

    async def kill(self) -> None:
        """Without any warning to it; the next command starts another one."""
        process, self._process = self._process, None
        if process is not None:
            with suppress(ProcessLookupError):
                process.kill()
            await process.wait()


async def obey() -> None:
    """Until there are no more lines."""
    settings = load_settings(environ=os.environ)
    async with opened_management(settings, report=log_command_fault) as management:
        users = management.users(TESTER)
        while line := await asyncio.to_thread(sys.stdin.readline):
            try:
                await _perform(users, *line.split())
            except StoreUnavailable:
                print("lost", flush=True)
            else:
                print("done", flush=True)


async def _perform(users: UserCommands, command: str, email: str) -> None:
    if command == "add":
        await users.add(NewUser(email))
    else:
        await users.set_enabled(email, enabled=False)


if __name__ == "__main__":
    asyncio.run(obey())
