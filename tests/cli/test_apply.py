"""``client_files``: the store follows them, at ``apogee-idp apply`` and at each start."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from apogee_idp.app import opened_management, opened_store
from apogee_idp.crypto.secrets import generate_secret
from apogee_idp.management.actor import SERVER_ACTOR
from apogee_idp.model import Client
from apogee_idp.settings import load_settings
from apogee_idp.stores.repositories import clients_in
from tests.process import free_port, serving

from .conftest import Cli, Done

BILLING = """
[[clients]]
client_id = "billing"
display_name = "Billing"
scopes = ["invoices.read"]
secret_file = "billing.secret"
token_profile = { signing_algorithm = "ES256", lifetime = 300 }
"""
SHOP = """
[[clients]]
client_id = "shop"
flow_type = "authorization_code"
client_type = "public"
application_type = "spa"
redirect_uris = ["https://shop.example/callback"]
"""
Apply = Callable[..., Done]


@pytest.fixture(params=["sqlite", "mongodb"])
def backend(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def write(tmp_path: Path) -> Callable[..., None]:
    """Puts files where the server looks for them."""
    (tmp_path / "clients").mkdir()

    def write(**files: str) -> None:
        for name, text in files.items():
            (tmp_path / "clients" / name.replace("__", ".")).write_text(text)

    return write


@pytest.fixture
def apply(cli: Cli, write: Callable[..., None], home_env: dict[str, str]) -> Apply:
    """``apogee-idp apply`` on that directory, in a store with a scope."""
    home_env["APOGEE_CLIENT_FILES"] = "clients"
    cli("scopes", "create", "invoices.read", "--resource", "https://billing.example")
    write(billing__secret=generate_secret().value + "\n", billing__toml=BILLING)
    return lambda *arguments: cli("apply", *arguments)


def outcomes(done: Done) -> dict[str, str]:
    return {client["client_id"]: client["outcome"] for client in json.loads(done.stdout)}


def stored(home_env: dict[str, str]) -> dict[str, Client]:
    async def read() -> dict[str, Client]:
        async with opened_store(load_settings(environ=home_env)) as store:
            return {client.client_id: client for client in (await clients_in(store).all()).items}

    return asyncio.run(read())


def test_a_plan_shows_each_difference_and_changes_nothing(
    apply: Apply, write: Callable[..., None], home_env: dict[str, str]
) -> None:
    """But for secrets, of which it only says that there is another one."""
    assert outcomes(apply("--plan", "--json")) == {"billing": "add"}
    assert stored(home_env) == {}
    apply()
    before = stored(home_env)
    secret = generate_secret().value
    write(billing__secret=secret, billing__toml=BILLING.replace("300", "600") + SHOP)
    plan = apply("--plan")
    assert plan.stdout.splitlines() == [
        "~ billing",
        *[line for line in plan.stdout.splitlines() if line.startswith("    token_profile: ")],
        "    secret: another one -> that of its file",
        "+ shop",
        "nothing was changed: this is the plan",
    ]
    assert '"lifetime": 300' in plan.stdout
    assert '"lifetime": 600' in plan.stdout
    assert secret not in plan.stdout
    assert stored(home_env) == before


def test_applying_twice_changes_nothing_the_second_time(
    apply: Apply, write: Callable[..., None], home_env: dict[str, str]
) -> None:
    """The system we rebuild deleted and made them anew at each start, with all their tokens."""
    write(shop__toml=SHOP)
    assert outcomes(apply("--json")) == {"billing": "add", "shop": "add"}
    before = stored(home_env)
    assert before["billing"].token_profile.lifetime == 300
    assert before["shop"].client_type == "public"
    assert outcomes(apply("--json")) == {"billing": "keep", "shop": "keep"}
    assert stored(home_env) == before


def test_a_change_keeps_what_the_file_does_not_say(
    apply: Apply, write: Callable[..., None], home_env: dict[str, str]
) -> None:
    """When it was made, from when its tokens count, and its secret if that is the same."""
    apply()
    before = stored(home_env)["billing"]
    write(billing__toml=BILLING.replace("[[clients]]", '[[clients]]\nroles = ["reader"]'))
    assert outcomes(apply("--json")) == {"billing": "change"}
    after = stored(home_env)["billing"]
    assert after.roles == ("reader",)
    assert after.secrets == before.secrets
    assert (after.created_at, after.tokens_not_before) == (
        before.created_at,
        before.tokens_not_before,
    )


@pytest.mark.parametrize("own", [False, True], ids=["our format", "an operator's own"])
def test_the_secret_of_the_file_takes_the_place_of_the_old_one(
    apply: Apply, write: Callable[..., None], home_env: dict[str, str], own: bool
) -> None:
    """And once it is there, it is recognised."""
    apply()
    (old,) = stored(home_env)["billing"].secrets
    write(billing__secret="an operator's own secret, long" if own else generate_secret().value)
    assert outcomes(apply("--json")) == {"billing": "change"}
    (new,) = stored(home_env)["billing"].secrets
    assert new != old
    assert outcomes(apply("--json")) == {"billing": "keep"}


def test_a_client_that_was_there_before_is_taken_over(
    cli: Cli, apply: Apply, home_env: dict[str, str]
) -> None:
    """It goes on with the secret of the file."""
    cli("clients", "create", "billing", "--role", "old")
    assert outcomes(apply("--json")) == {"billing": "change"}
    client = stored(home_env)["billing"]
    assert client.is_configured
    assert client.roles == ()
    assert len(client.secrets) == 1


KEYS = BILLING.replace(
    'secret_file = "billing.secret"', 'jwks_uri = "https://billing.example/jwks"'
)


@pytest.mark.parametrize(
    ("entry", "told"),
    [
        pytest.param(BILLING, "several -> that of its file", id="secret_file"),
        pytest.param(KEYS, "another one -> none", id="jwks_uri"),
    ],
)
def test_other_secrets_end(
    cli: Cli,
    apply: Apply,
    write: Callable[..., None],
    home_env: dict[str, str],
    entry: str,
    told: str,
) -> None:
    """Whoever knows one that no file has is nobody any more."""
    secret = json.loads(cli("clients", "create", "billing", "--json").stdout)["client_secret"]
    cli("clients", "secrets", "add", "billing")
    write(billing__secret=secret, billing__toml=entry)
    assert f"    secret: {told}" in apply("--plan").stdout.splitlines()
    assert outcomes(apply("--json")) == {"billing": "change"}
    assert len(stored(home_env)["billing"].secrets) == entry.count("secret_file")
    assert outcomes(apply("--json")) == {"billing": "keep"}


def test_the_secret_of_the_file_does_not_expire(
    cli: Cli, apply: Apply, write: Callable[..., None], home_env: dict[str, str]
) -> None:
    """Though it was to be replaced before the file had it."""
    secret = json.loads(cli("clients", "create", "billing", "--json").stdout)["client_secret"]
    cli("clients", "rotate-secret", "billing", "--overlap", "60")
    write(billing__secret=secret)
    assert outcomes(apply("--json")) == {"billing": "change"}
    (left,) = stored(home_env)["billing"].secrets
    assert (left.id, left.expires_at) == (secret.split("_")[1], None)


def test_a_secret_that_leaked_does_not_come_back(
    apply: Apply, write: Callable[..., None], home_env: dict[str, str]
) -> None:
    """At each start the file brings it again: then it is refused, until there is another one."""
    secret = generate_secret().value
    write(billing__secret=secret)
    apply()

    async def report() -> None:
        async with opened_management(load_settings(environ=home_env), report=print) as desk:
            await desk.secrets(SERVER_ACTOR).report_leaked(secret)

    asyncio.run(report())
    for arguments in (("--plan",), ()):
        assert "! billing: this secret was reported as leaked" in apply(*arguments).stdout
    assert stored(home_env)["billing"].secrets == ()
    write(billing__secret=generate_secret().value)
    assert outcomes(apply("--json")) == {"billing": "change"}


def test_who_knows_a_secret_does_not_become_an_administrator(
    cli: Cli, apply: Apply, write: Callable[..., None]
) -> None:
    """Because a file gives a client that was there before a scope of the management API."""
    cli("clients", "create", "billing")
    entry = BILLING.replace('"invoices.read"', '"idp:admin"')
    write(billing__toml=entry.replace('secret_file = "billing.secret"\n', ""))
    assert "with the secret that it has, others could use idp:admin" in apply().stdout
    write(billing__toml=entry)
    assert outcomes(apply("--json")) == {"billing": "change"}


@pytest.mark.parametrize(
    "command", [("delete",), ("rotate-secret",)], ids=["delete", "rotate-secret"]
)
def test_what_stands_in_a_file_is_changed_there_alone(
    cli: Cli, apply: Apply, home_env: dict[str, str], command: tuple[str, ...]
) -> None:
    """Else the next start would undo it; but its tokens can be ended at once."""
    apply()
    refused = cli("clients", *command, "billing")
    assert refused.returncode == 1
    assert "stands in a file of the setting client_files" in refused.stderr
    assert cli("clients", "revoke-tokens", "billing").returncode == 0
    assert "billing" in stored(home_env)


def test_removed_entries_are_told_and_deleted_only_when_pruned(
    cli: Cli, apply: Apply, write: Callable[..., None], home_env: dict[str, str]
) -> None:
    """And nobody else's clients ever."""
    cli("clients", "create", "by-hand")
    apply()
    write(billing__toml="")
    assert "- billing: no longer in a file, and kept" in apply().stdout
    assert stored(home_env).keys() == {"billing", "by-hand"}
    assert outcomes(apply("--prune", "--json")) == {"billing": "remove"}
    assert stored(home_env).keys() == {"by-hand"}


def test_one_client_that_is_refused_keeps_no_other_from_being_made(
    apply: Apply, write: Callable[..., None], home_env: dict[str, str]
) -> None:
    """Exit 1, and the reason."""
    other = BILLING.replace("billing", "odd").replace("invoices.read", "nothing")
    write(a_first__toml=other, odd__secret=generate_secret().value)
    done = apply()
    assert done.returncode == 1
    assert "! odd: there is no scope nothing: create it first" in done.stdout
    assert stored(home_env).keys() == {"billing"}


WRONG = [
    pytest.param("[[clients", "is no TOML", id="no TOML"),
    pytest.param("issuer = 1", "and nothing else", id="other settings"),
    pytest.param("clients = [1]", "and nothing else", id="no entries"),
    pytest.param("[[clients]]\n", "a client without client_id: client_id: Missing", id="no id"),
    pytest.param(BILLING + "rols = []", "billing: rols: Unknown field", id="misspelt"),
    pytest.param(BILLING + "enabled = 1", "billing: enabled: Not a valid bool", id="no truth"),
    pytest.param(
        BILLING.replace("300", "0"), "billing: token_profile.lifetime: Must be", id="lifetime"
    ),
    pytest.param(
        BILLING.replace("billing.secret", "gone"),
        "billing: secret_file: clients/gone: can't be read",
        id="no secret",
    ),
    pytest.param(BILLING + BILLING, "billing: stands in clients/billing.toml, too", id="twice"),
]


@pytest.mark.parametrize("backend", ["sqlite"])
@pytest.mark.parametrize(("text", "told"), WRONG)
def test_a_wrong_file_is_told_by_file_client_and_field(
    cli: Cli, apply: Apply, write: Callable[..., None], text: str, told: str
) -> None:
    """Before anything is changed; ``check`` says the same, and ``serve`` does not start."""
    write(billing__toml=text)
    for command in ("apply", "serve"):
        done = cli(command)
        assert done.returncode == 1
        assert re.search(rf"error: clients/billing.toml: .*{re.escape(told)}", done.stderr)
    assert "client files" in cli("check").stdout


def test_what_can_not_be_known_from_the_file_alone_is_refused(
    apply: Apply, write: Callable[..., None]
) -> None:
    """A new secret would be seen by nobody; that of a public client would be used by nobody."""
    write(
        billing__toml=BILLING.replace('secret_file = "billing.secret"\n', ""),
        shop__toml=SHOP + 'secret_file = "billing.secret"\n',
    )
    done = apply()
    assert "! billing: billing needs a secret_file, or keys of its own" in done.stdout
    assert "! shop: a public client has no secret" in done.stdout


def test_each_start_brings_the_store_in_line(
    apply: Apply, write: Callable[..., None], home_env: dict[str, str], tmp_path: Path
) -> None:
    """Also two servers at once; and what is refused is told, and stops nobody."""
    odd = BILLING.replace("billing", "odd").replace("invoices.read", "nothing")
    write(odd__toml=odd, odd__secret=generate_secret().value)
    ports = [{"APOGEE_PORT": str(free_port()), "APOGEE_HEALTH_PORT": "0"} for _ in range(2)]
    environments: list[dict[str, Any]] = [home_env | port for port in ports]
    with (
        serving(env=environments[0], cwd=tmp_path) as one,
        serving(env=environments[1], cwd=tmp_path) as two,
    ):
        for server in (one, two):
            server.wait_for("client_not_configured")
            server.wait_for('"serving"')
    assert stored(home_env).keys() == {"billing"}
    assert stored(home_env)["billing"].is_configured
