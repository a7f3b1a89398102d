"""Settings: defaults here, then a TOML file, then ``APOGEE_*`` in the environment.

A key that nobody knows stops the start and is named; all problems are reported at once.
"""

from __future__ import annotations

import ipaddress
import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from difflib import get_close_matches
from pathlib import Path
from typing import Any
from urllib.parse import SplitResult, urlsplit

from marshmallow import RAISE, Schema, ValidationError, validate
from marshmallow import fields as schema_fields

from .errors import SettingsError
from .model import CLIENT_CREDENTIALS, MAXIMUM_TOKEN_LIFETIME

BUILT_IN_PLUGIN = "handlers:register"
IMPLEMENTED_GRANT_TYPES = (CLIENT_CREDENTIALS,)
ENVIRONMENT_PREFIX = "APOGEE_"
CONFIG_VARIABLE = "APOGEE_CONFIG"

_ISSUER = re.compile(
    r"https?://([A-Za-z0-9.-]+|\[[0-9A-Fa-f:.]+\])(:[0-9]{1,5})?((/[A-Za-z0-9_~-][A-Za-z0-9._~-]*)*/?)"
)
_COLLECTION = r"(?=.{1,60}\Z)[A-Za-z0-9_-]+(\.[A-Za-z0-9_-]+)*\Z"
_SERVICE_HOST = re.compile("_SERVICE_(HOST|PORT)|_PORT_[0-9]+_(TCP|UDP)")
_SQLITE_SCHEME = "sqlite:///"
_MONGODB_SCHEMES = ("mongodb://", "mongodb+srv://")
_UNKNOWN = "Unknown field."
_SECRET = "key_encryption_key"
_FROM_FILE = ("key_encryption_key", "store")


@dataclass(frozen=True, slots=True)
class Settings:
    """What an operator may decide; durations are in seconds.

    ``key_encryption_key`` has one or more keys of 32 bytes as base64: the first seals, all open.
    ``development`` is not a setting: it is what ``serve --dev`` says.
    """

    issuer: str = "http://localhost:8080"
    host: str = "127.0.0.1"
    port: int = 8080
    health_port: int = 9090
    store: str = field(default="sqlite:///apogee.db", repr=False)
    mongodb_prefix: str = "openiddict"
    plugins: tuple[str, ...] = ()
    grant_types: tuple[str, ...] = IMPLEMENTED_GRANT_TYPES
    access_token_lifetime: int = 900
    cache_size: int = 10_000
    cache_seconds: float = 5.0
    cache_stale_seconds: float = 60.0
    handler_timeout: float = 2.0
    request_timeout: float = 10.0
    shutdown_timeout: float = 25.0
    log_level: str = "info"
    log_format: str = "json"
    key_encryption_key: tuple[str, ...] = field(default=(), repr=False)
    development: bool = False

    @property
    def issuer_path(self) -> str:
        """The path below which every endpoint stands: empty, or ``/`` and no ``/`` at its end."""
        return urlsplit(self.issuer).path.rstrip("/")

    @property
    def sqlite_path(self) -> str | None:
        """The file behind the store's URL, or ``:memory:``; None for MongoDB."""
        if not self.store.startswith(_SQLITE_SCHEME):
            return None
        return self.store.removeprefix(_SQLITE_SCHEME)

    def without_secrets(self) -> Settings:
        """The same for whoever needs no secret: without keys and the store's password."""
        store = self.store if self.sqlite_path is not None else "mongodb://"
        return replace(self, key_encryption_key=(), store=store)

    def endpoint(self, path: str) -> str:
        """The absolute URL of ``path``, which begins with ``/``."""
        return self.issuer.rstrip("/") + path


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


def _check_host(host: str) -> None:
    if not host.isascii() or not host.isprintable() or " " in host or not host:
        raise ValidationError("must be an address or a host name")


def _check_store(url: str) -> None:
    if url.startswith(_MONGODB_SCHEMES) and url.isprintable():
        return
    if not url.startswith(_SQLITE_SCHEME) or url == _SQLITE_SCHEME or not url.isprintable():
        raise ValidationError(
            "must be sqlite:///relative/path, sqlite:////absolute/path or mongodb://host/database"
        )


class _SettingsSchema(Schema):
    class Meta:
        unknown = RAISE

    issuer = schema_fields.String(validate=_check_issuer)
    host = schema_fields.String(validate=_check_host)
    port = _Whole(validate=validate.Range(1, 65535))
    health_port = _Whole(validate=validate.Range(0, 65535))
    store = schema_fields.String(validate=_check_store)
    mongodb_prefix = schema_fields.String(validate=validate.Regexp(_COLLECTION))
    plugins = _List(schema_fields.String(validate=validate.Length(min=1)))
    grant_types = _List(schema_fields.String(validate=validate.OneOf(IMPLEMENTED_GRANT_TYPES)))
    access_token_lifetime = _Whole(validate=validate.Range(1, MAXIMUM_TOKEN_LIFETIME))
    cache_size = _Whole(validate=validate.Range(1, 1_000_000))
    cache_seconds = schema_fields.Float(validate=_positive(300))
    cache_stale_seconds = schema_fields.Float(validate=validate.Range(0, 3600))
    handler_timeout = schema_fields.Float(validate=_positive(60))
    request_timeout = schema_fields.Float(validate=_positive(60))
    shutdown_timeout = schema_fields.Float(validate=_positive(300))
    log_level = schema_fields.String(validate=validate.OneOf(("debug", "info", "warning", "error")))
    log_format = schema_fields.String(validate=validate.OneOf(("json", "console")))
    key_encryption_key = _List(schema_fields.String())


def load_settings(
    *,
    config: Path | None = None,
    environ: Mapping[str, str],
    flags: Mapping[str, Any] | None = None,
    development: bool = False,
) -> Settings:
    """The settings in force; ``flags`` win over everything else.

    Raises SettingsError, which names each key that is unknown or wrong and where it stands.
    """
    origins: dict[str, str] = {}
    problems: list[str] = []
    values: dict[str, Any] = {}
    layers = (
        (_from_file(config, problems), lambda key: f"{config}: {key}"),
        (_from_environment(environ, problems), _variable),
        (dict(flags or {}), lambda key: f"--{key}"),
    )
    for layer, name_of in layers:
        values |= layer
        origins |= {key: name_of(key) for key in layer}
    try:
        loaded = _SettingsSchema().load(_with_development_defaults(values, development))
    except ValidationError as error:
        problems += _described(error, origins)
        loaded = dict(error.valid_data)  # type: ignore[arg-type]  # of one object, not of a list
    problems += _transport_problems(loaded, origins, development)
    if problems:
        raise SettingsError(problems)
    return Settings(**loaded, development=development)


def _from_file(config: Path | None, problems: list[str]) -> dict[str, Any]:
    if config is None:
        return {}
    try:
        values = tomllib.loads(config.read_text(encoding="utf-8"))
    except OSError as error:
        problems.append(f"{config}: can't be read: {error.strerror}")
        return {}
    except (ValueError, RecursionError) as error:
        problems.append(f"{config}: is not TOML: {error}")
        return {}
    if values.pop(_SECRET, None) is not None:
        problems.append(
            f"{config}: {_SECRET}: secrets don't belong in a settings file; set"
            " APOGEE_KEY_ENCRYPTION_KEY or APOGEE_KEY_ENCRYPTION_KEY_FILE"
        )
    return values


def _from_environment(environ: Mapping[str, str], problems: list[str]) -> dict[str, Any]:
    values: dict[str, Any] = {}
    for name in sorted(environ):
        if not name.startswith(ENVIRONMENT_PREFIX) or name == CONFIG_VARIABLE:
            continue
        key = name.removeprefix(ENVIRONMENT_PREFIX).lower()
        file_key = key.removesuffix("_file")
        if file_key != key and file_key in _FROM_FILE:
            if file_key in values:
                problems.append(f"{name}: set it or {_variable(file_key)}, not both")
            values[file_key] = _file_content(name, environ[name], problems)
        elif environ[name].startswith("tcp://") or _SERVICE_HOST.search(name):
            problems.append(
                f"{name}: comes from a Kubernetes service link; set enableServiceLinks: false"
            )
        else:
            values[key] = environ[name]
    return values


def _file_content(name: str, path: str, problems: list[str]) -> str:
    try:
        return Path(path).read_text(encoding="utf-8").strip()
    except (OSError, ValueError):
        problems.append(f"{name}: the file can't be read")
        return ""


def _variable(key: str) -> str:
    return ENVIRONMENT_PREFIX + key.upper()


def _with_development_defaults(values: dict[str, Any], development: bool) -> dict[str, Any]:
    if not development:
        return values
    port = values.get("port", Settings.__dataclass_fields__["port"].default)
    local = {"log_format": "console", "issuer": f"http://localhost:{port}", "health_port": 0}
    return local | values


def _described(error: ValidationError, origins: Mapping[str, str]) -> list[str]:
    messages = error.messages_dict
    return [
        f"{origins.get(key, key)}: {_flat(messages[key]).replace(_UNKNOWN, _unknown(key))}"
        for key in sorted(messages)
    ]


def _flat(message: Any) -> str:
    if isinstance(message, dict):
        return " ".join(_flat(part) for part in message.values())
    return " ".join(message) if isinstance(message, list) else str(message)


def _unknown(key: str) -> str:
    close = get_close_matches(key, _SettingsSchema().fields, n=1)
    hint = f"did you mean {close[0]}?" if close else "see config/apogee.toml"
    return f"is no setting of this version; {hint}"


def _transport_problems(
    loaded: Mapping[str, Any], origins: Mapping[str, str], development: bool
) -> list[str]:
    issuer = urlsplit(loaded.get("issuer", ""))
    if issuer.scheme != "http" or development or _is_loopback(issuer):
        return []
    return [f"{origins['issuer']}: must be https, unless it is a loopback address or --dev"]


def _is_loopback(url: SplitResult) -> bool:
    host = url.hostname or ""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
