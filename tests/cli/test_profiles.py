"""``clients create`` with a token profile, ``clients check``, and ``presets``."""

from __future__ import annotations

import json
from typing import Any

import pytest

from apogee_idp.presets import PRESETS

from .conftest import Cli, Done

HTTPS = {"APOGEE_ISSUER": "https://idp.example"}
PS256 = {"APOGEE_SIGNING_ALGORITHMS": "RS256,PS256"}
PLAIN = {
    "skip_token_encryption": False,
    "signing_algorithm": "RS256",
    "token_typ": "at+jwt",
    "encrypt_to": "server",
    "lifetime": None,
    "audience_shape": "compact",
    "claims": {},
    "session_tags": {},
    "transitive_tags": [],
}
AWS = PLAIN | {"skip_token_encryption": True, "token_typ": "JWT", "audience_shape": "single"}


@pytest.fixture(params=["sqlite", "mongodb"])
def backend(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def create(cli: Cli, *options: str, **env: str) -> Done:
    return cli("clients", "create", "new", "--default-audience", "urn:api", *options, **env)


def shown(cli: Cli) -> dict[str, Any]:
    facts = json.loads(cli("clients", "show", "new", "--json").stdout)
    return {name: facts[name] for name in PLAIN}


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        pytest.param([], PLAIN, id="nothing given"),
        pytest.param(["--preset", "aws-sts"], AWS, id="a preset"),
        pytest.param(
            ["--preset", "aws-sts", "--signing-alg", "ES256", "--token-typ", "at+jwt"],
            AWS | {"signing_algorithm": "ES256", "token_typ": "at+jwt"},
            id="options win over the preset",
        ),
        pytest.param(
            ["--preset", "aws-sts", "--encrypt-tokens", "--encrypt-to", "resource"],
            AWS | {"skip_token_encryption": False, "encrypt_to": "resource"},
            id="so they do on encryption",
        ),
        pytest.param(
            ["--lifetime", "60", "--audience-shape", "array"],
            PLAIN | {"lifetime": 60, "audience_shape": "array"},
            id="lifetime and shape",
        ),
        pytest.param(
            ["--claim", 'a.b={"$x": [1, null]}', "--claim", "t=true", "--claim", "text=a=b"],
            PLAIN | {"claims": {"a.b": {"$x": [1, None]}, "t": True, "text": "a=b"}},
            id="claims, JSON or text",
        ),
        pytest.param(
            ["--claim", "n=NaN", "--claim", 'd="', "--claim", "e="],
            PLAIN | {"claims": {"n": "NaN", "d": '"', "e": ""}},
            id="what is no JSON is text",
        ),
        pytest.param(
            ["--session-tag", "team=b=c", "--session-tag", "e=", "--transitive-tag", "team"],
            PLAIN | {"session_tags": {"team": "b=c", "e": ""}, "transitive_tags": ["team"]},
            id="session tags",
        ),
    ],
)
def test_a_client_is_made_with_a_profile(
    cli: Cli, options: list[str], expected: dict[str, Any]
) -> None:
    """It stands in the store as it was given."""
    done = create(cli, *options)
    assert done.returncode == 0, done.stderr
    assert shown(cli) == expected


def test_other_endpoints_are_allowed_one_by_one(cli: Cli) -> None:
    """OpenIddict's permissions; nobody has them unasked."""
    create(cli, "--allow", "introspection", "--allow", "revocation")
    cli("clients", "create", "other")
    endpoints = {
        client: [
            permission
            for permission in json.loads(cli("clients", "show", client, "--json").stdout)[
                "permissions"
            ]
            if permission.startswith("ept:")
        ]
        for client in ("new", "other")
    }
    assert endpoints == {
        "new": ["ept:introspection", "ept:revocation", "ept:token"],
        "other": ["ept:token"],
    }


TAGS = [f"--session-tag=k{n}=v" for n in range(51)]
MISTAKES = [
    pytest.param(["--lifetime", "0"], "1 to 86400", id="no lifetime"),
    pytest.param(["--lifetime", "86401"], "1 to 86400", id="too long a life"),
    pytest.param(["--claim", "tenant"], "an = and a value", id="a claim without value"),
    pytest.param(["--claim", "=x"], "needs a name", id="a claim without name"),
    pytest.param(["--claim", "a=1", "--claim", "a=2"], "given twice", id="a claim twice"),
    pytest.param(["--claim", "sub=admin"], "only the server itself sets sub", id="sub"),
    pytest.param(["--claim", "role=admin"], "only the server itself sets role", id="role"),
    pytest.param(["--claim", "azp=x"], "only the server itself sets azp", id="azp"),
    pytest.param(["--claim", "a\nb=x"], "printable", id="a claim's name"),
    pytest.param(["--claim", "x=1e999"], "no JSON", id="a number without end"),
    pytest.param(["--claim", 'x="\\ud800"'], "half a character", id="half a character"),
    pytest.param(["--claim", "x=" + "y" * 4096], "more than 4096 bytes", id="a large claim"),
    pytest.param(TAGS, "more than 50 session tags", id="51 tags"),
    pytest.param(["--session-tag", "k" * 129 + "=v"], "1 to 128", id="a tag's long key"),
    pytest.param(["--session-tag", "k=" + "v" * 257], "256 printable", id="a tag's long value"),
    pytest.param(["--session-tag", "k=a\tb"], "256 printable", id="a tab in a tag"),
    pytest.param(["--transitive-tag", "team"], "a session tag too: team", id="a tag that is none"),
    pytest.param(
        ["--session-tag", "a=b", "--claim", "https://aws.amazon.com/tags=x"],
        "give one of them",
        id="tags twice",
    ),
    pytest.param(
        ["--encrypt-to", "resource", "--skip-token-encryption"], "choose one", id="both at once"
    ),
    pytest.param(
        ["--encrypt-to", "resource", "--preset", "aws-sts"], "choose one", id="both, by the preset"
    ),
]


@pytest.mark.parametrize(("options", "message"), MISTAKES)
def test_a_profile_that_cannot_be_is_refused(cli: Cli, options: list[str], message: str) -> None:
    """One clear line, exit code 1, and no client."""
    done = create(cli, *options)
    assert (done.returncode, done.stdout) == (1, "")
    assert len(done.stderr.splitlines()) == 1
    assert message in done.stderr
    assert cli("clients", "show", "new").returncode == 1


@pytest.mark.parametrize(
    ("options", "broken"),
    [
        pytest.param(["--preset", "aws-sts"], [], id="a client of the preset"),
        pytest.param([], ["plain", "typ"], id="a client of the default"),
        pytest.param(["--preset", "aws-sts", "--signing-alg", "PS256"], ["algorithm"], id="PS256"),
    ],
)
def test_a_client_is_checked(cli: Cli, options: list[str], broken: list[str]) -> None:
    """Each rule with ok or what is wrong; exit code 1 if one that binds is broken."""
    create(cli, *options, **PS256)
    results = json.loads(
        cli("clients", "check", "new", "--for", "aws-sts", "--json", **HTTPS).stdout
    )
    assert [result["rule"] for result in results if not result["ok"]] == broken
    for_people = cli("clients", "check", "new", "--for", "aws-sts", **HTTPS)
    words = {line.split()[1]: line.split()[0] for line in for_people.stdout.splitlines()}
    assert list(words) == [rule.name for rule in PRESETS["aws-sts"].rules]
    assert {name for name, word in words.items() if word != "ok"} == set(broken)
    assert for_people.returncode == (1 if set(broken) - {"typ"} else 0)


def test_advice_is_a_note_and_no_failure(cli: Cli) -> None:
    """Nobody knows that it would be refused."""
    create(cli, "--preset", "aws-sts", "--token-typ", "at+jwt")
    done = cli("clients", "check", "new", "--for", "aws-sts", **HTTPS)
    assert done.returncode == 0
    assert "note  typ" in done.stdout


def test_the_check_is_of_the_token_for_these_scopes(cli: Cli) -> None:
    """As a request would name them; without any, the default scopes or audience."""
    cli("scopes", "create", "one", "--resource", "urn:" + "x" * 300)
    cli("scopes", "create", "two", "--resource", "https://two.example")
    cli("resources", "create", "urn:long-lived", "--lifetime", "80000")
    options = ("--scope", "one", "--scope", "two", "--skip-token-encryption")
    cli("clients", "create", "new", "--default-audience", "urn:long-lived", *options)

    def broken(*scopes: str) -> list[str]:
        asked = [word for scope in scopes for word in ("--scope", scope)]
        arguments = ("clients", "check", "new", "--for", "gcp-wif", "--json", *asked)
        return [r["rule"] for r in json.loads(cli(*arguments, **HTTPS).stdout) if not r["ok"]]

    assert broken() == ["short-lived"]
    assert broken("one") == ["audience-length"]
    assert broken("two") == []
    assert broken("one", "two") == ["audience-length", "one-audience"]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        pytest.param(["nobody"], "there is no client nobody", id="no client"),
        pytest.param(["new", "--scope", "none"], "the scope none is unknown", id="no scope"),
        pytest.param(["new", "--scope", "theirs"], "not its to ask", id="a scope it hasn't"),
        pytest.param(["new", "--scope", "a", "--scope", "b"], "ask for one", id="two resources"),
    ],
)
def test_a_token_that_nobody_gets_is_not_checked(
    cli: Cli, arguments: list[str], message: str
) -> None:
    """One clear line, and exit code 1."""
    for name in ("a", "b", "theirs"):
        cli("scopes", "create", name, "--resource", f"urn:{name}")
    create(cli, "--preset", "aws-sts", "--scope", "a", "--scope", "b")
    done = cli("clients", "check", *arguments, "--for", "aws-sts", **HTTPS)
    assert (done.returncode, done.stdout) == (1, "")
    assert message in done.stderr


def test_presets_are_printed(cli: Cli) -> None:
    """For people with what they set, for scripts with their rules as well."""
    lines = cli("presets").stdout.splitlines()
    assert [line.split()[0] for line in lines] == ["PRESET", *PRESETS]
    printed = {row["preset"]: row for row in json.loads(cli("presets", "--json").stdout)}
    assert list(printed) == list(PRESETS)
    for name, preset in PRESETS.items():
        rules = [(r["rule"], r["sentence"]) for r in printed[name]["rules"]]
        assert rules == [(rule.name, rule.sentence) for rule in preset.rules]
