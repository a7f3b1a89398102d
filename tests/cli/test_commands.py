"""The command line: what operators type, what scripts read, what mistakes look like."""

from __future__ import annotations

import asyncio
import base64
import json
import sqlite3
from contextlib import closing
from pathlib import Path

import pymongo
import pytest

from apogee_idp.app import opened_installation, opened_store
from apogee_idp.crypto.secrets import secret_id_of
from apogee_idp.model import Client
from apogee_idp.settings import Settings, load_settings
from apogee_idp.stores.mongo_schema import STEPS as MONGO_STEPS
from apogee_idp.stores.repositories import clients_in
from apogee_idp.stores.sqlite_schema import STEPS
from tests.canary import findings_in

from .conftest import Cli


@pytest.fixture(params=["sqlite", "mongodb"])
def backend(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def create_billing(cli: Cli, *options: str) -> str:
    """The commands of README, and the secret they print."""
    scope = cli("scopes", "create", "invoices.read", "--resource", "https://billing.example")
    assert (scope.returncode, scope.stdout) == (0, "created invoices.read\n"), scope.stderr
    made = cli(
        *("clients", "create", "billing", "--name", "Billing", "--scope", "invoices.read"),
        *("--skip-token-encryption", "--json", *options),
    )
    assert made.returncode == 0, made.stderr
    printed = json.loads(made.stdout)
    assert list(printed) == ["client_id", "client_secret"]
    assert printed["client_id"] == "billing"
    return str(printed["client_secret"])


def test_the_example_of_README(cli: Cli) -> None:
    """A scope, a client, and JSON that a script can read."""
    secret = create_billing(cli)
    assert secret_id_of(secret)
    shown = json.loads(cli("clients", "show", "billing", "--json").stdout)
    assert shown["secret_ids"] == [secret_id_of(secret)]
    assert shown.pop("tokens_not_before") == shown.pop("created_at") - 1
    del shown["secret_ids"]
    assert shown == {
        "client_id": "billing",
        "display_name": "Billing",
        "client_type": "confidential",
        "application_type": "web",
        "redirect_uris": [],
        "post_logout_redirect_uris": [],
        "backchannel_logout_uri": None,
        "require_second_factor": False,
        "requirements": [],
        "enabled": True,
        "is_configured": False,
        "permissions": [
            "ept:token",
            "gt:client_credentials",
            "scp:invoices.read",
            "scp:roles",
        ],
        "roles": [],
        "default_scopes": [],
        "default_audience": None,
        "skip_token_encryption": True,
        "signing_algorithm": "RS256",
        "token_typ": "at+jwt",
        "encrypt_to": "server",
        "lifetime": None,
        "audience_shape": "compact",
        "claims": {},
        "session_tags": {},
        "transitive_tags": [],
        "reference": False,
        "jwks": None,
        "jwks_uri": None,
        "accepts_token_endpoint_audience": False,
    }


def test_a_secret_is_printed_once_and_never_again(cli: Cli) -> None:
    """No list, no view and no error shows it."""
    create_billing(cli)
    for command in (
        ("clients", "list"),
        ("clients", "list", "--json"),
        ("clients", "show", "billing"),
        ("clients", "show", "billing", "--json"),
        ("clients", "create", "billing"),
        ("check",),
        ("handlers",),
    ):
        done = cli(*command)
        assert findings_in(done.stdout + done.stderr) == []


def test_clients_for_people(cli: Cli) -> None:
    """A table of all, a table of one, and a plain word when it is gone."""
    create_billing(cli, "--role", "clerk")
    listed = cli("clients", "list").stdout.splitlines()
    assert listed[0].split() == ["CLIENT", "ID", "NAME", "TOKEN"]
    assert listed[1].split() == ["billing", "Billing", "JWS"]
    shown = [line.split() for line in cli("clients", "show", "billing").stdout.splitlines()]
    assert ["roles", "clerk"] in shown
    assert cli("clients", "delete", "billing").stdout == "deleted billing\n"
    assert json.loads(cli("clients", "list", "--json").stdout) == []


def test_a_new_secret_replaces_the_old_one(cli: Cli) -> None:
    """Printed once, like the first."""
    old = create_billing(cli)
    rotated = json.loads(cli("clients", "rotate-secret", "billing", "--json").stdout)
    assert rotated["client_id"] == "billing"
    shown = json.loads(cli("clients", "show", "billing", "--json").stdout)
    assert shown["secret_ids"] == [secret_id_of(rotated["client_secret"])]
    assert rotated["client_secret"] != old


def test_an_own_secret_comes_from_a_file_or_standard_input(cli: Cli, tmp_path: Path) -> None:
    """Never from the command line, which everyone on the machine can read."""
    own = "an operator's own, chosen by hand"
    (tmp_path / "secret").write_text(f"{own}\n")
    by_file = cli("clients", "create", "one", "--secret-file", "secret", "--json")
    by_pipe = cli("clients", "create", "two", "--secret-file", "-", "--json", stdin=f"{own}\n")
    for made in (by_file, by_pipe):
        assert json.loads(made.stdout)["client_secret"] == own


def test_scopes(cli: Cli) -> None:
    """Create, list, delete; for people and for scripts."""
    made = cli("scopes", "create", "a", "--resource", "https://a", "--resource", "urn:b", "--json")
    expected = {
        "name": "a",
        "display_name": "",
        "description": "",
        "resources": ["https://a", "urn:b"],
    }
    assert json.loads(made.stdout) == expected
    assert json.loads(cli("scopes", "list", "--json").stdout) == [expected]
    assert "https://a urn:b" in cli("scopes", "list").stdout
    assert cli("scopes", "delete", "a").stdout == "deleted a\n"
    assert cli("scopes", "delete", "a").returncode == 1


MISTAKES = [
    pytest.param(["clients", "show", "nobody"], "there is no client nobody", id="show"),
    pytest.param(["clients", "delete", "nobody"], "there is no client nobody", id="delete"),
    pytest.param(["clients", "rotate-secret", "nobody"], "there is no client", id="rotate"),
    pytest.param(["clients", "create", "billing"], "billing exists already", id="twice"),
    pytest.param(["clients", "create", "x"], "3 to 100 characters", id="a short id"),
    pytest.param(["clients", "create", "a b c"], "3 to 100 characters", id="an id with spaces"),
    pytest.param(["clients", "create", "usr_x"], "marks people", id="a user's id"),
    pytest.param(
        ["clients", "create", "new", "--scope", "none"], "there is no scope none", id="no scope"
    ),
    pytest.param(
        ["clients", "create", "new", "--default-scope", "invoices.read"],
        "default scopes must be scopes too: invoices.read",
        id="a default that is no scope",
    ),
    pytest.param(
        ["clients", "create", "new", "--token-typ", "JWT"],
        "need an audience",
        id="JWT, no audience",
    ),
    pytest.param(
        ["clients", "create", "new", "--secret-file", "-"], "at least 24 characters", id="no secret"
    ),
    pytest.param(["clients", "create", "new", "--secret-file", "bytes"], "not UTF-8", id="no text"),
    pytest.param(["clients", "create", "new", "--role", ""], "a role needs", id="an empty role"),
    pytest.param(
        ["clients", "create", "new", "--default-audience", "a b"], "audience needs", id="audience"
    ),
    pytest.param(["clients", "create", "new", "--name", "a\nb"], "name needs", id="a name"),
    pytest.param(
        ["clients", "create", "new", "--token-typ", "JWT", "--default-audience", "new"],
        "need an audience",
        id="JWT for the client itself",
    ),
    pytest.param(["scopes", "create", "invoices.read"], "exists already", id="a scope twice"),
    pytest.param(["scopes", "create", "openid"], "standard scope", id="a standard scope"),
    pytest.param(["scopes", "create", "a b"], "without space", id="a scope with a space"),
    pytest.param(
        ["scopes", "create", "s", "--resource", "/x"], "absolute URI", id="a relative resource"
    ),
    pytest.param(
        ["scopes", "create", "s", "--resource", "https://x#y"], "absolute URI", id="a fragment"
    ),
    pytest.param(["clients", "list", "--config", "no.toml"], "can't be read", id="no such file"),
    pytest.param(["keys", "revoke", "-eUz"], "no keys yet", id="a KID that begins with a dash"),
    pytest.param(["keys", "revoke", "--eUz"], "no keys yet", id="a KID that begins with two"),
]


@pytest.mark.parametrize(("arguments", "message"), MISTAKES)
def test_a_mistake_is_one_clear_line(
    cli: Cli, arguments: list[str], message: str, tmp_path: Path
) -> None:
    """Exit code 1, on standard error, and no traceback."""
    (tmp_path / "bytes").write_bytes(b"\xff" * 30)
    create_billing(cli)
    done = cli(*arguments)
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith("error: ")
    assert len(done.stderr.splitlines()) == 1
    assert message in done.stderr


@pytest.mark.parametrize(
    "arguments",
    [["nonsense"], ["clients"], ["clients", "create"], ["serve", "--port", "many"]],
    ids=" ".join,
)
def test_a_wrong_call_is_a_usage_error(cli: Cli, arguments: list[str]) -> None:
    """Exit code 2, as everywhere."""
    assert cli(*arguments).returncode == 2


@pytest.mark.parametrize("backend", ["sqlite"], indirect=True)
def test_a_damaged_store_is_named(cli: Cli, tmp_path: Path) -> None:
    """No traceback for a file that is no database."""
    (tmp_path / "apogee.db").write_text("nonsense" * 100)
    done = cli("clients", "list")
    assert done.returncode == 1
    assert "not a database" in done.stderr
    assert "Traceback" not in done.stderr


def test_check_looks_at_the_operators_pages(cli: Cli, tmp_path: Path) -> None:
    """Before a server stumbles over them."""
    (tmp_path / "texts.toml").write_text("[login]\ntitel = 'x'", encoding="utf-8")
    done = cli("check", APOGEE_TEMPLATES=str(tmp_path))
    assert done.returncode == 1
    assert "texts.toml: login.titel: is no text of this version" in done.stdout
    (tmp_path / "texts.toml").write_text("[login]\ntitle = 'x'", encoding="utf-8")
    assert "ok    templates" in cli("check", APOGEE_TEMPLATES=str(tmp_path)).stdout


def test_check_looks_at_identity_providers(cli: Cli, tmp_path: Path) -> None:
    """What is wrong with their files, and who would be an administrator by one that isn't there."""
    (tmp_path / "google.toml").write_text(
        'name = "google"\ntype = "google"\nclient_id = "a"\nclient_secret_file = "g.secret"'
    )
    files = {"APOGEE_IDENTITY_PROVIDER_FILES": "google.toml"}
    done = cli("check", **files)
    assert (done.returncode, "g.secret: can't be read" in done.stdout) == (1, True)
    (tmp_path / "g.secret").write_text("s")
    for entry, code in (("google:ann@example.com", 0), ("gogle:ann@example.com", 1)):
        done = cli("check", **files, APOGEE_ADMINISTRATORS=entry)
        assert (done.returncode, f"{entry}: there is no such provider" in done.stdout) == (
            code,
            code == 1,
        )
        assert "ok    identity providers" in done.stdout


def test_handlers_prints_the_sealed_table(cli: Cli) -> None:
    """Event, order, name, distribution and version, filter; the built-ins are plugins too."""
    lines = cli("handlers").stdout.splitlines()
    assert lines[0].split() == ["EVENT", "ORDER", "NAME", "DISTRIBUTION", "VERSION", "FILTER"]
    rows = [line.split() for line in lines[1:]]
    assert [" ".join(row[:3]) for row in rows] == [
        "GenerateToken 500 attach_claims",
        "GenerateToken 1000 attach_security_credentials",
        "GenerateToken 2000 write_token",
        "ProcessAuthorization 1000 validate_request",
        "ProcessAuthorization 2000 validate_client",
        "ProcessAuthorization 3000 validate_redirect_uri",
        "ProcessAuthorization 3500 validate_parameters",
        "ProcessAuthorization 4000 validate_proof_key",
        "ProcessAuthorization 5000 set_scopes",
        "ProcessAuthorization 6000 validate_session",
        "ProcessAuthorization 7000 validate_consent",
        "ProcessAuthorization 7500 redeem_request",
        "ProcessAuthorization 8000 generate_code",
        "ProcessAuthorization 9000 attach_parameters",
        "ProcessConfiguration 1000 attach_endpoints",
        "ProcessConfiguration 2000 attach_capabilities",
        "ProcessEndSession 1000 validate_request",
        "ProcessEndSession 2000 validate_client",
        "ProcessEndSession 3000 validate_redirect_uri",
        "ProcessIntrospection 1000 validate_request",
        "ProcessIntrospection 2000 validate_client",
        "ProcessIntrospection 3000 validate_permissions",
        "ProcessIntrospection 4000 validate_token",
        "ProcessIntrospection 5000 validate_authorized_party",
        "ProcessPushedAuthorization 1000 validate_request",
        "ProcessPushedAuthorization 2000 validate_client",
        "ProcessPushedAuthorization 3000 validate_authorization",
        "ProcessPushedAuthorization 4000 push_request",
        "ProcessRevocation 1000 validate_request",
        "ProcessRevocation 2000 validate_client",
        "ProcessRevocation 3000 validate_permissions",
        "ProcessRevocation 4000 validate_token",
        "ProcessRevocation 5000 validate_authorized_party",
        "ProcessRevocation 6000 revoke_token",
        "ProcessSignIn 1000 validate_request",
        "ProcessSignIn 2000 validate_client",
        "ProcessSignIn 3000 validate_permissions",
        "ProcessSignIn 4000 redeem_authorization_code",
        "ProcessSignIn 4000 redeem_refresh_token",
        "ProcessSignIn 5000 build_principal",
        "ProcessSignIn 6000 set_scopes",
        "ProcessSignIn 7000 set_resources",
        "ProcessSignIn 8000 configure_encryption",
        "ProcessSignIn 9000 generate_token",
        "ProcessSignIn 10000 attach_parameters",
        "ProcessUserInfo 1000 validate_token",
        "ProcessUserInfo 2000 validate_scopes",
        "ProcessUserInfo 3000 attach_claims",
        "ValidateToken 1000 read_token",
        "ValidateToken 2000 validate_revocation",
    ]
    filters = {"redeem_authorization_code": "is_code_grant"}
    filters["redeem_refresh_token"] = "is_refresh_grant"
    for row in rows:
        assert tuple(row[3:]) == ("apogee-idp", "0.1.0", filters.get(row[2], "always"))


def test_check_on_a_sound_installation(cli: Cli, backend: str) -> None:
    """Every line ok, exit code 0."""
    create_billing(cli)
    done = cli("check")
    assert done.returncode == 0, done.stdout
    assert [line.split()[:2] for line in done.stdout.splitlines()] == [
        ["ok", "settings"],
        ["ok", "store"],
        *([["ok", "index"], ["ok", "writes"], ["ok", "clock"]] if backend == "mongodb" else []),
        ["ok", "schema"],
        ["ok", "keys"],
        ["ok", "handlers"],
    ]


@pytest.mark.parametrize(
    ("variables", "failing", "hint"),
    [
        pytest.param(
            {"APOGEE_KEY_ENCRYPTION_KEY": ""}, "keys", "openssl rand -base64 32", id="no key"
        ),
        pytest.param({"APOGEE_KEY_ENCRYPTION_KEY": "x"}, "keys", "32 bytes", id="a short key"),
        pytest.param(
            {"APOGEE_STORE": "sqlite:////no/where/a.db"}, "store", "/no/where", id="store"
        ),
        pytest.param({"APOGEE_PLUGINS": "acme"}, "handlers", "installed: none", id="a plugin"),
        pytest.param({"APOGEE_PLUGINS": "no_such:x"}, "handlers", "no_such:x", id="a module"),
    ],
)
def test_check_says_what_is_wrong_and_how_to_mend_it(
    cli: Cli, variables: dict[str, str], failing: str, hint: str
) -> None:
    """Exit code 1; what is sound is still said."""
    done = cli("check", "--json", **variables)
    findings = {finding["check"]: finding for finding in json.loads(done.stdout)}
    assert done.returncode == 1
    assert not findings[failing]["ok"]
    assert hint in findings[failing]["detail"]
    assert findings["settings"]["ok"]


def test_check_makes_nothing(cli: Cli, tmp_path: Path) -> None:
    """A store that isn't there is not made by looking for it."""
    done = cli("check", APOGEE_STORE="sqlite:///typo.db")
    assert done.returncode == 0
    assert f"none yet: the first start makes {tmp_path / 'typo.db'}" in done.stdout
    assert "ok    keys      none yet" in done.stdout
    assert not (tmp_path / "typo.db").exists()


def test_settings_may_come_from_a_file(cli: Cli, tmp_path: Path) -> None:
    """By the option or by APOGEE_CONFIG."""
    (tmp_path / "a.toml").write_text('issuer = "https://from.file.example"\n')
    assert "https://from.file.example" in cli("check", "--config", "a.toml").stdout
    assert "https://from.file.example" in cli("check", APOGEE_CONFIG="a.toml").stdout


def test_a_public_client_has_no_secret_to_rotate(cli: Cli, home_env: dict[str, str]) -> None:
    """Nor does it get one."""

    async def make_public() -> None:
        async with opened_store(load_settings(environ=home_env)) as store:
            await clients_in(store).add(Client("public", client_type="public"))

    asyncio.run(make_public())
    done = cli("clients", "rotate-secret", "public")
    assert (done.returncode, "has no secret" in done.stderr) == (1, True)


def test_check_reports_wrong_settings_too(cli: Cli) -> None:
    """As findings, in JSON if that was asked for."""
    done = cli("check", "--json", APOGEE_PORT="x", APOGEE_NONSENSE="y")
    assert done.returncode == 1
    assert [finding["ok"] for finding in json.loads(done.stdout)] == [False, False]


def test_check_finds_a_wrong_key(cli: Cli, home_env: dict[str, str]) -> None:
    """Keys that were sealed with another key-encryption key than the one at hand."""

    async def first_start() -> None:
        async with opened_installation(load_settings(environ=home_env)) as installation:
            await installation.until_ready()

    asyncio.run(first_start())
    assert "3 open" in cli("check").stdout
    other = base64.b64encode(b"2" * 32).decode()
    wrong = cli("check", APOGEE_KEY_ENCRYPTION_KEY=other)
    assert wrong.returncode == 1
    assert "no key-encryption key opens" in wrong.stdout
    right = home_env["APOGEE_KEY_ENCRYPTION_KEY"]
    assert cli("check", APOGEE_KEY_ENCRYPTION_KEY=f"{other},{right}").returncode == 0


def test_db_says_and_does_what_is_missing(cli: Cli, backend: str) -> None:
    """``status`` changes nothing and fails until ``upgrade`` has done every step."""
    before = cli("db", "status")
    assert before.returncode == 1
    if backend == "sqlite":
        assert "none yet: the first start makes" in before.stderr
    else:
        told = [line.split()[-1] for line in before.stdout.splitlines()]
        assert told == ["DONE", *["no"] * len(MONGO_STEPS)]
    assert cli("db", "status").stdout == before.stdout
    steps = len(STEPS if backend == "sqlite" else MONGO_STEPS)
    assert cli("db", "upgrade").stdout == f"The schema is at step {steps} of {steps}.\n"
    after = cli("db", "status", "--json")
    assert after.returncode == 0
    assert [step["done"] for step in json.loads(after.stdout)] == [True] * steps


def test_db_tells_of_a_later_versions_steps(
    cli: Cli, backend: str, empty_store_url: str, tmp_path: Path
) -> None:
    """They are no fault: this version runs on them."""
    cli("db", "upgrade")
    steps = len(STEPS if backend == "sqlite" else MONGO_STEPS)
    if backend == "sqlite":
        with closing(sqlite3.connect(tmp_path / "apogee.db")) as db:
            db.execute(f"PRAGMA user_version = {steps + 1}")
    else:
        with pymongo.MongoClient[dict[str, object]](empty_store_url) as client:
            records = client.get_default_database()["openiddict.apogee.schema"]
            records.update_one({}, {"$set": {"done": steps + 1}})
    told = f"step {steps} of {steps}, and 1 of a later version"
    assert cli("db", "upgrade").stdout == f"The schema is at {told}.\n"
    status = cli("db", "status")
    assert (status.returncode, status.stdout.splitlines()[-1].split()[1:]) == (
        0,
        ["of", "a", "later", "version", "yes"],
    )
    assert told in cli("check").stdout


@pytest.mark.parametrize("backend", ["mongodb"], indirect=True)
def test_db_names_what_stands_in_the_way(cli: Cli, empty_store_url: str) -> None:
    """``upgrade`` does all else, ``status`` says which step is missing."""
    with pymongo.MongoClient[dict[str, object]](empty_store_url) as client:
        applications = client.get_default_database()["openiddict.applications"]
        applications.insert_many([{"client_id": "twice"}, {"client_id": "twice"}])
    done = cli("db", "upgrade")
    steps = len(MONGO_STEPS)
    assert done.returncode == 1
    assert done.stdout == f"The schema is at step {steps - 1} of {steps}.\n"
    told = "error: several documents of openiddict.applications have the same client_id"
    assert done.stderr.startswith(told)
    status = cli("db", "status")
    assert status.returncode == 1
    (missing,) = [line for line in status.stdout.splitlines() if line.split()[-1] == "no"]
    assert "unique index on applications.client_id" in missing
    created = cli("clients", "create", "new")
    assert created.returncode == 1
    assert "run `apogee-idp db upgrade`" in created.stderr


def test_check_says_which_step_comes_next(cli: Cli, tmp_path: Path) -> None:
    """A database of an older version is no fault: the next start goes on."""
    with sqlite3.connect(tmp_path / "old.db") as db:
        db.executescript(
            "CREATE TABLE applications (key TEXT PRIMARY KEY, version TEXT NOT NULL,"
            " expires_at INTEGER, document TEXT NOT NULL) STRICT, WITHOUT ROWID;"
            "CREATE TABLE scopes AS SELECT * FROM applications;"
            "CREATE TABLE keys AS SELECT * FROM applications;"
            "INSERT INTO applications VALUES ('billing', 'v', NULL,"
            ' \'{"client_id": "billing", "client_type": "confidential", "future": 1}\');'
            "PRAGMA user_version = 1"
        )
    db.close()
    old = {"APOGEE_STORE": "sqlite:///old.db"}
    done = cli("check", **old)
    assert done.returncode == 0
    goes_on = f"step 1 of {len(STEPS)}: the next start, or `apogee-idp db upgrade`, goes on"
    assert goes_on in done.stdout
    assert cli("db", "status", **old).returncode == 1
    with sqlite3.connect(tmp_path / "old.db") as db:
        assert db.execute("PRAGMA user_version").fetchone() == (1,)
    db.close()
    assert json.loads(cli("clients", "rotate-secret", "billing", "--json", **old).stdout)
    with sqlite3.connect(tmp_path / "old.db") as db:
        ((text,),) = db.execute("SELECT document FROM applications").fetchall()
    db.close()
    assert json.loads(text)["future"] == 1
    assert "client_id" not in json.loads(text)


def test_a_disabled_client_is_shown_as_such_until_it_is_enabled(cli: Cli) -> None:
    """Whoever is disabled by mistake loses nothing."""
    cli("clients", "create", "billing")
    before = cli("clients", "show", "billing", "--json").stdout
    assert cli("clients", "disable", "billing").stdout == "disabled billing\n"
    assert json.loads(cli("clients", "show", "billing", "--json").stdout)["enabled"] is False
    assert cli("clients", "enable", "billing").stdout == "enabled billing\n"
    assert cli("clients", "show", "billing", "--json").stdout == before


def test_a_damaged_document_ends_no_list(cli: Cli, empty_store_url: str) -> None:
    """The rest is listed, and standard error names what isn't."""

    async def damage() -> None:
        async with opened_store(Settings(store=empty_store_url)) as store:
            await store.applications.insert("damaged", {"permissions": {"no": "list"}})

    cli("clients", "create", "billing")
    asyncio.run(damage())
    listed = cli("clients", "list", "--json")
    assert [client["client_id"] for client in json.loads(listed.stdout)] == ["billing"]
    assert listed.stderr == "warning: left out: the stored document of damaged is damaged\n"


def test_a_client_for_people_is_created(cli: Cli) -> None:
    """A web application has a secret, a public one none; what it lacks is told."""
    callback = ("--redirect-uri", "https://app.example/cb")
    made = cli("clients", "create", "app", *callback, "--offline-access", "--json")
    assert made.returncode == 0, made.stderr
    facts = json.loads(cli("clients", "show", "app", "--json").stdout)
    assert facts["redirect_uris"] == ["https://app.example/cb"]
    assert "gt:refresh_token" in facts["permissions"]
    assert "ft:pkce" in facts["requirements"]
    public = cli("clients", "create", "spa", *callback, "--public")
    assert public.stdout == "created spa, which has no secret\n"
    shown = json.loads(cli("clients", "show", "spa", "--json").stdout)
    assert (shown["client_type"], shown["application_type"]) == ("public", "spa")
    for options, told in (
        (("--public",), "needs a --redirect-uri"),
        ((*callback, "--public", "--without-pkce"), "needs PKCE"),
        (("--redirect-uri", "http://app.example/cb"), "needs https"),
    ):
        refused = cli("clients", "create", "other", *options)
        assert refused.returncode == 1
        assert told in refused.stderr
