"""One table and one chart of a run, with its date and machine."""

from __future__ import annotations

import platform
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from os import cpu_count, getloadavg
from pathlib import Path

from .load import Cost

_BAR, _ROW, _LABEL, _WIDTH = 420, 24, 280, 780
_FONT = 'font-family="sans-serif" font-size="13"'


@dataclass(frozen=True)
class Promise:
    """A figure, and what it may be at most."""

    of: str
    value: float
    at_most: float
    unit: str = ""

    @property
    def holds(self) -> bool:
        return self.value <= self.at_most

    def shown(self, value: float) -> str:
        return f"{value:.0f} {self.unit}" if self.unit else f"{value:.2f}"


def write_report(
    folder: Path, costs: Mapping[tuple[str, str], Cost], promises: Sequence[Promise]
) -> None:
    """Prints the table, and writes it to ``grants.md`` beside the chart ``grants.svg``."""
    text = "\n".join(_lines(costs, promises)) + "\n"
    folder.mkdir(exist_ok=True)
    (folder / "grants.md").write_text(text, encoding="utf-8")
    (folder / "grants.svg").write_text(_chart(costs), encoding="utf-8")
    print(text)


def _lines(costs: Mapping[tuple[str, str], Cost], promises: Sequence[Promise]) -> Iterator[str]:
    yield "# What a grant costs"
    yield f"\n{datetime.now(UTC):%Y-%m-%d} · {_machine()}\n"
    yield "| server | token | CPU time per grant | grants per second |"
    yield "|---|---|--:|--:|"
    for (server, kind), cost in costs.items():
        yield f"| {server} | {kind} | {cost.microseconds:.0f} µs | {cost.per_second:,.0f} |"
    yield "\n| figure | measured | at most | |"
    yield "|---|--:|--:|---|"
    for p in promises:
        held = "holds" if p.holds else "**missed**"
        yield f"| {p.of} | {p.shown(p.value)} | {p.shown(p.at_most)} | {held} |"


def _machine() -> str:
    """Also how busy it is: a busy one measures more than the servers."""
    node = subprocess.run(
        ["node", "--version"], capture_output=True, text=True, check=True, timeout=10
    ).stdout.strip()
    cpuinfo = Path("/proc/cpuinfo").read_text(encoding="utf-8")
    model = cpuinfo.partition("model name\t: ")[2].partition("\n")[0] or platform.machine()
    python, load = platform.python_version(), getloadavg()[1]
    return f"{cpu_count()} cores of {model} · load {load:.1f} · Python {python} · node {node}"


def _chart(costs: Mapping[tuple[str, str], Cost]) -> str:
    most = max(cost.microseconds for cost in costs.values())
    height = _ROW * len(costs) + 16
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {height}" {_FONT}>',
        "<title>CPU time per grant, in microseconds</title>",
        '<rect width="100%" height="100%" fill="#fff"/>',
    ]
    for number, ((server, kind), cost) in enumerate(costs.items()):
        top, width = 8 + _ROW * number, cost.microseconds / most * _BAR
        colour = "#1f6feb" if server.startswith("Apogee") else "#8b949e"
        parts += [
            f'<text x="{_LABEL - 8}" y="{top + 16}" text-anchor="end">{server}, {kind}</text>',
            f'<rect x="{_LABEL}" y="{top + 3}" width="{width:.0f}" height="18" fill="{colour}"/>',
            f'<text x="{_LABEL + width + 6:.0f}" y="{top + 16}">{cost.microseconds:.0f} µs</text>',
        ]
    return "\n".join([*parts, "</svg>"]) + "\n"
