"""What a grant costs: ours and its peers, in turn, in one run; medians of all rounds.

``make bench`` runs it and writes ``benchmarks/results/grants.md`` and ``grants.svg``;
``--torture`` mints a million tokens for the row on memory.
"""

from __future__ import annotations

import argparse
import asyncio
import statistics
from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from .load import Cost, cost_of_grants, grants_in, resident_mebibytes
from .pipeline import bare_signature_microseconds, dispatch_microseconds
from .report import Promise, write_report
from .servers import KINDS, Server, apogee_idp, form_of, oidc_provider, python_peer

ALGORITHMS = ("RS256", "ES256")
MANY = "Apogee IdP, many clients"
TWO = "Apogee IdP, two workers"
_RESULTS = Path(__file__).with_name("results")
_GRANTS_IN_PROCESS = 3000


@dataclass(frozen=True)
class Row:
    """What is measured in each round, by the name of the server and the kind of token."""

    server: Server
    form: Mapping[str, str]


Rows = dict[tuple[str, str], Row]
Costs = dict[tuple[str, str], Cost]


def rows(stack: ExitStack, clients: int) -> Rows:
    """Everything that is measured; the servers end with ``stack``, one has so many ``clients``."""
    ours, peer = stack.enter_context(apogee_idp()), stack.enter_context(oidc_provider())
    many = stack.enter_context(apogee_idp(clients=clients))
    two = stack.enter_context(apogee_idp("--workers", "2"))
    found = {("Apogee IdP", kind): Row(ours, form_of(k.client_id)) for kind, k in KINDS.items()}
    for name, server in ((MANY, many), (TWO, two)):
        found[name, "ES256"] = Row(server, form_of(KINDS["ES256"].client_id))
    for algorithm in ALGORITHMS:
        resource = f"https://billing.example/{algorithm.lower()}"
        form = form_of("billing")
        found["oidc-provider", algorithm] = Row(peer, form | {"resource": resource})
        for name, title in (("authlib_server", "Authlib"), ("lean", "a bare aiohttp handler")):
            found[title, algorithm] = Row(stack.enter_context(python_peer(name, algorithm)), form)
    return found


def measured(found: Rows, *, rounds: int, seconds: int) -> Costs:
    """The medians; in each round every row has its turn."""
    costs: dict[tuple[str, str], list[Cost]] = {name: [] for name in found}
    for number in range(rounds):
        print(f"round {number + 1} of {rounds}", flush=True)
        for name, row in found.items():
            costs[name].append(cost_of_grants(row.server, row.form, seconds=seconds))
    return {name: _median(of_row) for name, of_row in costs.items()}


def _median(costs: list[Cost]) -> Cost:
    return Cost(
        statistics.median(cost.microseconds for cost in costs),
        statistics.median(cost.per_second for cost in costs),
    )


def promises(costs: Costs, bare: float, clients: int) -> Iterator[Promise]:
    """What is asked of these figures."""
    rs256, es256, jwe = (costs["Apogee IdP", kind].microseconds for kind in KINDS)
    peer = {a: costs["oidc-provider", a].microseconds for a in ALGORITHMS}
    many, two = (costs[name, "ES256"].microseconds for name in (MANY, TWO))
    yield Promise("ES256: ours / oidc-provider", es256 / peer["ES256"], 0.65)
    yield Promise("RS256: ours / oidc-provider", rs256 / peer["RS256"], 0.8)
    yield Promise(f"RS256: ours / one bare RSA signature ({bare:.0f} µs)", rs256 / bare, 1.5)
    yield Promise("a JWE more than its JWS", jwe - es256, 120, "µs")
    yield Promise("ES256: two workers / one", two / es256, 1.1)
    yield Promise(f"ES256: with {clients:,} clients in the store / with 3", many / es256, 1.1)


def memory(row: Row, tokens: int) -> Iterator[Promise]:
    """Of one process that mints so many tokens; what it grows by is that of the second half."""
    minted, half = 0, 0.0
    while minted < tokens:
        minted += grants_in(row.server, row.form, seconds=5)
        if not half and minted >= tokens / 2:
            half = resident_mebibytes(row.server.pid)
    full = resident_mebibytes(row.server.pid)
    yield Promise(f"resident after {tokens:,} tokens more", full, 120, "MiB")
    yield Promise("of that, grown in the second half", full - half, 1, "MiB")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=int, default=3, help="of each measurement")
    parser.add_argument("--clients", type=int, default=100_000, help="in the store that has many")
    parser.add_argument("--torture", action="store_true", help="a million tokens")
    options = parser.parse_args()
    bare = bare_signature_microseconds()
    pipeline = asyncio.run(dispatch_microseconds(grants=_GRANTS_IN_PROCESS))
    with ExitStack() as stack:
        found = rows(stack, options.clients)
        costs = measured(found, rounds=options.rounds, seconds=options.seconds)
        kept = [*promises(costs, bare, options.clients)]
        kept.append(Promise("dispatch and handlers", pipeline, 60, "µs"))
        kept += memory(found["Apogee IdP", "ES256"], 1_000_000 if options.torture else 100_000)
    write_report(_RESULTS, costs, kept)


if __name__ == "__main__":
    main()
