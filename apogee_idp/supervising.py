"""Several processes that serve together: started, watched, replaced when they die or hang, stopped.

Not gunicorn's worker for aiohttp: on SIGTERM that one stops accepting at once, while requests are
still sent to it, and it has no place for a readiness of the whole.
"""

from __future__ import annotations

import asyncio
import signal
from collections.abc import (
    AsyncIterator,
    Awaitable,
    Coroutine,
    Iterable,
    Iterator,
    Mapping,
    Sequence,
)
from contextlib import asynccontextmanager, contextmanager
from dataclasses import replace
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory

from .errors import SettingsError, WorkersFailed
from .logs import log_worker_ended, log_worker_silent
from .readiness import Health
from .settings import Settings
from .stopping import Stop, first_of
from .telemetry.metrics import exposed_slots
from .web.health import create_health_application
from .web.server import Listeners, accepting, listen, listeners_at, terms_of
from .worker import Orders, Worker

_DELAYS = (0.0, 1.0, 2.0, 4.0)
_LIVED_SECONDS = 60.0
_SILENT_SECONDS = 10.0
_LOOK_SECONDS = 2.0
_LOOKS_OF_HUNG = 10
_START_SECONDS = 60.0
_GRACE_SECONDS = 5.0


async def supervise(settings: Settings) -> None:
    """Serves with as many processes as the settings say, until it is told to stop.

    Raises SettingsError if an address or a directory for their metrics can't be had or the workers
    refuse to start, WorkersFailed if they don't stay alive or don't end well.
    """
    stop = Stop()
    stop.follow_signals()
    shares = await _shares(settings)
    with _metrics_directory(settings) as metrics:
        await _supervise(settings, stop, Fleet(settings, shares, metrics), metrics)


@contextmanager
def _metrics_directory(settings: Settings) -> Iterator[Path | None]:
    if not settings.health_port:
        yield None
        return
    try:
        directory = TemporaryDirectory(prefix="apogee-idp-metrics-")
    except OSError as error:
        problem = (
            f"workers: there is no directory for their metrics: {error.strerror}; let TMPDIR name"
            " one that can be written, set health_port = 0, or serve with one worker"
        )
        raise SettingsError([problem]) from None
    with directory as name:
        yield Path(name)


async def _supervise(settings: Settings, stop: Stop, fleet: Fleet, metrics: Path | None) -> None:
    async with _health_listening(settings, fleet, metrics):
        try:
            await first_of(stop.asked(), *fleet.keepers())
        except BaseException:
            stop.hurry()
            await fleet.end(stop)
            raise
        if failed := await fleet.end(stop):
            raise WorkersFailed(f"did not end well: {', '.join(failed)}")


async def _shares(settings: Settings) -> list[Listeners]:
    """Sockets for each worker, at the same addresses.

    Had they one socket, whoever is woken first would take all connections that come together.
    Raises SettingsError also if strangers share an address.
    """
    (await listeners_at(settings)).close()
    return [await listeners_at(settings, shared=True) for _ in range(settings.workers)]


@asynccontextmanager
async def _health_listening(
    settings: Settings, fleet: Fleet, metrics: Path | None
) -> AsyncIterator[None]:
    if metrics is None:
        yield
        return
    application = create_health_application(lambda: fleet.health, partial(exposed_slots, metrics))
    listeners = await listen(settings.host, settings.health_port)
    async with accepting(application, listeners, terms_of(settings)):
        yield


class Deaths:
    """How often one worker has ended in a row, and when the next one may start."""

    def __init__(self) -> None:
        self._count = 0

    def delay_after(self, lived: float) -> float | None:
        """Seconds to wait, for one that lived so many; None if that makes no sense any more."""
        if lived >= _LIVED_SECONDS:
            self._count = 0
        self._count += 1
        return _DELAYS[self._count - 1] if self._count <= len(_DELAYS) else None


class Fleet:
    """The workers, each with its share of the sockets.

    They are kept here, too: what waits there when a worker dies is answered by the next.
    ``metrics`` is the directory in which they count together.
    """

    def __init__(
        self,
        settings: Settings,
        shares: Sequence[Listeners],
        metrics: Path | None,
    ) -> None:
        self._settings = replace(settings, health_port=0)
        self._metrics = metrics
        self._shares = dict(enumerate(shares, start=1))
        self._workers: dict[int, Worker | None] = dict.fromkeys(self._shares)
        self._was_ready = self._has_announced = self._is_stopping = False

    @property
    def health(self) -> Health:
        """What they are together: ready if any is, started if all are."""
        now = asyncio.get_running_loop().time()
        alive = self._alive
        return Health(
            is_ready=not self._is_stopping
            and any(w.health.is_ready and not _is_silent(w, now) for w in alive),
            problem="stopping" if self._is_stopping else self._problem,
            is_started=len(alive) == len(self._workers) and all(w.health.is_started for w in alive),
            silent=", ".join(f"worker {w.number}" for w in alive if _is_silent(w, now)) or None,
        )

    def keepers(self) -> list[Coroutine[None, None, None]]:
        """What keeps each of them alive, and only ends by raising what ``supervise`` does."""
        return [self._keep(number) for number in self._workers]

    async def end(self, stop: Stop) -> list[str]:
        """Tells them to stop, and waits until they have; names those that did not end well."""
        self._is_stopping = True
        for share in self._shares.values():
            share.close()
        ends = {asyncio.create_task(_end_of(worker)): worker for worker in self._alive}
        settings = self._settings
        patience = settings.shutdown_timeout + _GRACE_SECONDS
        await self._tell(
            signal.SIGTERM, ends, stop.hurried(within=settings.drain_seconds + patience)
        )
        await self._tell(signal.SIGINT, ends, asyncio.sleep(patience))
        await self._tell(signal.SIGKILL, ends, asyncio.sleep(_GRACE_SECONDS))
        codes = {worker.number: end.result() for end, worker in ends.items() if end.done()}
        return [f"worker {number} (exit code {code})" for number, code in codes.items() if code]

    async def _tell(
        self, number: int, ends: Mapping[asyncio.Task[int], Worker], until: Awaitable[object]
    ) -> None:
        """Sends a signal to whoever is left, and waits for their ends."""
        for end, worker in ends.items():
            if not end.done():
                worker.send(number)
        await first_of(_all(ends), until)

    @property
    def _alive(self) -> list[Worker]:
        return [worker for worker in self._workers.values() if worker is not None]

    @property
    def _problem(self) -> str | None:
        problems = []
        for number, worker in self._workers.items():
            problem = "has ended" if worker is None else worker.health.problem
            if problem is not None:
                problems.append(f"worker {number}: {problem}")
        return "; ".join(problems) or None

    async def _keep(self, number: int) -> None:
        deaths, loop = Deaths(), asyncio.get_running_loop()
        while True:
            worker = self._start(number)
            exit_code = await _end_of(worker)
            self._workers[number] = None
            self._check(worker, exit_code)
            delay = deaths.delay_after(loop.time() - worker.started_at)
            if delay is None:
                raise WorkersFailed(
                    f"worker {number} has ended {len(_DELAYS) + 1} times within a short while, the"
                    f" last time with exit code {exit_code}: see the events before this one"
                )
            log_worker_ended(number, exit_code, delay)
            await asyncio.sleep(delay)

    def _start(self, number: int) -> Worker:
        announces, self._has_announced = not self._has_announced, True
        share = self._shares[number]
        worker = Worker(Orders(number, self._settings, share, announces, self._metrics))
        self._workers[number] = worker
        return worker

    def _check(self, worker: Worker, exit_code: int) -> None:
        """What can't start has no use in being started again."""
        self._was_ready |= any(each.was_ready for each in (worker, *self._alive))
        if self._was_ready:
            return
        if worker.refusal:
            raise SettingsError(worker.refusal)
        if not worker.health.is_started:
            raise WorkersFailed(f"worker {worker.number} can't start: exit code {exit_code}")


async def _end_of(worker: Worker) -> int:
    """Its exit code, once it has ended, or was killed because it hangs."""
    watch = asyncio.create_task(_kill_hung(worker))
    try:
        return await worker.ended()
    finally:
        watch.cancel()


async def _kill_hung(worker: Worker) -> None:
    """Looks are counted, not seconds: if the machine stood still, nobody could say a word."""
    silent = 0
    while silent < _LOOKS_OF_HUNG:
        heard_at = worker.heard_at
        await asyncio.sleep(_LOOK_SECONDS)
        is_silent = worker.health.is_started and worker.heard_at == heard_at
        silent = silent + 1 if is_silent else 0
    log_worker_silent(worker.number, _LOOKS_OF_HUNG * _LOOK_SECONDS)
    worker.send(signal.SIGKILL)


async def _all(ends: Iterable[asyncio.Task[int]]) -> None:
    await asyncio.gather(*(asyncio.shield(end) for end in ends))


def _is_silent(worker: Worker, now: float) -> bool:
    patience = _SILENT_SECONDS if worker.health.is_started else _START_SECONDS
    return now > worker.heard_at + patience
