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

from marshmallow import ValidationError

from .errors import SettingsError
from .model import MAXIMUM_TOKEN_LIFETIME
from .secret_files import read_secret_file
from .settings_schema import IMPLEMENTED_GRANT_TYPES, SQLITE_SCHEME, SettingsSchema
from .stores.sqlite import MEMORY

BUILT_IN_PLUGIN = "handlers:register"
ENVIRONMENT_PREFIX = "APOGEE_"
CONFIG_VARIABLE = "APOGEE_CONFIG"

_SERVICE_HOST = re.compile("_SERVICE_(HOST|PORT)|_PORT_[0-9]+_(TCP|UDP)")
_UNKNOWN = "Unknown field."
_SECRETS = ("key_encryption_key", "key_files_password")
_FROM_FILE = ("key_encryption_key", "key_files_password", "store")


@dataclass(frozen=True, slots=True)
class Settings:
    """What an operator may decide; durations are in seconds.

    ``key_encryption_key`` has one or more keys of 32 bytes as base64: the first seals, all open.
    ``development`` is not a setting: it is what ``serve --dev`` says.
    """

    issuer: str = "http://localhost:8080"
    host: str = "127.0.0.1"
    port: int = 8080
    admin_port: int = 0
    health_port: int = 9090
    workers: int = 1
    store: str = field(default="sqlite:///apogee.db", repr=False)
    mongodb_prefix: str = "openiddict"
    plugins: tuple[str, ...] = ()
    grant_types: tuple[str, ...] = IMPLEMENTED_GRANT_TYPES
    access_token_lifetime: int = 900
    authorization_code_lifetime: int = 60
    id_token_lifetime: int = 900
    refresh_token_idle_seconds: int = 1_209_600
    refresh_token_lifetime: int = 7_776_000
    session_idle_seconds: int = 28_800
    session_lifetime: int = 604_800
    cache_size: int = 10_000
    cache_seconds: float = 5.0
    cache_stale_seconds: float = 60.0
    handler_timeout: float = 2.0
    request_timeout: float = 10.0
    connections: int = 2_000
    requests_in_flight: int = 100
    requests_waiting: int = 1_000
    drain_seconds: float = 10.0
    shutdown_timeout: float = 10.0
    signing_algorithms: tuple[str, ...] = ("RS256", "ES256")
    key_active_seconds: int = 7_776_000
    key_ahead_seconds: int = 86_400
    key_retired_seconds: int = 172_800
    key_files: tuple[str, ...] = ()
    key_files_password: str = field(default="", repr=False)
    client_files: tuple[str, ...] = ()
    identity_provider_files: tuple[str, ...] = ()
    administrators: tuple[str, ...] = ()
    private_hosts: tuple[str, ...] = ()
    trusted_proxies: tuple[str, ...] = ()
    templates: tuple[str, ...] = ()
    log_level: str = "info"
    log_format: str = "json"
    traces: str = "off"
    key_encryption_key: tuple[str, ...] = field(default=(), repr=False)
    development: bool = False

    @property
    def issuer_path(self) -> str:
        """The path below which every endpoint stands: empty, or ``/`` and no ``/`` at its end."""
        return urlsplit(self.issuer).path.rstrip("/")

    @property
    def sqlite_path(self) -> str | None:
        """The file behind the store's URL, or ``:memory:``; None for MongoDB."""
        if not self.store.startswith(SQLITE_SCHEME):
            return None
        return self.store.removeprefix(SQLITE_SCHEME)

    @property
    def longest_token_lifetime(self) -> int:
        """Seconds that any token lives at most.

        Its key stays published for twice as long: clocks differ, and processes follow with a delay.
        """
        return min(MAXIMUM_TOKEN_LIFETIME, self.key_retired_seconds // 2)

    @property
    def management_audience(self) -> str:
        """The resource that tokens for the management API are for, and the address of that API."""
        return self.endpoint("/api/v1")

    @property
    def management_address(self) -> str:
        """Where the management API is; behind ``admin_port``, below whatever leads there."""
        return f"{self.issuer_path}/api/v1" if self.admin_port else self.management_audience

    @property
    def console_origin(self) -> str:
        """The origin of the console's pages: the issuer's, by the port ``admin_port`` if it is set.

        In lower case, as browsers write it.
        """
        url = urlsplit(self.issuer.lower())
        host = url.netloc.removesuffix(f":{url.port}")
        return (
            f"{url.scheme}://{host}:{self.admin_port}"
            if self.admin_port
            else url._replace(path="").geturl()
        )

    def without_secrets(self) -> Settings:
        """The same for whoever needs no secret: without keys and the store's password."""
        store = self.store if self.sqlite_path is not None else "mongodb://"
        return replace(self, key_encryption_key=(), key_files_password="", store=store)

    def endpoint(self, path: str) -> str:
        """The absolute URL of ``path``, which begins with ``/``."""
        return self.issuer.rstrip("/") + path


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
        loaded = SettingsSchema().load(_with_development_defaults(values, development))
    except ValidationError as error:
        problems += _described(error, origins)
        loaded = dict(error.valid_data)  # type: ignore[arg-type]  # of one object, not of a list
    problems += _transport_problems(loaded, origins, development)
    if problems:
        raise SettingsError(problems)
    settings = Settings(**loaded, development=development)
    if problems := [*_period_problems(settings), *_worker_problems(settings)]:
        raise SettingsError(problems)
    return settings


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
    problems += [
        f"{config}: {secret}: secrets don't belong in a settings file; set {_variable(secret)} or"
        f" {_variable(secret)}_FILE"
        for secret in _SECRETS
        if values.pop(secret, None) is not None
    ]
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
            try:
                values[file_key] = read_secret_file(Path(environ[name])).strip()
            except ValueError as error:
                problems.append(f"{name}: {error}")
        elif environ[name].startswith("tcp://") or _SERVICE_HOST.search(name):
            problems.append(
                f"{name}: comes from a Kubernetes service link; set enableServiceLinks: false"
            )
        else:
            values[key] = environ[name]
    return values


def _variable(key: str) -> str:
    return ENVIRONMENT_PREFIX + key.upper()


def _with_development_defaults(values: dict[str, Any], development: bool) -> dict[str, Any]:
    if not development:
        return values
    port = values.get("port", Settings.__dataclass_fields__["port"].default)
    local = {
        "log_format": "console",
        "issuer": f"http://localhost:{port}",
        "health_port": 0,
        "drain_seconds": 0,
    }
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
    close = get_close_matches(key, SettingsSchema().fields, n=1)
    hint = f"did you mean {close[0]}?" if close else "see config/apogee.toml"
    return f"is no setting of this version; {hint}"


def _transport_problems(
    loaded: Mapping[str, Any], origins: Mapping[str, str], development: bool
) -> list[str]:
    issuer = urlsplit(loaded.get("issuer", ""))
    if issuer.scheme != "http" or development or _is_loopback(issuer):
        return []
    return [f"{origins['issuer']}: must be https, unless it is a loopback address or --dev"]


def _period_problems(settings: Settings) -> list[str]:
    problems = []
    if settings.key_ahead_seconds >= settings.key_active_seconds:
        problems.append(
            "key_ahead_seconds: must be less than key_active_seconds, for which a key signs"
        )
    if settings.access_token_lifetime > settings.longest_token_lifetime:
        problems.append(
            "key_retired_seconds: must be twice access_token_lifetime at least, or keys might go"
            " before the tokens they signed"
        )
    return problems


def _worker_problems(settings: Settings) -> list[str]:
    if settings.workers > 1 and settings.sqlite_path == MEMORY:
        return ["workers: must be 1 while the store is in memory, where each has one of its own"]
    return []


def _is_loopback(url: SplitResult) -> bool:
    host = url.hostname or ""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
