"""Mutation tests: do the tests notice when a line of handlers, crypto or stores says another thing?

``python -m tests.mutants`` changes one line at a time, at the places that the seed chooses, or with
``--all`` at all of them, and runs the tests that come by: a mutant that they let pass survives.
Prints those that have no reason in ``mutants.toml``, and the score; exits with 1 if that is too
low. mutmut does the work, as ``[tool.mutmut]`` in ``pyproject.toml`` says; a whole run that was
stopped goes on where it was.
"""

from __future__ import annotations

import argparse
import hashlib
import os
import subprocess
import sys
import tomllib
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from mutmut.__main__ import create_mutants
from mutmut.mutation.data import SourceFileMutationData
from mutmut.mutation.diff_apply import get_diff_for_mutant
from mutmut.stats import status_by_exit_code
from mutmut.utils.file_utils import copy_also_copy_files, copy_src_dir, walk_mutatable_files

from .mongodb import MongoProcess

LEAST_SCORE = 0.85
# A crash and an endless loop are noticed, too.
KILLED = {"killed", "timeout", "segfault"}
_REASONS = Path(__file__).with_suffix(".toml")


class Change(NamedTuple):
    """What a mutant is, whatever number mutmut gives it."""

    function: str
    was: str
    now: str

    def __str__(self) -> str:
        return f"{self.function}\n  - {self.was}\n  + {self.now}"


@dataclass(frozen=True)
class Mutant:
    """One line that says another thing, by mutmut's name, and the verdict of the tests."""

    name: str
    path: Path
    status: str

    @property
    def change(self) -> Change:
        """The lines that differ, without their indentation."""
        function = self.name.partition("__mutmut_")[0].replace(".x_", ".").replace(".xǁ", ".")
        # Behind the names of the files, which are the same.
        lines = get_diff_for_mutant(self.name, path=self.path).splitlines()[2:]
        was, now = (
            " ".join(line[1:].strip() for line in lines if line.startswith(sign)) for sign in "-+"
        )
        return Change(function.replace("ǁ", "."), was, now)


def mutants() -> Iterator[Mutant]:
    """All that have been generated."""
    for path in walk_mutatable_files():
        data = SourceFileMutationData(path=path)
        data.load()
        for name, exit_code in data.exit_code_by_key.items():
            yield Mutant(name, path, status_by_exit_code[exit_code])


def sample(names: Iterable[str], *, size: int, seed: int) -> list[str]:
    """Chooses ``size`` of them; most stay the same when others come and go."""
    return sorted(names, key=lambda name: hashlib.sha256(f"{seed} {name}".encode()).digest())[:size]


def generate() -> None:
    """Writes the sources and their mutants into the folder ``mutants``."""
    Path("mutants").mkdir(exist_ok=True)
    copy_src_dir()
    copy_also_copy_files()
    create_mutants(os.cpu_count() or 1)


def put_to_the_test(names: list[str], processes: int) -> None:
    """Runs the tests on these mutants; without names, on all that have no verdict yet."""
    mutmut = Path(sys.executable).with_name("mutmut")
    with MongoProcess() as mongodb:
        subprocess.run(
            [mutmut, "run", "--max-children", str(processes), *names],
            env=os.environ | {"TEST_MONGODB_URI": mongodb.uri},
            check=True,
        )


def reasons() -> dict[Change, str]:
    """Why a mutant may survive."""
    groups = tomllib.loads(_REASONS.read_text())["survivors"]
    return {Change(*mutant): group["reason"] for group in groups for mutant in group["mutants"]}


def report(tested: list[Mutant]) -> float:
    """Prints what survived without a reason; returns the part that was killed."""
    known = reasons()
    survivors = {mutant.name: mutant.change for mutant in tested if mutant.status not in KILLED}
    for name, change in survivors.items():
        if change not in known:
            print(f"survived: {name}, in {change}")
    statuses = Counter(mutant.status for mutant in tested)
    print(", ".join(f"{count} {status}" for status, count in statuses.most_common()))
    unexplained = sum(change not in known for change in survivors.values())
    score = 1 - len(survivors) / len(tested)
    print(f"score {score:.1%} of {len(tested)} mutants; {unexplained} survivors without a reason")
    return score


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--sample", type=int, default=150, metavar="SIZE")
    parser.add_argument("--all", action="store_true", help="all mutants; takes hours")
    parser.add_argument("--processes", type=int, default=os.cpu_count() or 1)
    chosen = parser.parse_args()
    generate()
    names = [mutant.name for mutant in mutants()]
    if not chosen.all:
        names = sample(names, size=chosen.sample, seed=chosen.seed)
    put_to_the_test([] if chosen.all else names, chosen.processes)
    wanted = set(names)
    tested = [mutant for mutant in mutants() if mutant.name in wanted]
    return int(report(tested) < LEAST_SCORE)


if __name__ == "__main__":
    sys.exit(main())
