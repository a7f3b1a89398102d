"""The client credentials grant over a real socket."""

from __future__ import annotations

import asyncio
import io
import json

import jwt
import pytest

from apogee_idp import ProcessSignIn, Registry, Services
from apogee_idp.model import Resource, TokenProfile
from apogee_idp.stores.repositories import resources_in
from tests.canary import OPERATORS_SECRET
from tests.conftest import StartIdp
from tests.idp import FORM, ISSUER, TOKEN_PATH, Idp, is_jwe

NOW = 1_800_000_000
OPENIDDICT_SECRET = "388D45FA-B36B-4988-BA59-B187D329C207"
OPENIDDICT_HASH = (
    "AQAAAAEAACcQAAAAEAABAgMEBQYHCAkKCwwNDg8APYB/YOvEd6FX6HxCJZzBeTwrPuVZuCIKcZbY/CJxuA=="
)


async def test_R_AT_02_a_plain_token_has_exactly_the_documented_claims(
    start_idp: StartIdp,
) -> None:
    """The claims of RFC 9068 §2.2 and ``name``, with integer times and nothing more."""
    idp = await start_idp(clock=lambda: NOW)
    secret = await idp.add_client(scopes=("invoices.read",), skip_token_encryption=True)
    answer = await idp.grant("billing", secret, scope="invoices.read")
    claims = await idp.claims(answer.token)
    jti = claims.pop("jti")
    assert claims == {
        "iss": ISSUER,
        "sub": "billing",
        "name": "billing",
        "client_id": "billing",
        "aud": "https://billing.example",
        "scope": "invoices.read",
        "iat": NOW,
        "exp": NOW + 900,
    }
    assert type(claims["iat"]) is type(claims["exp"]) is int
    assert len(jti) == 32
    assert {"alg": "RS256", "typ": "at+jwt"}.items() <= jwt.get_unverified_header(
        answer.token
    ).items()


async def test_R_TE_13_the_response_is_the_documented_one(idp: Idp) -> None:
    """Integer ``expires_in``, the granted scope always told, no refresh token, nothing cached."""
    secret = await idp.add_client(scopes=("invoices.read",))
    answer = await idp.grant("billing", secret, scope="invoices.read")
    body = answer.json
    assert is_jwe(body.pop("access_token"))
    assert body == {"token_type": "Bearer", "expires_in": 900, "scope": "invoices.read"}
    assert type(body["expires_in"]) is int
    assert answer.headers["Cache-Control"] == "no-store"
    assert answer.headers["Pragma"] == "no-cache"
    assert answer.headers["Content-Type"].startswith("application/json")
    assert "Set-Cookie" not in answer.headers


async def test_the_JWE_holds_the_same_signed_token(idp: Idp) -> None:
    """Nested: sign, then encrypt to the server's own key (RFC 7519 §5.2)."""
    secret = await idp.add_client(scopes=("invoices.read",))
    token = (await idp.grant("billing", secret, scope="invoices.read")).token
    header = jwt.utils.base64url_decode(token.split(".")[0])
    expected = {"alg": "RSA-OAEP", "enc": "A256CBC-HS512", "typ": "at+jwt", "cty": "JWT"}
    assert expected.items() <= json.loads(header).items()
    claims = await idp.claims(await idp.decrypt(token))
    assert (claims["sub"], claims["scope"]) == ("billing", "invoices.read")


@pytest.mark.parametrize("algorithm", ["RS256", "ES256"])
@pytest.mark.parametrize("typ", ["at+jwt", "JWT"])
async def test_a_client_chooses_how_its_tokens_are_signed(
    idp: Idp, algorithm: str, typ: str
) -> None:
    """RS256 and ES256 are both published; ``typ`` is the client's."""
    secret = await idp.add_client(
        scopes=("invoices.read",),
        default_audience="sts.amazonaws.com",
        skip_token_encryption=True,
        token_profile=TokenProfile(algorithm, typ),
    )
    token = (await idp.grant("billing", secret)).token
    header = jwt.get_unverified_header(token)
    assert (header["alg"], header["typ"]) == (algorithm, typ)
    assert (await idp.claims(token))["aud"] == "sts.amazonaws.com"


@pytest.mark.parametrize(
    ("client", "request_", "scope", "audience"),
    [
        pytest.param({}, {}, None, "billing", id="nothing asked, no defaults: the client itself"),
        pytest.param(
            {"default_audience": "api://x"}, {}, None, "api://x", id="the default audience"
        ),
        pytest.param(
            {"default_scopes": ("invoices.read",)},
            {},
            "invoices.read",
            "https://billing.example",
            id="the default scopes and their resource",
        ),
        pytest.param(
            {"default_scopes": ("invoices.read",)},
            {"scope": ""},
            "invoices.read",
            "https://billing.example",
            id="R-TE-04 an empty scope is none",
        ),
        pytest.param(
            {"default_scopes": ("invoices.read",)},
            {"scope": "ping"},
            "ping",
            "billing",
            id="asked scopes replace the default ones",
        ),
        pytest.param(
            {},
            {"scope": "stock.read invoices.read stock.read"},
            "stock.read invoices.read",
            ["https://stock.example", "https://billing.example"],
            id="two resources are an array, a repeated scope is one",
        ),
        pytest.param(
            {},
            {"scope": "invoices.read invoices.write"},
            "invoices.read invoices.write",
            "https://billing.example",
            id="one resource of two scopes is a string",
        ),
        pytest.param(
            {},
            {"scope": "invoices.read", "resource": "https://billing.example"},
            "invoices.read",
            "https://billing.example",
            id="a resource that is asked for",
        ),
        pytest.param(
            {},
            {"scope": "ping invoices.read", "resource": "https://billing.example"},
            "ping invoices.read",
            "https://billing.example",
            id="a scope without resource goes with any",
        ),
        pytest.param(
            {"default_scopes": ("ping", "stock.read", "invoices.read")},
            {"resource": "https://stock.example"},
            "ping stock.read",
            "https://stock.example",
            id="of the default scopes those without resource stay",
        ),
        pytest.param(
            {"default_scopes": ("ping",), "default_audience": "https://alone.example"},
            {"resource": "https://alone.example"},
            "ping",
            "https://alone.example",
            id="a resource without any scope, as the default audience",
        ),
        pytest.param(
            {"default_scopes": ("invoices.read", "stock.read")},
            {"resource": "https://stock.example"},
            "stock.read",
            "https://stock.example",
            id="a resource narrows the default scopes",
        ),
        pytest.param(
            {}, {"scope": "  ping  ping "}, "ping", "billing", id="more spaces than needed"
        ),
        pytest.param(
            {"default_audience": "https://own.example"},
            {"scope": "ping", "resource": ""},
            "ping",
            "https://own.example",
            id="R-TE-04 an empty resource is none",
        ),
        pytest.param(
            {"default_audience": "https://own.example"},
            {"scope": "ping", "resource": "https://own.example"},
            "ping",
            "https://own.example",
            id="the default audience asked for as a resource",
        ),
    ],
)
async def test_scopes_and_audience(
    idp: Idp,
    client: dict[str, object],
    request_: dict[str, str],
    scope: str | None,
    audience: str | list[str],
) -> None:
    """Scopes decide the audience; ``resource`` narrows it (RFC 8707 §2.2)."""
    scopes = ("invoices.read", "invoices.write", "stock.read", "ping")
    secret = await idp.add_client(scopes=scopes, skip_token_encryption=True, **client)
    answer = await idp.grant("billing", secret, **request_)
    claims = await idp.claims(answer.token)
    assert (scope, audience) == (claims.get("scope"), claims["aud"])
    assert scope == answer.json.get("scope")


async def test_scope_roles_puts_the_roles_into_the_claim_role(idp: Idp) -> None:
    """Roles are told to who asks for them, and to nobody else."""
    secret = await idp.add_client(roles=("auditor", "clerk"), skip_token_encryption=True)
    with_roles = await idp.claims((await idp.grant("billing", secret, scope="roles")).token)
    without = await idp.claims((await idp.grant("billing", secret)).token)
    assert with_roles["role"] == ["auditor", "clerk"]
    assert "role" not in without


@pytest.mark.parametrize(
    ("parameters", "error"),
    [
        pytest.param({"scope": "stock.read"}, "invalid_scope", id="scope not held"),
        pytest.param({"scope": "no.such"}, "invalid_scope", id="scope unknown"),
        pytest.param(
            {"scope": "invoices.read stock.read"}, "invalid_scope", id="one of two not held"
        ),
        pytest.param({"scope": "INVOICES.READ"}, "invalid_scope", id="scope in another case"),
        pytest.param({"scope": "openid"}, "invalid_scope", id="openid needs a user"),
        pytest.param({"scope": "offline_access"}, "invalid_scope", id="offline_access too"),
        pytest.param({"scope": "invoices.read\tping"}, "invalid_scope", id="tab in the scope"),
        pytest.param({"scope": "invoices.read\n"}, "invalid_scope", id="newline in the scope"),
        pytest.param({"scope": 'a"b'}, "invalid_scope", id="quote in the scope"),
        pytest.param({"scope": "a\u00a0b"}, "invalid_scope", id="no-break space in the scope"),
        pytest.param({"scope": " "}, "invalid_scope", id="blank scope"),
        pytest.param({"resource": "https://stock.example"}, "invalid_target", id="not its API"),
        pytest.param(
            {"scope": "invoices.read", "resource": "https://billing.example/"},
            "invalid_target",
            id="its API, but with a slash",
        ),
        pytest.param(
            {"scope": "ping", "resource": "https://billing.example"},
            "invalid_target",
            id="a resource of a scope that was not asked for",
        ),
        pytest.param({"resource": "billing"}, "invalid_target", id="its own client_id"),
        pytest.param({"resource": "javascript:alert(1)"}, "invalid_target", id="A-TE-11 script"),
        pytest.param({"resource": "/relative"}, "invalid_target", id="A-TE-11 relative"),
        pytest.param({"resource": "http://[::1"}, "invalid_target", id="A-HTTP-07 a broken URL"),
        pytest.param(
            {"scope": "invoices.read", "resource": "https://billing.example#f"},
            "invalid_target",
            id="A-TE-11 fragment",
        ),
        pytest.param({"grant_type": "password"}, "unsupported_grant_type", id="R-TE-24 password"),
        pytest.param(
            {"grant_type": "authorization_code"}, "unauthorized_client", id="another flow's"
        ),
        pytest.param(
            {"grant_type": "Client_Credentials"}, "unsupported_grant_type", id="another case"
        ),
        pytest.param({"grant_type": ""}, "invalid_request", id="R-TE-04 empty grant_type"),
    ],
)
async def test_R_TE_06_R_TE_14_what_is_refused(
    idp: Idp, parameters: dict[str, str], error: str
) -> None:
    """The whole request fails: nothing is dropped in silence."""
    secret = await idp.add_client(scopes=("invoices.read", "ping"))
    for name in ("openid", "offline_access"):  # as OpenIddict's databases have them
        await idp.installation.store.scopes.insert(name, {})
    await idp.change_client(
        "billing",
        permissions=frozenset(
            {"ept:token", "gt:client_credentials", "scp:invoices.read", "scp:ping"}
            | {"scp:openid", "scp:offline_access", "scp:no.such"}
        ),
    )
    answer = await idp.grant("billing", secret, **parameters)
    assert (400, error) == (answer.status, answer.error)
    assert answer.headers["Cache-Control"] == "no-store"


async def test_a_scope_outside_the_resource_is_refused(idp: Idp) -> None:
    """RFC 8707 §2: scopes that were asked for are never dropped."""
    secret = await idp.add_client(scopes=("invoices.read", "stock.read"))
    answer = await idp.grant(
        "billing", secret, scope="invoices.read stock.read", resource="https://stock.example"
    )
    assert (answer.status, answer.error) == (400, "invalid_scope")


async def test_several_resources_may_be_asked_for(idp: Idp) -> None:
    """``resource`` is the one parameter that may be repeated (RFC 8707 §2)."""
    secret = await idp.add_client(
        scopes=("invoices.read", "stock.read"), skip_token_encryption=True
    )
    answer = await idp.ask(
        "grant_type=client_credentials&scope=invoices.read+stock.read"
        "&resource=https%3A%2F%2Fbilling.example&resource=https%3A%2F%2Fstock.example"
        "&resource=https%3A%2F%2Fbilling.example",
        basic=("billing", secret),
    )
    claims = await idp.claims(answer.token)
    assert claims["aud"] == ["https://billing.example", "https://stock.example"]


async def test_one_unknown_resource_of_several_fails_the_request(idp: Idp) -> None:
    """Nothing is dropped in silence (RFC 8707 §2.2)."""
    secret = await idp.add_client(scopes=("invoices.read", "stock.read"))
    answer = await idp.ask(
        "grant_type=client_credentials&scope=invoices.read"
        "&resource=https%3A%2F%2Fbilling.example&resource=https%3A%2F%2Fstock.example",
        basic=("billing", secret),
    )
    assert (answer.status, answer.error) == (400, "invalid_target")


async def test_a_registered_resource_without_scopes_is_not_for_everyone(idp: Idp) -> None:
    """It is reached as a default audience, or not at all."""
    await resources_in(idp.installation.store).add(Resource("https://alone.example"))
    secret = await idp.add_client(scopes=("ping",))
    answer = await idp.grant("billing", secret, scope="ping", resource="https://alone.example")
    assert (answer.status, answer.error) == (400, "invalid_target")


async def test_a_resource_that_is_no_URI_is_refused_even_if_it_is_known(idp: Idp) -> None:
    """RFC 8707 §2; the default audience needn't be one, it just can't be asked for so."""
    secret = await idp.add_client(default_audience="sts.amazonaws.com")
    answer = await idp.grant("billing", secret, resource="sts.amazonaws.com")
    assert (answer.status, answer.error) == (400, "invalid_target")


async def test_the_default_audience_is_no_resource_of_a_scope_that_has_others(idp: Idp) -> None:
    """It stands in where there is none."""
    secret = await idp.add_client(scopes=("invoices.read",), default_audience="https://own.example")
    answer = await idp.grant(
        "billing", secret, scope="invoices.read", resource="https://own.example"
    )
    assert (answer.status, answer.error) == (400, "invalid_target")


async def test_a_JWT_typed_token_never_speaks_to_its_own_client(idp: Idp) -> None:
    """Otherwise it could pass for an id_token."""
    secret = await idp.add_client(
        scopes=("invoices.read", "ping"),
        skip_token_encryption=True,
        token_profile=TokenProfile("RS256", "JWT"),
    )
    refused = await idp.grant("billing", secret, scope="ping")
    granted = await idp.grant("billing", secret, scope="invoices.read")
    assert (refused.status, refused.error) == (400, "invalid_target")
    assert (await idp.claims(granted.token))["aud"] == "https://billing.example"


@pytest.mark.parametrize("permission", ["ept:token", "gt:client_credentials"])
async def test_OpenIddicts_permissions_are_asked_for(idp: Idp, permission: str) -> None:
    """Authenticated but not permitted is ``unauthorized_client`` (RFC 6749 §5.2)."""
    secret = await idp.add_client()
    others = {"ept:token", "gt:client_credentials"} - {permission}
    await idp.change_client("billing", permissions=frozenset(others))
    answer = await idp.grant("billing", secret)
    assert (answer.status, answer.error) == (400, "unauthorized_client")


async def test_a_grant_type_that_is_switched_off_is_unsupported(start_idp: StartIdp) -> None:
    """The server-level switch comes before everything, and discovery follows it."""
    idp = await start_idp(grant_types=())
    answer = await idp.grant("billing", await idp.add_client())
    assert (answer.status, answer.error) == (400, "unsupported_grant_type")
    discovery = await idp.send("GET", "/.well-known/openid-configuration")
    assert "grant_types_supported" not in discovery.json


async def test_A_TE_09_parameters_of_other_grants_are_ignored(idp: Idp) -> None:
    """R-TE-05: unknown parameters change nothing, whatever they are called."""
    secret = await idp.add_client()
    answer = await idp.grant(
        "billing", secret, code="x", refresh_token="y", username="z", **{"": "empty", "a[]": "b"}
    )
    assert {"access_token", "token_type", "expires_in"} == set(answer.json)


@pytest.mark.parametrize("method", ["client_secret_basic", "client_secret_post"])
@pytest.mark.parametrize(
    "own", ["plain-but-long-enough-secret", "with:colon%percent+plus und Umlaut äß€ 🔑"]
)
async def test_R_TE_08_an_operators_own_secret_round_trips(idp: Idp, method: str, own: str) -> None:
    """In Basic both halves are form-encoded before base64 (RFC 6749 §2.3.1)."""
    from urllib.parse import quote_plus

    await idp.add_client(secret=own)
    if method == "client_secret_post":
        answer = await idp.grant("billing", own)
    else:
        form = {"grant_type": "client_credentials"}
        answer = await idp.ask(form, basic=("billing", quote_plus(own)))
    assert answer.status == 200


async def test_a_secret_that_OpenIddict_hashed_works(idp: Idp) -> None:
    """A PBKDF2 hash in ``client_secret``, as an existing database has it."""
    await idp.add_client()
    await idp.installation.store.applications.insert(
        "legacy",
        {
            "client_type": "confidential",
            "client_secret": OPENIDDICT_HASH,
            "permissions": ["ept:token", "gt:client_credentials"],
            "properties": {"SkipTokenEncryption": True},
        },
    )
    assert (await idp.grant("legacy", OPENIDDICT_SECRET)).token.count(".") == 2
    assert (await idp.grant("legacy", OPENIDDICT_SECRET.lower())).error == "invalid_client"


@pytest.mark.parametrize("value", ["true", 1, "1", [True], None, False])
async def test_only_the_boolean_true_skips_encryption(idp: Idp, value: object) -> None:
    """A property that merely looks true leaves encryption on."""
    await idp.installation.store.applications.insert(
        "legacy",
        {
            "client_type": "Confidential",
            "client_secret": OPENIDDICT_HASH,
            "permissions": ["ept:token", "gt:client_credentials"],
            "properties": {"SkipTokenEncryption": value},
        },
    )
    assert is_jwe((await idp.grant("legacy", OPENIDDICT_SECRET)).token)


async def test_a_rotation_ends_OpenIddicts_secret_too(start_idp: StartIdp) -> None:
    """It stands in another field of the document."""
    idp = await start_idp(cache_seconds=0.001)
    await idp.installation.store.applications.insert(
        "legacy",
        {
            "client_type": "confidential",
            "client_secret": OPENIDDICT_HASH,
            "permissions": ["ept:token", "gt:client_credentials"],
        },
    )
    assert (await idp.grant("legacy", OPENIDDICT_SECRET)).status == 200
    new = await idp.secret_commands().rotate("legacy", 0)
    stored = await idp.installation.store.applications.get("legacy")
    assert stored is not None
    assert "client_secret" not in stored.document
    async with asyncio.timeout(5):
        while (await idp.grant("legacy", OPENIDDICT_SECRET)).status != 401:
            pass
    assert (await idp.grant("legacy", new.value)).status == 200


async def test_what_callers_send_in_the_wrong_place_reaches_no_log(
    idp: Idp, log_output: io.StringIO
) -> None:
    """Not as grant type, client id or parameter."""
    await idp.ask({"grant_type": OPERATORS_SECRET, "client_id": OPERATORS_SECRET, "x": "y"})
    assert OPERATORS_SECRET not in log_output.getvalue()


async def test_plugins_see_no_credentials_among_the_parameters(start_idp: StartIdp) -> None:
    """What is left over for them is what we don't use ourselves."""
    seen: list[dict[str, str]] = []

    def register(registry: Registry, _: Services) -> None:
        async def look(event: ProcessSignIn) -> None:
            seen.append(dict(event.request.parameters))

        registry.add(ProcessSignIn, look, name="look", order=1)

    idp = await start_idp(register=register)
    await idp.grant("billing", await idp.add_client(), scope="roles", tenant="blue")
    assert seen == [{"tenant": "blue"}]


async def test_an_operators_secret_reaches_no_log(idp: Idp, log_output: io.StringIO) -> None:
    """Neither when it is right, nor when it is wrong or in the wrong place."""
    await idp.add_client(secret=OPERATORS_SECRET)
    await idp.grant("billing", OPERATORS_SECRET)
    await idp.grant("billing", OPERATORS_SECRET + "x")
    await idp.grant(OPERATORS_SECRET, "x")
    assert log_output.getvalue().count('"request_finished"') == 3
    assert OPERATORS_SECRET not in log_output.getvalue()


async def test_R_AT_05_no_two_tokens_share_a_jti(idp: Idp) -> None:
    """Not even within one second."""
    secret = await idp.add_client(skip_token_encryption=True)
    tokens = [(await idp.grant("billing", secret)).token for _ in range(50)]
    assert len({(await idp.claims(token))["jti"] for token in tokens}) == 50


@pytest.mark.parametrize(
    "header",
    ["X-SSL-Client-Cert", "X_SSL_Client_Cert", "X-Forwarded-Client-Cert", "Client-Cert"],
)
async def test_A_CA_08_no_header_stands_for_a_certificate(idp: Idp, header: str) -> None:
    """Certificates authenticate nobody here, from whomever word of one comes."""
    await idp.add_client()
    form = "grant_type=client_credentials&client_id=billing"
    headers = {"Content-Type": FORM, header: "SUCCESS, CN=billing"}
    answer = await idp.send("POST", TOKEN_PATH, headers=headers, data=form)
    assert (answer.status, answer.error) == (401, "invalid_client")
