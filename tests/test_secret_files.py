"""Secrets in files of their own: taken to the letter, or refused with what is wrong."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from apogee_idp.errors import SettingsError
from apogee_idp.identity_providers import read_identity_providers
from apogee_idp.management.client_files import read_client_files
from apogee_idp.secret_files import MAXIMUM_BYTES, read_secret_file
from apogee_idp.settings import load_settings


@pytest.mark.parametrize(
    ("content", "secret"),
    [
        pytest.param(b"hush", "hush", id="as it is"),
        pytest.param(b"hush\r\n", "hush", id="a line"),
        pytest.param(b" hush \n\n", " hush ", id="spaces are its own"),
        pytest.param(b"h" * MAXIMUM_BYTES, "h" * MAXIMUM_BYTES, id="the largest"),
    ],
)
def test_a_secret_is_what_stands_in_its_file(tmp_path: Path, content: bytes, secret: str) -> None:
    """But for the end of the line that editors add."""
    (tmp_path / "s").write_bytes(content)
    assert read_secret_file(tmp_path / "s") == secret


def settings(folder: Path) -> None:
    load_settings(environ={"APOGEE_KEY_FILES_PASSWORD_FILE": str(folder / "s")})


def clients(folder: Path) -> None:
    (folder / "c.toml").write_text('[[clients]]\nclient_id = "billing"\nsecret_file = "s"\n')
    read_client_files([str(folder / "c.toml")])


def providers(folder: Path) -> None:
    text = 'name = "google"\ntype = "google"\nclient_id = "a"\nclient_secret_file = "s"\n'
    (folder / "p.toml").write_text(text)
    read_identity_providers([str(folder / "p.toml")])


@pytest.mark.parametrize("reader", [settings, clients, providers])
@pytest.mark.parametrize(
    ("content", "told"),
    [
        pytest.param(None, "can't be read: No such file or directory; put the secret", id="none"),
        pytest.param(b"", "is empty; put the secret into it", id="empty"),
        pytest.param(b" \n", "is empty; put the secret into it", id="blank"),
        pytest.param(b"hush" * MAXIMUM_BYTES, "more than 4096 bytes; put nothing but", id="large"),
        pytest.param(b"hush\xff", "is not UTF-8 text; write the secret as such", id="no text"),
    ],
)
def test_whoever_reads_it_says_the_same_of_a_file_that_is_none(
    tmp_path: Path, reader: Callable[[Path], None], content: bytes | None, told: str
) -> None:
    """Which file, and what to do; nothing of what stands in it."""
    if content is not None:
        (tmp_path / "s").write_bytes(content)
    with pytest.raises(SettingsError) as caught:
        reader(tmp_path)
    (problem,) = caught.value.problems
    assert f"_file: {tmp_path / 's'}: " in problem.replace("_FILE", "_file")
    assert told in problem
    assert "hush" not in problem
