"""What each setting may be, in the file and in the environment."""

from __future__ import annotations

import re
from ipaddress import ip_network
from typing import Any
from urllib.parse import urlsplit

from marshmallow import RAISE, Schema, ValidationError, validate
from marshmallow import fields as schema_fields

from .model import (
    AUTHORIZATION_CODE,
    CLIENT_CREDENTIALS,
    MAXIMUM_REFRESH_SECONDS,
    MAXIMUM_TOKEN_LIFETIME,
    REFRESH_TOKEN,
    SIGNING_ALGORITHMS,
)
from .user_model import comparable_email

IMPLEMENTED_GRANT_TYPES = (CLIENT_CREDENTIALS, AUTHORIZATION_CODE, REFRESH_TOKEN)
SQLITE_SCHEME = "sqlite:///"

_ISSUER = re.compile(
    r"https?://([A-Za-z0-9.-]+|\[[0-9A-Fa-f:.]+\])(:[0-9]{1,5})?((/[A-Za-z0-9_~-][A-Za-z0-9._~-]*)*/?)"
)
_COLLECTION = r"(?=.{1,60}\Z)[A-Za-z0-9_-]+(\.[A-Za-z0-9_-]+)*\Z"
_NO_COLLECTION = "must be 1 to 60 of A-Z, a-z, 0-9, _ and -, with single dots in between"
_MONGODB_SCHEMES = ("mongodb://", "mongodb+srv://")
_HOST = r"[a-z0-9.-]{1,253}\Z|(?=.*:.*:)[0-9a-f:.]{2,45}\Z"
_NO_HOST = "must be host names or addresses, in lower case, without a port"
_DAY = 86_400


class _List(schema_fields.List[Any]):
    """A list in the file; in the environment the same, separated by commas."""

    def _deserialize(self, value: Any, *args: Any, **kwargs: Any) -> Any:
        if isinstance(value, str):
            value = [part.strip() for part in value.split(",") if part.strip()]
        return tuple(super()._deserialize(value, *args, **kwargs))


class _Whole(schema_fields.Integer):
    """A whole number, or its digits in the environment; no fraction, no truth value."""

    def _deserialize(self, value: Any, *args: Any, **kwargs: Any) -> Any:
        if type(value) is not int and not (
            isinstance(value, str) and value.isascii() and value.isdigit()
        ):
            raise self.make_error("invalid")
        return super()._deserialize(value, *args, **kwargs)


def _positive(maximum: float) -> validate.Range:
    return validate.Range(min=0, min_inclusive=False, max=maximum)


def _check_network(network: str) -> None:
    try:
        ip_network(network)
    except ValueError:
        raise ValidationError("must be addresses or networks, as 10.0.0.0/8") from None


def _check_issuer(issuer: str) -> None:
    """RFC 8414 §2: no query, no fragment; what tokens carry is exactly this text."""
    if not _ISSUER.fullmatch(issuer):
        raise ValidationError(
            "must be http(s)://host[:port][/path], without query, fragment, user or odd characters"
        )
    try:
        port = urlsplit(issuer).port
    except ValueError:
        port = 0
    if port == 0:
        raise ValidationError("has a port that is none")


def _check_administrators(entries: tuple[str, ...]) -> None:
    for entry in entries:
        provider, _, email = entry.partition(":")
        try:
            is_comparable = bool(provider) and comparable_email(email) == email
        except ValueError:
            is_comparable = False
        if not is_comparable:
            raise ValidationError("must be provider:address, the address in lower case")


def _check_host(host: str) -> None:
    if not host.isascii() or not host.isprintable() or " " in host or not host:
        raise ValidationError("must be an address or a host name")


def _check_store(url: str) -> None:
    if url.startswith(_MONGODB_SCHEMES) and url.isprintable():
        return
    if not url.startswith(SQLITE_SCHEME) or url == SQLITE_SCHEME or not url.isprintable():
        raise ValidationError(
            "must be sqlite:///relative/path, sqlite:////absolute/path or mongodb://host/database"
        )


def _check_algorithms(algorithms: tuple[str, ...]) -> None:
    """RFC 9068 §2.1: RS256 is what every relying system can verify."""
    if "RS256" not in algorithms or len(set(algorithms)) != len(algorithms):
        raise ValidationError("must have RS256, and each algorithm once")


class SettingsSchema(Schema):
    """One field a setting; whoever is unknown is an error."""

    class Meta:
        unknown = RAISE

    issuer = schema_fields.String(validate=_check_issuer)
    host = schema_fields.String(validate=_check_host)
    port = _Whole(validate=validate.Range(1, 65535))
    admin_port = _Whole(validate=validate.Range(0, 65535))
    health_port = _Whole(validate=validate.Range(0, 65535))
    workers = _Whole(validate=validate.Range(1, 256))
    store = schema_fields.String(validate=_check_store)
    mongodb_prefix = schema_fields.String(
        validate=validate.Regexp(_COLLECTION, error=_NO_COLLECTION)
    )
    plugins = _List(schema_fields.String(validate=validate.Length(min=1)))
    grant_types = _List(schema_fields.String(validate=validate.OneOf(IMPLEMENTED_GRANT_TYPES)))
    access_token_lifetime = _Whole(validate=validate.Range(1, MAXIMUM_TOKEN_LIFETIME))
    authorization_code_lifetime = _Whole(validate=validate.Range(1, 600))
    id_token_lifetime = _Whole(validate=validate.Range(1, MAXIMUM_TOKEN_LIFETIME))
    refresh_token_idle_seconds = _Whole(validate=validate.Range(1, MAXIMUM_REFRESH_SECONDS))
    refresh_token_lifetime = _Whole(validate=validate.Range(1, MAXIMUM_REFRESH_SECONDS))
    session_idle_seconds = _Whole(validate=validate.Range(1, 365 * _DAY))
    session_lifetime = _Whole(validate=validate.Range(1, 365 * _DAY))
    cache_size = _Whole(validate=validate.Range(1, 1_000_000))
    cache_seconds = schema_fields.Float(validate=_positive(300))
    cache_stale_seconds = schema_fields.Float(validate=validate.Range(0, 3600))
    handler_timeout = schema_fields.Float(validate=_positive(60))
    request_timeout = schema_fields.Float(validate=_positive(60))
    connections = _Whole(validate=validate.Range(1, 1_000_000))
    requests_in_flight = _Whole(validate=validate.Range(1, 100_000))
    requests_waiting = _Whole(validate=validate.Range(0, 1_000_000))
    drain_seconds = schema_fields.Float(validate=validate.Range(0, 300))
    shutdown_timeout = schema_fields.Float(validate=_positive(300))
    signing_algorithms = _List(
        schema_fields.String(validate=validate.OneOf(SIGNING_ALGORITHMS)),
        validate=_check_algorithms,
    )
    key_active_seconds = _Whole(validate=validate.Range(2, 3650 * _DAY))
    key_ahead_seconds = _Whole(validate=validate.Range(1, 365 * _DAY))
    key_retired_seconds = _Whole(validate=validate.Range(1, 365 * _DAY))
    key_files = _List(schema_fields.String(validate=validate.Length(min=1)))
    key_files_password = schema_fields.String()
    client_files = _List(schema_fields.String(validate=validate.Length(min=1)))
    identity_provider_files = _List(schema_fields.String(validate=validate.Length(min=1)))
    administrators = _List(schema_fields.String(), validate=_check_administrators)
    private_hosts = _List(schema_fields.String(validate=validate.Regexp(_HOST, error=_NO_HOST)))
    trusted_proxies = _List(schema_fields.String(validate=_check_network))
    templates = _List(schema_fields.String(validate=validate.Length(min=1)))
    log_level = schema_fields.String(validate=validate.OneOf(("debug", "info", "warning", "error")))
    log_format = schema_fields.String(validate=validate.OneOf(("json", "console")))
    traces = schema_fields.String(validate=validate.OneOf(("off", "otlp")))
    key_encryption_key = _List(schema_fields.String())
