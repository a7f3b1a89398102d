"""Switches on what the settings want of metrics and traces, and loads nothing else."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from ..errors import SettingsError
from ..settings import Settings
from .metrics import Metrics

if TYPE_CHECKING:
    from .traces import Tracing


@dataclass(frozen=True, slots=True)
class Telemetry:
    """What is on."""

    metrics: Metrics | None = None
    tracing: Tracing | None = None


NO_TELEMETRY = Telemetry()


@asynccontextmanager
async def opened_telemetry(
    settings: Settings, *, metrics_directory: Path | None = None
) -> AsyncIterator[Telemetry]:
    """Metrics where there is a port to ask for them, traces if they are wanted.

    Processes that are given the same ``metrics_directory``, empty at first, count together,
    whichever of them is asked. Raises SettingsError if traces can't be made.
    """
    metrics = None
    if settings.health_port or metrics_directory is not None:
        route = f"{settings.issuer_path}/connect/token"
        metrics = Metrics(route, directory=metrics_directory)
    tracing = _tracing() if settings.traces == "otlp" else None
    showing = asyncio.create_task(metrics.run()) if metrics is not None else None
    try:
        yield Telemetry(metrics, tracing)
    finally:
        if showing is not None:
            showing.cancel()
            with suppress(asyncio.CancelledError):
                await showing
        if metrics is not None:
            metrics.close()
        if tracing is not None:
            await tracing.close()


def _tracing() -> Tracing:
    try:
        from .traces import Tracing  # noqa: PLC0415 (an extra, loaded only where it is wanted)
    except ImportError:
        problem = "traces: otlp needs more packages: pip install 'apogee-idp[otel]'"
        raise SettingsError([problem]) from None
    try:
        return Tracing()
    except ValueError as error:
        raise SettingsError([f"traces: OTEL_... in the environment: {error}"]) from None
