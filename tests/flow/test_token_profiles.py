"""What a client's token profile, and the resources it asks for, make of its tokens."""

from __future__ import annotations

import asyncio
import json
from dataclasses import replace
from typing import Any

import jwt
import pytest
from joserfc import jwe
from joserfc.jwk import ECKey, RSAKey

from apogee_idp import GenerateToken, ProcessSignIn, Registry, Services, Stage, TokenStage
from apogee_idp.model import Resource, TokenProfile, frozen
from apogee_idp.stores.repositories import resources_in
from tests.conftest import StartIdp
from tests.idp import Idp, is_jwe

BILLING, STOCK = "https://billing.example", "https://stock.example"
SCOPES = ("invoices.read", "stock.read", "ping")
RSA_KEY = RSAKey.generate_key(2048, {"kid": "theirs", "use": "enc", "alg": "RSA-OAEP-256"})
EC_KEY = ECKey.generate_key("P-256", {"use": "enc"})
RECIPIENT_ALGORITHMS = ["RSA-OAEP-256", "ECDH-ES+A256KW", "A256CBC-HS512"]


async def register_resource(idp: Idp, identifier: str, **facts: Any) -> None:
    if "jwks" in facts:
        facts["jwks"] = frozen({"keys": [key.as_dict(private=False) for key in facts["jwks"]]})
    await resources_in(idp.installation.store).add(Resource(identifier, **facts))


async def claims_of(idp: Idp, profile: TokenProfile, **parameters: str) -> dict[str, Any]:
    secret = await idp.add_client(scopes=SCOPES, skip_token_encryption=True, token_profile=profile)
    return await idp.claims((await idp.grant("billing", secret, **parameters)).token)


@pytest.mark.parametrize(
    ("profile", "billing", "stock", "lifetime"),
    [
        pytest.param(None, None, None, 900, id="nobody says anything: the settings"),
        pytest.param(60, None, None, 60, id="the client's"),
        pytest.param(3600, None, None, 3600, id="the client's, longer than the settings'"),
        pytest.param(None, 120, None, 120, id="a resource's"),
        pytest.param(None, 7200, None, 7200, id="a resource's, longer than the settings'"),
        pytest.param(60, 120, 180, 60, id="the client's is the shortest"),
        pytest.param(600, 120, 180, 120, id="the first resource's is the shortest"),
        pytest.param(600, 120, 30, 30, id="the second resource's is the shortest"),
    ],
)
async def test_the_shortest_lifetime_holds(
    idp: Idp, profile: int | None, billing: int | None, stock: int | None, lifetime: int
) -> None:
    """Of the client and all resources of the audience, in the token and in the response."""
    await register_resource(idp, BILLING, access_token_lifetime=billing)
    await register_resource(idp, STOCK, access_token_lifetime=stock)
    secret = await idp.add_client(
        scopes=SCOPES, skip_token_encryption=True, token_profile=TokenProfile(lifetime=profile)
    )
    answer = await idp.grant("billing", secret, scope="invoices.read stock.read")
    claims = await idp.claims(answer.token)
    assert claims["exp"] - claims["iat"] == answer.json["expires_in"] == lifetime


async def test_the_lifetime_of_another_resource_does_not_matter(idp: Idp) -> None:
    """Only that of the audience; of the default audience as well."""
    await register_resource(idp, STOCK, access_token_lifetime=30)
    secret = await idp.add_client(scopes=SCOPES, default_audience=STOCK)
    of_scope = await idp.grant("billing", secret, scope="invoices.read")
    of_default = await idp.grant("billing", secret)
    assert (of_scope.json["expires_in"], of_default.json["expires_in"]) == (900, 30)


@pytest.mark.parametrize(
    ("shape", "scope", "audience"),
    [
        pytest.param("compact", "invoices.read", BILLING, id="compact, one"),
        pytest.param("compact", "invoices.read stock.read", [BILLING, STOCK], id="compact, two"),
        pytest.param("array", "invoices.read", [BILLING], id="array, one"),
        pytest.param("array", "invoices.read stock.read", [BILLING, STOCK], id="array, two"),
        pytest.param("array", "ping", ["billing"], id="array, the client itself"),
        pytest.param("single", "invoices.read", BILLING, id="single, one"),
    ],
)
async def test_the_audience_has_the_shape_of_the_profile(
    idp: Idp, shape: Any, scope: str, audience: object
) -> None:
    """RFC 7519 §4.1.3 leaves the choice; some APIs know only one."""
    claims = await claims_of(idp, TokenProfile(audience_shape=shape), scope=scope)
    assert claims["aud"] == audience


async def test_a_client_of_single_audiences_must_choose(idp: Idp) -> None:
    """Two are ``invalid_target``, with a sentence that says what to do; one can be asked for."""
    secret = await idp.add_client(
        scopes=SCOPES,
        default_scopes=("invoices.read", "stock.read"),
        skip_token_encryption=True,
        token_profile=TokenProfile(audience_shape="single"),
    )
    refused = await idp.grant("billing", secret)
    granted = await idp.grant("billing", secret, resource=STOCK)
    assert (refused.status, refused.error) == (400, "invalid_target")
    assert "ask for one" in refused.json["error_description"]
    assert (await idp.claims(granted.token))["aud"] == STOCK


async def test_the_profiles_claims_are_in_every_token(idp: Idp) -> None:
    """Of any JSON type, however deep, by any name that isn't reserved."""
    claims = {"https://x.example/a.b": {"$deep": [1, None, {"é": True}]}, "tenant": "blue"}
    told = await claims_of(idp, TokenProfile(claims=frozen(claims)))
    assert {name: told[name] for name in claims} == claims


async def test_session_tags_are_what_AWS_STS_reads(idp: Idp) -> None:
    """Each value in a list of its own, and the keys of those that are passed on."""
    tags = {"team": "billing", "cost.centre": "4711"}
    told = await claims_of(idp, TokenProfile(session_tags=tags, transitive_tags=("team",)))
    assert told["https://aws.amazon.com/tags"] == {
        "principal_tags": {"team": ["billing"], "cost.centre": ["4711"]},
        "transitive_tag_keys": ["team"],
    }


@pytest.mark.parametrize("event", [ProcessSignIn, GenerateToken], ids=lambda event: event.__name__)
async def test_a_plugins_claim_wins_over_the_profiles(start_idp: StartIdp, event: type) -> None:
    """Whether it is set for the request, or for the one token behind the stage."""

    def register(registry: Registry, _: Services) -> None:
        async def set_tenant(event: ProcessSignIn | GenerateToken) -> None:
            event.claims["tenant"] = "red"

        order = {ProcessSignIn: 1, GenerateToken: TokenStage.ATTACH_CLAIMS + 1}[event]
        registry.add(event, set_tenant, name="set_tenant", order=order)

    idp = await start_idp(register=register)
    profile = TokenProfile(claims=frozen({"tenant": "blue", "site": "x"}))
    told = await claims_of(idp, profile)
    assert (told["tenant"], told["site"]) == ("red", "x")


async def test_one_tokens_claims_are_a_copy(start_idp: StartIdp) -> None:
    """A plugin that changes a nested value of the profile changes it for one token."""

    def register(registry: Registry, _: Services) -> None:
        async def append(event: GenerateToken) -> None:
            event.claims["sites"].append("y")

        registry.add(GenerateToken, append, name="append", order=TokenStage.WRITE_TOKEN - 1)

    idp = await start_idp(register=register)
    profile = TokenProfile(claims=frozen({"sites": ["x"]}))
    secret = await idp.add_client(skip_token_encryption=True, token_profile=profile)
    tokens = [(await idp.grant("billing", secret)).token for _ in range(2)]
    assert [(await idp.claims(token))["sites"] for token in tokens] == [["x", "y"]] * 2


async def test_a_reserved_claim_in_the_database_is_never_issued(idp: Idp) -> None:
    """Whoever wrote it there: the request fails closed."""
    secret = await idp.add_client(skip_token_encryption=True)
    await idp.change_client("billing", token_profile=TokenProfile(claims={"sub": "admin"}))
    answer = await idp.grant("billing", secret)
    assert (answer.status, answer.error) == (500, "server_error")


@pytest.mark.parametrize(
    ("keys", "opening", "header"),
    [
        pytest.param(
            [RSA_KEY], RSA_KEY, {"alg": "RSA-OAEP-256", "kid": "theirs"}, id="RSA, with a kid"
        ),
        pytest.param([EC_KEY], EC_KEY, {"alg": "ECDH-ES+A256KW"}, id="EC, without a kid"),
        pytest.param([EC_KEY, RSA_KEY], EC_KEY, {"alg": "ECDH-ES+A256KW"}, id="the first of two"),
    ],
)
async def test_a_token_is_encrypted_to_its_resource(
    idp: Idp, keys: list[Any], opening: Any, header: dict[str, str]
) -> None:
    """Nested as ever (RFC 7519 §5.2), but only the API can open it."""
    await register_resource(idp, BILLING, jwks=keys)
    secret = await idp.add_client(scopes=SCOPES, token_profile=TokenProfile(encrypt_to="resource"))
    token = (await idp.grant("billing", secret, scope="invoices.read")).token
    opened = jwe.decrypt_compact(token, opening, algorithms=RECIPIENT_ALGORITHMS)
    assert opened.plaintext is not None
    expected = {"enc": "A256CBC-HS512", "typ": "at+jwt", "cty": "JWT"} | header
    assert expected.items() <= opened.headers().items()
    assert (await idp.claims(opened.plaintext.decode()))["aud"] == BILLING


@pytest.mark.parametrize(
    ("scope", "facts"),
    [
        pytest.param("invoices.read", None, id="a resource that is not registered"),
        pytest.param("invoices.read", {}, id="one without keys"),
        pytest.param("invoices.read stock.read", {"jwks": [RSA_KEY]}, id="two resources"),
        pytest.param("ping", {"jwks": [RSA_KEY]}, id="the client itself"),
    ],
)
async def test_what_cannot_be_encrypted_to_its_resource_is_not_issued(
    idp: Idp, scope: str, facts: dict[str, Any] | None
) -> None:
    """``invalid_target``: neither the server's key nor none stands in."""
    if facts is not None:
        await register_resource(idp, BILLING, **facts)
    secret = await idp.add_client(scopes=SCOPES, token_profile=TokenProfile(encrypt_to="resource"))
    answer = await idp.grant("billing", secret, scope=scope)
    assert (answer.status, answer.error) == (400, "invalid_target")


async def test_a_damaged_JWK_Set_is_no_key(idp: Idp) -> None:
    """Whoever wrote it into the database."""
    jwks = {"keys": [{"kty": "RSA", "n": "AQAB", "e": "AQAB"}]}
    await resources_in(idp.installation.store).add(Resource(BILLING, jwks=jwks))
    secret = await idp.add_client(scopes=SCOPES, token_profile=TokenProfile(encrypt_to="resource"))
    answer = await idp.grant("billing", secret, scope="invoices.read")
    assert (answer.status, answer.error) == (400, "invalid_target")


async def test_a_new_key_of_a_resource_is_used_soon(start_idp: StartIdp) -> None:
    """The parsed key is kept only as long as the resource stays what it was."""
    idp = await start_idp(cache_seconds=0.001)
    await register_resource(idp, BILLING, jwks=[RSA_KEY])
    secret = await idp.add_client(scopes=SCOPES, token_profile=TokenProfile(encrypt_to="resource"))

    async def algorithm() -> object:
        return _header((await idp.grant("billing", secret, scope="invoices.read")).token)["alg"]

    assert await algorithm() == "RSA-OAEP-256"
    repository = resources_in(idp.installation.store)
    resource = await repository.get(BILLING)
    assert resource is not None
    jwks = frozen({"keys": [EC_KEY.as_dict(private=False)]})
    await repository.update(replace(resource, jwks=jwks))
    async with asyncio.timeout(5):
        while await algorithm() != "ECDH-ES+A256KW":
            pass


async def test_the_opt_out_wins_over_the_resources_key(idp: Idp) -> None:
    """``skip_token_encryption`` means a plain JWS, whatever the profile says."""
    await register_resource(idp, BILLING, jwks=[RSA_KEY])
    secret = await idp.add_client(scopes=SCOPES, token_profile=TokenProfile(encrypt_to="resource"))
    await idp.change_client("billing", skip_token_encryption=True)
    assert not is_jwe((await idp.grant("billing", secret, scope="invoices.read")).token)


@pytest.mark.parametrize(
    ("profile", "field", "value"),
    [
        pytest.param(TokenProfile(lifetime=60), "lifetime", 61, id="a longer life"),
        pytest.param(
            TokenProfile(audience_shape="single"), "audience", ("a", "b"), id="several audiences"
        ),
    ],
)
async def test_the_minter_holds_handlers_to_the_profile(
    start_idp: StartIdp, profile: TokenProfile, field: str, value: object
) -> None:
    """What a plugin leaves on the event is checked once more: a 500, and no token."""

    def register(registry: Registry, _: Services) -> None:
        async def overstep(event: GenerateToken) -> None:
            setattr(event if field == "lifetime" else event.sign_in, field, value)

        registry.add(GenerateToken, overstep, name="overstep", order=TokenStage.WRITE_TOKEN - 1)

    idp = await start_idp(register=register)
    secret = await idp.add_client(token_profile=profile)
    answer = await idp.grant("billing", secret)
    assert (answer.status, answer.error) == (500, "server_error")


async def test_a_plugin_may_change_the_profile_of_one_request(start_idp: StartIdp) -> None:
    """It lives on the event: the next request has the client's own again."""

    def register(registry: Registry, _: Services) -> None:
        async def shorten_once(event: ProcessSignIn) -> None:
            if event.request.parameters.get("short") == "yes":
                event.token_profile = replace(event.token_profile, lifetime=5)

        order = Stage.CONFIGURE_ENCRYPTION + 1
        registry.add(ProcessSignIn, shorten_once, name="shorten_once", order=order)

    idp = await start_idp(register=register)
    secret = await idp.add_client()
    answers = [await idp.grant("billing", secret, short=short) for short in ("yes", "no")]
    assert [answer.json["expires_in"] for answer in answers] == [5, 900]


def _header(token: str) -> Any:
    return json.loads(jwt.utils.base64url_decode(token.split(".", maxsplit=1)[0]))


async def test_F_KEY_01_no_token_outlives_its_key(start_idp: StartIdp) -> None:
    """Whatever its client may have: it lives half as long as a retired key stays published."""
    idp = await start_idp(key_retired_seconds=1000, access_token_lifetime=500)
    profile = TokenProfile(lifetime=86_400)
    secret = await idp.add_client(token_profile=profile, skip_token_encryption=True)
    claims = await idp.claims((await idp.grant("billing", secret)).token)
    assert claims["exp"] - claims["iat"] == 500
