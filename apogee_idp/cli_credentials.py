"""The options of ``clients create`` that say how the client authenticates."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, BinaryIO, TextIO

import click

from .errors import CommandRefused
from .management.client_keys import ClientKeys
from .model import frozen
from .strict_json import NotStrictJson, parse_json_object

_MAXIMUM_JSON_BYTES = 64 * 1024
_MAXIMUM_LINE_CHARACTERS = 4096

CREDENTIAL_OPTIONS = (
    click.option(
        "--secret-file", type=click.File(), help="A secret of your own, from a file or -."
    ),
    click.option(
        "--jwks-file",
        type=click.File("rb"),
        help="Its public keys (JWK Set), or -: it authenticates by private_key_jwt.",
    ),
    click.option("--jwks-uri", help="Where its public keys stand: the same, and it rotates them."),
    click.option(
        "--accept-token-endpoint-audience",
        "accepts_token_endpoint_audience",
        is_flag=True,
        help="For libraries that can't have the issuer as the aud of assertions.",
    ),
)


def keys_of(options: Mapping[str, Any]) -> ClientKeys:
    """The client's own keys; raises CommandRefused for a file that is no JWK Set."""
    file = options["jwks_file"]
    return ClientKeys(
        None if file is None else read_jwks(file),
        options["jwks_uri"],
        options["accepts_token_endpoint_audience"],
    )


def read_jwks(file: BinaryIO) -> Mapping[str, Any]:
    """The JWK Set in ``file``; raises as ``read_json``."""
    return read_json(file, "JWK Set")


def read_json(file: BinaryIO, what: str) -> Mapping[str, Any]:
    """The JSON object in ``file``; raises CommandRefused, which repeats nothing of it."""
    raw = file.read(_MAXIMUM_JSON_BYTES + 1)
    if len(raw) > _MAXIMUM_JSON_BYTES:
        raise CommandRefused(f"the {what} file has more than {_MAXIMUM_JSON_BYTES} bytes")
    try:
        members: Mapping[str, Any] = frozen(parse_json_object(raw))
    except NotStrictJson as error:
        raise CommandRefused(f"the {what} file can't be read: {error}") from None
    return members


def secret_of(options: Mapping[str, Any]) -> str | None:
    """The operator's own secret, if any; raises CommandRefused."""
    file: TextIO | None = options["secret_file"]
    return None if file is None else read_line(file, "secret")


def read_line(file: TextIO, what: str) -> str:
    """The secret or password in ``file``; raises CommandRefused, which repeats nothing of it."""
    try:
        text = file.read(_MAXIMUM_LINE_CHARACTERS + 1)
    except UnicodeDecodeError:
        raise CommandRefused(f"the {what} file is not UTF-8 text") from None
    if len(text) > _MAXIMUM_LINE_CHARACTERS:
        raise CommandRefused(f"the {what} file is too large for a {what}")
    return text.strip("\r\n")
