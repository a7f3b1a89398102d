"""Mutation tests: do the tests notice when a line of handlers, crypto or stores says another thing?

``python -m tests.mutants`` changes one line at a time, at the places that the seed chooses, or with
``--all`` at all of them, and runs the tests that come by: a mutant that they let pass survives.
Prints those that have no reason in ``mutants.toml``, and the score; exits with 1 if that is too
low. What was killed in a sample is killed a second time, lest chance did it. mutmut does the work,
as ``pyproject.toml`` says; with ``--all`` it goes on where it was, for days if it may.
"""

from __future__ import annotations

import argparse
import hashlib
import io
import os
import re
import signal
import subprocess
import sys
import tomllib
from collections import Counter
from collections.abc import Iterator
from contextlib import redirect_stdout
from dataclasses import dataclass
from pathlib import Path

from mutmut.__main__ import create_mutants
from mutmut.mutation.data import SourceFileMutationData
from mutmut.mutation.diff_apply import get_diff_for_mutant
from mutmut.stats import status_by_exit_code
from mutmut.utils.file_utils import copy_also_copy_files, copy_src_dir, walk_mutatable_files

from .mongodb import MongoProcess

LEAST_SCORE = 0.85
# A crash and an endless loop are noticed, too.
KILLED = {"killed", "timeout", "segfault"}
UNTESTED = "not checked"
REASONS = tomllib.loads(Path(__file__).with_suffix(".toml").read_text())["survivors"]


@dataclass(frozen=True)
class Mutant:
    """A line that says another thing: mutmut's name for it, and what the tests have found."""

    name: str
    path: Path
    status: str

    def change(self) -> list[str]:
        """What it is, whatever its number: the function, the lines that were, and what they are."""
        function = self.name.partition("__mutmut_")[0].replace(".x_", ".").replace(".xǁ", ".")
        # The first two lines have the names of the files.
        lines = get_diff_for_mutant(self.name, path=self.path).splitlines()[2:]
        was, now = ([line[1:].strip() for line in lines if line[0] == sign] for sign in "-+")
        return [function.replace("ǁ", "."), " ".join(was), " ".join(now)]

    def has_reason(self) -> bool:
        """Whether there is one why it may survive: its own, or that of a pattern."""
        function, *lines = self.change()
        return any(
            [function, *lines] in group["mutants"]
            or any(re.fullmatch(pattern, "\n".join(lines)) for pattern in group["patterns"])
            for group in REASONS
        )


def generate() -> None:
    """Writes the sources and their mutants into the folder ``mutants``."""
    Path("mutants").mkdir(exist_ok=True)
    with redirect_stdout(io.StringIO()):
        copy_src_dir()
        copy_also_copy_files()
        create_mutants(os.cpu_count() or 1)


def mutants() -> Iterator[Mutant]:
    """All that there are."""
    for path in walk_mutatable_files():
        data = SourceFileMutationData(path=path)
        data.load()
        for name, exit_code in data.exit_code_by_key.items():
            yield Mutant(name, path, status_by_exit_code[exit_code])


def sample(seed: int, size: int) -> list[str]:
    """The names of so many; most stay the same when others come and go."""
    names = [mutant.name for mutant in mutants()]
    return sorted(names, key=lambda name: hashlib.sha256(f"{seed} {name}".encode()).digest())[:size]


def among(names: list[str]) -> list[Mutant]:
    """Those of these names, or, without names, all that have been tested."""
    if names:
        return [mutant for mutant in mutants() if mutant.name in names]
    return [mutant for mutant in mutants() if mutant.status != UNTESTED]


def put_to_the_test(names: list[str], processes: int, hours: float | None) -> None:
    """Runs the tests on these, or, without names, on all that have not been tested yet.

    Those that were not reached in so many hours stay untested.
    """
    mutmut = str(Path(sys.executable).with_name("mutmut"))
    command = [mutmut, "run", "--max-children", str(processes), *names]
    with MongoProcess() as mongodb:
        environment = os.environ | {"TEST_MONGODB_URI": mongodb.uri}
        with subprocess.Popen(command, env=environment) as running:
            try:
                running.wait(None if hours is None else hours * 3600)
            except subprocess.TimeoutExpired:
                running.send_signal(signal.SIGINT)
    if running.returncode:
        raise subprocess.CalledProcessError(running.returncode, command)


def report(tested: list[Mutant]) -> float:
    """Prints what survived without a reason; returns the part that was killed."""
    survivors = [mutant for mutant in tested if mutant.status not in KILLED]
    unexplained = [mutant for mutant in survivors if not mutant.has_reason()]
    for mutant in unexplained:
        print(f"{mutant.status}: {mutant.name}", *mutant.change(), sep="\n    ")
    statuses = Counter(mutant.status for mutant in tested)
    print(", ".join(f"{count} {status}" for status, count in statuses.most_common()))
    score = 1 - len(survivors) / len(tested)
    print(f"score {score:.1%} of {len(tested)}; {len(unexplained)} survived without a reason")
    return score


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--sample", type=int, default=150, metavar="SIZE")
    parser.add_argument("--all", action="store_true", help="no sample; takes a day and more")
    parser.add_argument("--hours", type=float, help="stop then, with what has been tested")
    parser.add_argument("--processes", type=int, default=os.cpu_count() or 1)
    chosen = parser.parse_args()
    generate()
    names = [] if chosen.all else sample(chosen.seed, chosen.sample)
    put_to_the_test(names, chosen.processes, chosen.hours)
    tested = among(names)
    if names:
        killed = [mutant.name for mutant in tested if mutant.status in KILLED]
        put_to_the_test(killed, chosen.processes, chosen.hours)
        tested = among(names)
    return int(report(tested) < LEAST_SCORE)


if __name__ == "__main__":
    sys.exit(main())
