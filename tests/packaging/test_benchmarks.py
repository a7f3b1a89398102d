"""What README quotes of the benchmarks is what they have measured."""

from __future__ import annotations

import re

import pytest

from .test_documents import text_of

RESULTS = text_of("benchmarks/results/grants.md")


def measured(server: str, token: str) -> str:
    row = re.search(rf"^\| {re.escape(server)} \| {token} \| ([^|]+) \|", RESULTS, re.MULTILINE)
    assert row is not None
    return row[1].strip()


@pytest.mark.parametrize(
    "server", ["Apogee IdP", "oidc-provider", "Authlib", "a bare aiohttp handler"]
)
def test_README_quotes_the_results(server: str) -> None:
    """Of one run: nobody is compared with a figure of another day."""
    section = text_of("README.md").partition("## What a grant costs")[2].partition("\n## ")[0]
    row = next(line for line in section.splitlines() if server in line and line.startswith("|"))
    _, es256, rs256 = (cell.strip() for cell in row.strip("|").split("|"))
    assert (es256, rs256) == (measured(server, "ES256"), measured(server, "RS256"))


def test_README_gives_their_date() -> None:
    """That of the run."""
    date = re.search(r"^(\d{4}-\d\d-\d\d) ", RESULTS, re.MULTILINE)
    assert date is not None
    assert f"on {date[1]}" in text_of("README.md").replace("\n", " ")
