"""Settings: defaults, file, environment, flags; the unknown stops the start and is named."""

from __future__ import annotations

import tomllib
from dataclasses import FrozenInstanceError, asdict, fields
from pathlib import Path
from typing import Any

import pytest

from apogee_idp import foundation, logs, serving
from apogee_idp.errors import SettingsError
from apogee_idp.settings import Settings, load_settings
from apogee_idp.telemetry import traces
from apogee_idp.web import server

CONFIG = Path(__file__).parents[2] / "config"


def load(
    tmp_path: Path, toml: str | None = None, *, flags: Any = None, dev: bool = False, **environ: str
) -> Settings:
    config = None
    if toml is not None:
        config = tmp_path / "apogee.toml"
        config.write_text(toml)
    return load_settings(config=config, environ=environ, flags=flags, development=dev)


def test_without_anything_the_defaults_hold(tmp_path: Path) -> None:
    """``Settings()`` runs as it stands."""
    assert load(tmp_path) == Settings()


def test_the_annotated_file_is_the_defaults(tmp_path: Path) -> None:
    """config/apogee.toml shows every setting, each with its default."""
    values = tomllib.loads((CONFIG / "apogee.toml").read_text())
    not_in_a_file = {"key_encryption_key", "key_files_password", "development"}
    assert values.keys() == {f.name for f in fields(Settings)} - not_in_a_file
    assert load_settings(config=CONFIG / "apogee.toml", environ={}) == Settings()


@pytest.mark.parametrize("path", sorted(CONFIG.glob("*.toml")), ids=lambda path: path.name)
def test_every_example_loads(path: Path) -> None:
    """Deployment examples are kept in step with the code."""
    load_settings(config=path, environ={})


def test_later_layers_win(tmp_path: Path) -> None:
    """Defaults, then the file, then the environment, then flags."""
    toml = "port = 1\nhost = 'a'\nlog_level = 'error'\n"
    settings = load(
        tmp_path, toml, flags={"port": 3}, APOGEE_PORT="2", APOGEE_HOST="b", OTHER="ignored"
    )
    assert (settings.port, settings.host, settings.log_level) == (3, "b", "error")


def test_lists_and_numbers_come_as_text_from_the_environment(tmp_path: Path) -> None:
    """Separated by commas."""
    settings = load(
        tmp_path, APOGEE_PLUGINS="acme, our_idp.rules:register,", APOGEE_HANDLER_TIMEOUT="0.5"
    )
    assert settings.plugins == ("acme", "our_idp.rules:register")
    assert settings.handler_timeout == 0.5


@pytest.mark.parametrize("name", ["KEY_ENCRYPTION_KEY", "STORE"])
def test_a_secret_may_come_from_a_file(tmp_path: Path, name: str) -> None:
    """``*_FILE``, as Kubernetes mounts it."""
    value = "sqlite:///from-file.db"
    (tmp_path / "secret").write_text(value + "\n")
    settings = load(tmp_path, **{f"APOGEE_{name}_FILE": str(tmp_path / "secret")})
    assert asdict(settings)[name.lower()] in (value, (value,))


def test_the_key_encryption_key_is_in_no_repr(tmp_path: Path) -> None:
    """Nor can the settings be changed."""
    settings = load(tmp_path, APOGEE_KEY_ENCRYPTION_KEY="hush")
    assert settings.key_encryption_key == ("hush",)
    assert "hush" not in repr(settings)
    with pytest.raises(FrozenInstanceError):
        settings.port = 1  # type: ignore[misc]


PROBLEMS: list[Any] = [
    pytest.param("nonsense = 1", {}, "nonsense: is no setting", id="an unknown key in the file"),
    pytest.param(
        None, {"NONSENSE": "1"}, "APOGEE_NONSENSE: is no setting", id="in the environment"
    ),
    pytest.param(None, {"PROT": "1"}, "did you mean port?", id="a slip of the finger"),
    pytest.param(None, {"PORT_FILE": "x"}, "APOGEE_PORT_FILE: is no setting", id="no secret"),
    pytest.param("port = 0", {}, "port:", id="port 0"),
    pytest.param(None, {"PORT": "65536"}, "APOGEE_PORT:", id="a port too high"),
    pytest.param(None, {"PORT": "http"}, "APOGEE_PORT: Not a valid integer", id="a port of text"),
    pytest.param("port = true", {}, "port:", id="a port of true"),
    pytest.param(None, {"HANDLER_TIMEOUT": "nan"}, "APOGEE_HANDLER_TIMEOUT:", id="not a number"),
    pytest.param(None, {"HANDLER_TIMEOUT": "-1"}, "APOGEE_HANDLER_TIMEOUT:", id="negative"),
    pytest.param(None, {"HANDLER_TIMEOUT": "1e999"}, "APOGEE_HANDLER_TIMEOUT:", id="infinite"),
    pytest.param("plugins = 'acme'\nhost = 5", {}, "host: Not a valid string", id="a host of 5"),
    pytest.param("grant_types = ['password']", {}, "grant_types:", id="a grant we don't have"),
    pytest.param(None, {"LOG_LEVEL": "loud"}, "APOGEE_LOG_LEVEL: Must be one of", id="a level"),
    pytest.param(None, {"STORE": "redis://x"}, "APOGEE_STORE: must be sqlite", id="a store"),
    pytest.param(None, {"STORE": "sqlite:///"}, "APOGEE_STORE:", id="a store without a path"),
    pytest.param(
        None, {"MONGODB_PREFIX": "a b"}, "APOGEE_MONGODB_PREFIX: must be 1 to 60 of", id="a prefix"
    ),
    pytest.param("key_encryption_key = 'hush'", {}, "don't belong in a settings file", id="secret"),
    pytest.param(None, {"STORE_FILE": "/no/such"}, "APOGEE_STORE_FILE: /no/such: can't", id="file"),
    pytest.param("port = ", {}, "is not TOML", id="no TOML"),
    pytest.param("port = " + "[" * 5000, {}, "is not TOML", id="TOML without end"),
    pytest.param("port = 1" + "0" * 5000, {}, "is not TOML", id="a number without end"),
    pytest.param("port = 8080.9", {}, "port: Not a valid integer", id="a port and a fraction"),
    pytest.param(None, {"PORT": " 9_999"}, "APOGEE_PORT:", id="a port as Python writes it"),
    pytest.param(None, {"PORT": "٩٨٠٩"}, "APOGEE_PORT:", id="a port in other digits"),
    pytest.param(None, {"HOST": "a b"}, "APOGEE_HOST:", id="a host with a space"),
    pytest.param('store = "sqlite:///a\\u0000b"', {}, "store:", id="a NUL in the store"),
    pytest.param(
        None, {"STORE": "sqlite:///a", "STORE_FILE": "/dev/null"}, "not both", id="twice the same"
    ),
    pytest.param(None, {"PORT": "tcp://10.0.0.1:80"}, "enableServiceLinks", id="a service link"),
    pytest.param(None, {"SERVICE_HOST": "10.0.0.1"}, "enableServiceLinks", id="another one"),
    *[
        pytest.param(None, {"ISSUER": issuer}, "APOGEE_ISSUER:", id=f"issuer {issuer}")
        for issuer in (
            *("", "idp", "ftp://idp.example", "https://", "https://a?b", "https://a#b"),
            *(
                "https://u:hush@a",
                "https://a b",
                "https://ä.example",
                "https://a:b",
                "https://[::1",
            ),
            *("https://a?", "https://a#", "http://idp.example", "http://localhost.evil.example"),
            *(
                "https://a\n",
                "http://127.0.0.1.example",
                "https://a/{x}",
                "https://a/..",
                "https://a//b",
            ),
            *("https://a<b", "https://a\\b", "https://a/%zz", "https://a:0", "https://a:99999"),
        )
    ],
]


@pytest.mark.parametrize(("toml", "environ", "message"), PROBLEMS)
def test_a_wrong_setting_is_named(
    tmp_path: Path, toml: str | None, environ: dict[str, str], message: str
) -> None:
    """Where it stands and what is wrong, without repeating what may be a secret."""
    with pytest.raises(SettingsError) as caught:
        load(tmp_path, toml, **{f"APOGEE_{name}": value for name, value in environ.items()})
    assert message in str(caught.value)
    assert "hush" not in str(caught.value)


def test_all_problems_are_reported_at_once(tmp_path: Path) -> None:
    """One line each."""
    with pytest.raises(SettingsError) as caught:
        load(tmp_path, "a = 1\nport = 0", APOGEE_B="2", APOGEE_ISSUER="x")
    assert len(caught.value.problems) == 4
    with pytest.raises(SettingsError) as caught:
        load(tmp_path, APOGEE_B="2", APOGEE_ISSUER="http://idp.example")
    assert len(caught.value.problems) == 2


@pytest.mark.parametrize(
    "issuer", ["http://localhost:8080", "http://127.0.0.1", "http://[::1]:8080", "https://a/b"]
)
def test_issuers_that_are_fine(tmp_path: Path, issuer: str) -> None:
    """https anywhere, http on this machine."""
    assert load(tmp_path, APOGEE_ISSUER=issuer).issuer == issuer


def test_development_may_be_plain_http_and_follows_its_port(tmp_path: Path) -> None:
    """Unless an issuer is set."""
    assert load(tmp_path, dev=True, flags={"port": 9999}).issuer == "http://localhost:9999"
    assert load(tmp_path, dev=True).log_format == "console"
    assert load(tmp_path, dev=True, APOGEE_ISSUER="http://host.test").issuer == "http://host.test"


@pytest.mark.parametrize(
    ("issuer", "endpoint"),
    [
        ("https://a", "https://a/connect/token"),
        ("https://a/", "https://a/connect/token"),
        ("https://a/b", "https://a/b/connect/token"),
        ("https://a/b/", "https://a/b/connect/token"),
    ],
)
def test_endpoints_stand_below_the_issuer(issuer: str, endpoint: str) -> None:
    """With one slash between, however the issuer ends."""
    assert Settings(issuer=issuer).endpoint("/connect/token") == endpoint


@pytest.mark.parametrize(
    ("toml", "told"),
    [
        pytest.param("key_retired_seconds = 1799", "twice access_token_lifetime", id="no margin"),
        pytest.param(
            "key_active_seconds = 86400", "less than key_active_seconds", id="ahead of all"
        ),
        pytest.param("signing_algorithms = ['ES256']", "must have RS256", id="no RS256"),
        pytest.param("signing_algorithms = ['RS256', 'RS256']", "once", id="twice"),
        pytest.param("signing_algorithms = ['RS256', 'none']", "one of", id="none"),
        pytest.param("private_hosts = ['Payroll.internal']", "lower case", id="upper case"),
        pytest.param("private_hosts = ['a:80']", "without a port", id="a port"),
        pytest.param("key_files_password = 'x'", "secrets don't belong", id="a secret"),
    ],
)
def test_what_would_not_work_with_keys_is_refused(tmp_path: Path, toml: str, told: str) -> None:
    """With a line that says which setting, and why."""
    with pytest.raises(SettingsError, match=told):
        load(tmp_path, toml)


def test_the_margin_is_enough_at_its_edge(tmp_path: Path) -> None:
    """Twice the lifetime, and not a second more is asked for."""
    assert load(tmp_path, "key_retired_seconds = 1800").longest_token_lifetime == 900
    assert Settings().longest_token_lifetime == 86_400


def test_a_stop_takes_25_seconds_at_most_by_default() -> None:
    """With all that a process has to tidy up; and readiness is noticed in the meantime."""
    defaults = Settings()
    tidying = (
        server._CANCEL_SECONDS,
        foundation._LAST_FLUSH_SECONDS,
        traces._FLUSH_SECONDS,
        serving._HANGING_SECONDS,
        logs._CLOSE_SECONDS,
    )
    assert defaults.drain_seconds + defaults.shutdown_timeout + sum(tidying) <= 25
    assert defaults.drain_seconds >= 10
