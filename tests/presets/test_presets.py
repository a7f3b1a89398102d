"""Presets: the tokens they make are taken by those they are named after, and rules tell why not."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from apogee_idp.management.forecast import forecast
from apogee_idp.management.scopes import ScopeCommands
from apogee_idp.model import Scope, TokenProfile, frozen
from apogee_idp.presets import PRESETS, Subject, violations
from tests.acting import acting
from tests.conftest import StartIdp
from tests.idp import ISSUER, Idp

from . import relying_parties as rp

BILLING = "https://billing.example"
SOUND = Subject(ISSUER, "billing", (BILLING,), 900, typ="JWT")
AUDIENCES = {
    "default": BILLING,
    "aws-sts": "sts.amazonaws.com",
    "gcp-wif": "https://iam.googleapis.com/projects/1/locations/global/x",
    "entra": "api://AzureADTokenExchange",
    "kubernetes": "https://kubernetes.default.svc",
    "vault": "vault",
    "mongodb": "mongodb",
}
VALIDATORS: dict[str, rp.Validator] = {
    "default": rp.rfc9068,
    "aws-sts": rp.aws_sts,
    "gcp-wif": rp.gcp,
    "entra": rp.entra,
    "kubernetes": rp.kubernetes,
    "vault": rp.vault,
    "mongodb": rp.mongodb,
}


async def made_for(idp: Idp, preset: str, **command: Any) -> str:
    """A token of a client with the preset's profile, its changes in ``command``."""
    chosen = {
        "token_profile": PRESETS[preset].profile,
        "skip_token_encryption": PRESETS[preset].skip_token_encryption,
        "default_audience": AUDIENCES[preset],
    } | command
    secret = await idp.add_client(**chosen)
    return (await idp.grant("billing", secret)).token


async def broken_rules(idp: Idp, preset: str) -> list[str]:
    installation = idp.installation
    subject = await forecast(installation.store, installation.settings, "billing")
    return [violation.rule.name for violation in violations(PRESETS[preset], subject)]


async def published_keys(idp: Idp) -> list[dict[str, Any]]:
    return list((await idp.send("GET", "/.well-known/jwks")).json["keys"])


def test_the_presets_are_those_of_README() -> None:
    """Each by its name."""
    names = {"default", "aws-sts", "gcp-wif", "entra", "kubernetes", "vault", "mongodb"}
    assert set(PRESETS) == names | {"internal-jwe"}
    assert [preset.name for preset in PRESETS.values()] == list(PRESETS)


@pytest.mark.parametrize("preset", PRESETS)
def test_the_names_of_a_presets_rules_are_distinct(preset: str) -> None:
    """A script that reads ``clients check --json`` goes by them."""
    names = [rule.name for rule in PRESETS[preset].rules]
    assert len(set(names)) == len(names)


@pytest.mark.parametrize("preset", [name for name in VALIDATORS if name != "default"])
@pytest.mark.parametrize("algorithm", ["RS256", "ES256"])
async def test_the_relying_party_takes_a_presets_token(
    idp: Idp, preset: str, algorithm: Any
) -> None:
    """By rules of its own; and where it refuses the algorithm, ours say so too."""
    profile = replace(PRESETS[preset].profile, signing_algorithm=algorithm)
    token = await made_for(idp, preset, token_profile=profile)
    keys = await published_keys(idp)
    broken = await broken_rules(idp, preset)
    if algorithm == "ES256" and preset in {"entra", "mongodb"}:
        with pytest.raises(rp.Refused, match="algorithm"):
            VALIDATORS[preset](token, ISSUER, AUDIENCES[preset], keys)
        assert broken == ["algorithm"]
    else:
        claims = VALIDATORS[preset](token, ISSUER, AUDIENCES[preset], keys)
        assert (claims["sub"], broken) == ("billing", [])


async def test_AWS_takes_session_tags(idp: Idp) -> None:
    """As many as it allows, as long as it allows."""
    tags = {f"k{n:0127}": "v" * 20 for n in range(10)} | {"équipe": "v" * 256, "empty": ""}
    profile = replace(
        PRESETS["aws-sts"].profile, session_tags=frozen(tags), transitive_tags=("équipe",)
    )
    token = await made_for(idp, "aws-sts", token_profile=profile)
    claims = rp.aws_sts(token, ISSUER, AUDIENCES["aws-sts"], await published_keys(idp))
    assert len(claims["https://aws.amazon.com/tags"]["principal_tags"]) == 12
    assert await broken_rules(idp, "aws-sts") == []


async def test_an_API_of_RFC_9068_takes_the_default(idp: Idp) -> None:
    """Inside its JWE, which is for the server, it is what RFC 9068 describes."""
    token = await made_for(idp, "default")
    inner = await idp.decrypt(token)
    rp.rfc9068(inner, ISSUER, BILLING, await published_keys(idp))
    assert await broken_rules(idp, "default") == []


async def test_the_internal_preset_is_sealed(idp: Idp) -> None:
    """Nobody on the way can read it."""
    secret = await idp.add_client(token_profile=PRESETS["internal-jwe"].profile)
    assert rp.is_sealed((await idp.grant("billing", secret)).token)
    assert await broken_rules(idp, "internal-jwe") == []


TWO = ("https://billing.example", "https://stock.example")
AWS_TAGS = "https://aws.amazon.com/tags"
IDENTITY = "https://aws.amazon.com/source_identity"


def claiming(name: str, value: object) -> dict[str, Any]:
    profile = TokenProfile(typ="JWT", claims=frozen({name: value}))
    return {"token_profile": profile}


def tagged(**tags: str) -> dict[str, Any]:
    return {"token_profile": TokenProfile(typ="JWT", session_tags=tags)}


BROKEN_BY_A_CLIENT = [
    pytest.param("aws-sts", {"skip_token_encryption": False}, "plain", id="aws, encrypted"),
    pytest.param("aws-sts", {"default_audience": "x" * 256}, "audience-length", id="aws, audience"),
    pytest.param("aws-sts", {"default_scopes": "two"}, "one-audience", id="aws, two audiences"),
    pytest.param("aws-sts", tagged(a="1", A="2"), "session-tags", id="aws, tags alike"),
    pytest.param("aws-sts", tagged(a="{}"), "session-tags", id="aws, a tag's characters"),
    pytest.param(
        "aws-sts",
        claiming(AWS_TAGS, {"principal_tags": {"a": "b"}}),
        "session-tags",
        id="aws, flat",
    ),
    pytest.param(
        "aws-sts",
        claiming(AWS_TAGS, {"principal_tags": {"a": ["b", "c"]}}),
        "session-tags",
        id="aws, two values of a tag",
    ),
    pytest.param(
        "aws-sts",
        claiming(AWS_TAGS, {"principal_tags": {"a": ["b"]}, "transitive_tag_keys": ["c"]}),
        "session-tags",
        id="aws, a transitive key of no tag",
    ),
    pytest.param("aws-sts", claiming(IDENTITY, "a b"), "source-identity", id="aws, identity"),
    pytest.param("gcp-wif", {"skip_token_encryption": False}, "plain", id="gcp, encrypted"),
    pytest.param("gcp-wif", {"default_audience": "x" * 257}, "audience-length", id="gcp, audience"),
    pytest.param("entra", {"skip_token_encryption": False}, "plain", id="entra, encrypted"),
    pytest.param("entra", {"default_scopes": "two"}, "one-audience", id="entra, two audiences"),
    pytest.param("entra", {"default_audience": "x" * 601}, "audience-length", id="entra, audience"),
    pytest.param("kubernetes", {"skip_token_encryption": False}, "plain", id="k8s, encrypted"),
    pytest.param("vault", {"skip_token_encryption": False}, "plain", id="vault, encrypted"),
    pytest.param("vault", claiming("Sub", "x"), "claim-names", id="vault, another case"),
    pytest.param("mongodb", {"token_profile": TokenProfile()}, "typ", id="mongodb, at+jwt"),
    pytest.param("mongodb", {"default_scopes": "two"}, "one-audience", id="mongodb, two audiences"),
    pytest.param("mongodb", {"skip_token_encryption": False}, "plain", id="mongodb, encrypted"),
    pytest.param("default", {"skip_token_encryption": True, **claiming("x", 1)}, "typ", id="JWT"),
]


@pytest.mark.parametrize(("preset", "command", "rule"), BROKEN_BY_A_CLIENT)
async def test_what_breaks_a_rule_is_told_and_refused(
    idp: Idp, preset: str, command: dict[str, Any], rule: str
) -> None:
    """Ours names the rule; the relying party refuses the real token."""
    audience = command.get("default_audience", AUDIENCES[preset])
    if command.get("default_scopes") == "two":
        scopes = ("invoices.read", "stock.read")
        profile = TokenProfile(typ="JWT")
        command = {"scopes": scopes, "default_scopes": scopes, "token_profile": profile}
        audience = TWO[0]
    token = await made_for(idp, preset, **command)
    binding = [r.name for r in PRESETS[preset].rules if r.binding]
    assert [name for name in await broken_rules(idp, preset) if name in binding] == [rule]
    with pytest.raises(rp.Refused):
        VALIDATORS[preset](token, ISSUER, audience, await published_keys(idp))


@pytest.mark.parametrize(
    ("preset", "issuer"),
    [
        pytest.param("aws-sts", "https://idp.example:8443", id="aws, a port"),
        pytest.param("aws-sts", "https://idp.example/" + "x" * 240, id="aws, a long one"),
        pytest.param("aws-sts", "http://localhost", id="aws, http"),
        pytest.param("gcp-wif", "http://localhost:8080", id="gcp, http"),
        pytest.param("entra", "http://localhost:8080", id="entra, http"),
        pytest.param("kubernetes", "http://localhost:8080", id="k8s, http"),
        pytest.param("mongodb", "http://localhost:8080", id="mongodb, http"),
    ],
)
async def test_an_issuer_that_is_not_taken(start_idp: StartIdp, preset: str, issuer: str) -> None:
    """It is in every token, and the keys are fetched from there."""
    idp = await start_idp(issuer=issuer)
    secret = await idp.add_client(
        default_audience=AUDIENCES[preset],
        token_profile=PRESETS[preset].profile,
        skip_token_encryption=True,
    )
    assert await broken_rules(idp, preset) == ["issuer"]
    path = issuer.partition("://")[2].partition("/")[2]
    prefix = f"/{path}" if path else ""
    form = {"grant_type": "client_credentials", "client_id": "billing", "client_secret": secret}
    token = (await idp.send("POST", f"{prefix}/connect/token", data=form)).json["access_token"]
    keys = (await idp.send("GET", f"{prefix}/.well-known/jwks")).json["keys"]
    with pytest.raises(rp.Refused, match="issuer"):
        VALIDATORS[preset](token, issuer, AUDIENCES[preset], keys)


ALGORITHMS = {
    "default": ["RS384", "RS512", "PS256", "ES384", "EdDSA"],
    "aws-sts": ["PS256", "EdDSA"],
    "gcp-wif": ["RS384", "RS512", "PS256", "ES384", "EdDSA"],
    "entra": ["RS384", "RS512", "PS256", "ES256", "ES384", "EdDSA"],
    "kubernetes": ["EdDSA"],
    "vault": [],
    "mongodb": ["PS256", "ES256", "ES384", "EdDSA"],
    "internal-jwe": [],
}


@pytest.mark.parametrize("preset", PRESETS)
def test_the_algorithms_that_are_refused(preset: str) -> None:
    """Also those that no server has a key for yet."""
    algorithms = ("RS256", "RS384", "RS512", "PS256", "ES256", "ES384", "EdDSA")
    refused = [
        algorithm
        for algorithm in algorithms
        for violation in violations(PRESETS[preset], replace(SOUND, algorithm=algorithm))
        if violation.rule.name == "algorithm"
    ]
    assert refused == ALGORITHMS[preset]


@pytest.mark.parametrize(
    ("preset", "changes", "rule"),
    [
        pytest.param("gcp-wif", {"client_id": "é" * 64}, "subject", id="gcp, 128 bytes of subject"),
        pytest.param("gcp-wif", {"lifetime": 86_401}, "lifetime", id="gcp, a day and a second"),
        pytest.param("gcp-wif", {"lifetime": 21_601}, "short-lived", id="gcp, over six hours"),
        pytest.param("gcp-wif", {"audience": TWO}, "one-audience", id="gcp, two audiences"),
        pytest.param("entra", {"client_id": "x" * 601}, "subject", id="entra, a long subject"),
        pytest.param("entra", {}, "usual-audience", id="entra, another audience"),
        pytest.param("aws-sts", {"typ": "at+jwt"}, "typ", id="aws, at+jwt"),
        pytest.param("aws-sts", {"reference": True}, "plain", id="aws, a reference"),
        pytest.param("aws-sts", {"audience": ()}, "one-audience", id="aws, no audience"),
        pytest.param("aws-sts", {"issuer": "https://a@b"}, "issuer", id="aws, a user in the URL"),
        pytest.param(
            "aws-sts",
            {"claims": {AWS_TAGS: {"principal_tags": {f"k{n}": ["v"] for n in range(51)}}}},
            "session-tags",
            id="aws, 51 tags",
        ),
        pytest.param("aws-sts", {"claims": {AWS_TAGS: []}}, "session-tags", id="aws, no tags"),
        pytest.param("default", {"audience": TWO, "typ": "at+jwt"}, "one-audience", id="default"),
        pytest.param("internal-jwe", {"typ": "at+jwt"}, "encrypted", id="internal, a plain JWS"),
        pytest.param("internal-jwe", {"encrypted_to": "server"}, "typ", id="internal, JWT"),
    ],
)
def test_what_no_client_or_only_advice_can_show(
    preset: str, changes: dict[str, Any], rule: str
) -> None:
    """The rule is named, and says how to mend it."""
    found = violations(PRESETS[preset], replace(SOUND, **changes))
    assert rule in [violation.rule.name for violation in found]
    assert all(len(violation.why) > 20 for violation in found)


async def test_the_forecast_is_the_token(idp: Idp) -> None:
    """Issuer, audience, lifetime, header and claims are those of the token that is issued."""
    store = idp.installation.store
    scope = Scope("x", resources=("https://x.example",))
    await ScopeCommands(store, **acting(store)).add(scope)
    profile = TokenProfile("ES256", "JWT", lifetime=77, claims=frozen({"tenant": ["blue"]}))
    secret = await idp.add_client(
        scopes=("x",), default_scopes=("x",), skip_token_encryption=True, token_profile=profile
    )
    installation = idp.installation
    told = await forecast(installation.store, installation.settings, "billing")
    claims = await idp.claims((await idp.grant("billing", secret)).token)
    assert (told.issuer, told.client_id) == (claims["iss"], claims["sub"])
    assert told.audience == (claims["aud"],)
    assert told.lifetime == claims["exp"] - claims["iat"] == 77
    assert (told.algorithm, told.typ, told.encrypted_to) == ("ES256", "JWT", None)
    assert told.claims == {"tenant": claims["tenant"]}
