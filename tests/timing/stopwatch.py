"""How long answers take, and whether that differs, as far as statistics can tell.

What is asked is asked in random order, over one connection, so that load and caches fall on all of
it alike; the slowest quarter of all answers, which is what the machine does besides, is left out.
"""

from __future__ import annotations

import asyncio
import math
import random
import time
from collections.abc import Mapping
from itertools import chain, combinations
from statistics import fmean, variance

KEPT = 0.75
WARM = 100


async def timed(port: int, requests: Mapping[str, bytes], each: int, seed: int) -> dict[str, float]:
    """Welch's t for each two of ``requests``, sent ``each`` times: "one, other" is the key.

    Some more are sent before, and not counted.
    """
    order = [name for name in requests for _ in range(each)]
    random.Random(seed).shuffle(order)
    times: dict[str, list[int]] = {name: [] for name in requests}
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        for name in order[:WARM] + order:
            begun = time.perf_counter_ns()
            writer.write(requests[name])
            answer = await reader.read(65536)
            times[name].append(time.perf_counter_ns() - begun)
            assert answer.endswith(b"}"), answer
    finally:
        writer.close()
    counted = {name: taken[-each:] for name, taken in times.items()}
    limit = sorted(chain(*counted.values()))[int(KEPT * len(order))]
    kept = {name: [one for one in taken if one < limit] for name, taken in counted.items()}
    return {f"{a}, {b}": welch(kept[a], kept[b]) for a, b in combinations(kept, 2)}


def welch(one: list[int], other: list[int]) -> float:
    """Welch's t of two samples: beyond 4.5 either way, their means differ (as dudect has it)."""
    error = math.sqrt(variance(one) / len(one) + variance(other) / len(other))
    return (fmean(one) - fmean(other)) / error
