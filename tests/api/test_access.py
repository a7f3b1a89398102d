"""Who may call what: every route of the table with every kind of credential.

The one that takes no token is in test_leaked_secrets.py, those of a person in
test_console_session.py.
"""

from __future__ import annotations

import pytest

from apogee_idp.app import now
from apogee_idp.model import MANAGEMENT_SCOPES, Scope, TokenProfile
from apogee_idp.stores.repositories import clients_in, scopes_in
from apogee_idp.web.api.calls import Route
from apogee_idp.web.api.operations import list_scopes
from apogee_idp.web.api.routes import ROUTES
from tests.conftest import StartIdp
from tests.idp import Answer, Idp
from tests.tokens.test_presented_tokens import forger_on

from .conftest import API, Admin, new_admin

AUDIENCE = "https://idp.example/api/v1"
GUARDED = [route for route in ROUTES if route.scopes]


def path_of(route: Route) -> str:
    return API + route.path.replace("{", "").replace("}", "")


async def calls(idp: Idp, token: str | None) -> dict[str, Answer]:
    """Each route's answer, and those of an unknown address and an unknown method."""
    headers = {} if token is None else {"Authorization": f"Bearer {token}"}
    targets = [(r.method, path_of(r)) for r in GUARDED]
    targets += [("GET", f"{API}/nothing"), ("GET", API), ("PATCH", f"{API}/scopes")]
    return {f"{m} {p}": await idp.send(m, p, headers=headers) for m, p in targets}


def told(answers: dict[str, Answer]) -> set[tuple[int, str | None]]:
    for answer in answers.values():
        assert answer.headers["Cache-Control"] == "no-store"
        assert answer.headers["Content-Type"].startswith("application/problem+json")
    return {(a.status, a.headers.get("WWW-Authenticate")) for a in answers.values()}


INVALID = (
    401,
    'Bearer realm="apogee-idp", error="invalid_token", error_description="The token is not valid."',
)


async def test_A_MG_01_without_credentials_nothing_is_told(idp: Idp) -> None:
    """R-BT-02: a challenge without an error code, also where nothing is."""
    assert told(await calls(idp, None)) == {(401, 'Bearer realm="apogee-idp"')}


async def test_A_MG_01_tokens_that_are_not_valid_here(start_idp: StartIdp) -> None:
    """Forged, of another client for another audience, expired, revoked, of a disabled client."""
    clock = [now()]
    idp = await start_idp(clock=lambda: clock[0])
    secret = await idp.add_client(scopes=("invoices.read",), default_audience="https://x.example")
    admin = await new_admin(idp)
    other = await new_admin(idp, client_id="other")
    revoked = await new_admin(idp, client_id="revoked")
    await admin.call("POST", "/revocations", {"token": revoked.token})
    await idp.change_client("other", enabled=False)
    idp.installation.services.clients.forget("other")
    tokens = [
        "x",
        "a.b.c",
        admin.token[:-3],
        (await idp.grant("billing", secret)).token,
        (await idp.grant("billing", secret, scope="invoices.read")).token,
        revoked.token,
        other.token,
    ]
    for token in tokens:
        assert told(await calls(idp, token)) == {INVALID}
    assert (await admin.call("GET", "/keys")).status == 200
    clock[0] += 900
    assert told(await calls(idp, admin.token)) == {INVALID}


@pytest.mark.parametrize(
    ("header", "claims"),
    [
        pytest.param({"typ": "JWT"}, {"aud": "billing", "nonce": "n"}, id="an id_token"),
        pytest.param({"typ": "JWT"}, {"client_id": None}, id="an id_token for the API"),
        pytest.param({"typ": "rt+jwt"}, {}, id="a refresh token"),
        pytest.param({"typ": "logout+jwt"}, {}, id="a logout token"),
        pytest.param({"typ": None}, {}, id="of no kind"),
        pytest.param({}, {"aud": "https://x.example"}, id="for another audience"),
        pytest.param({}, {"aud": [AUDIENCE, "https://x.example"]}, id="for others, too"),
        pytest.param({}, {"aud": f"{AUDIENCE}/"}, id="for almost this audience"),
        pytest.param({}, {"aud": None}, id="for nobody"),
        pytest.param({}, {"iss": "https://other.example"}, id="of another issuer"),
        pytest.param({}, {"client_id": "nobody"}, id="of no client"),
        pytest.param({"kid": "x"}, {}, id="of an unknown key"),
    ],
)
async def test_A_MG_01_other_kinds_of_tokens(
    idp: Idp, header: dict[str, object], claims: dict[str, object]
) -> None:
    """Signed by this very server, with the scope that opens everything."""
    forger = await forger_on(idp)
    billing = await clients_in(idp.installation.store).get("billing")
    assert billing is not None
    await idp.change_client("billing", permissions=billing.permissions | {"scp:idp:admin"})
    idp.installation.services.clients.forget("billing")
    right = {"aud": AUDIENCE, "scope": "idp:admin"}
    assert (await Admin(idp, forger.signed(**right)).call("GET", "/audit")).status == 200
    assert told(await calls(idp, forger.signed(header=header, **right | claims))) == {INVALID}


async def test_A_MG_01_secrets_and_opaque_tokens_for_others(idp: Idp) -> None:
    """What an administrator's own client has beside its token."""
    profile = TokenProfile(reference=True)
    secret = await idp.add_client(scopes=("invoices.read", "idp:admin"), token_profile=profile)
    opaque = (await idp.grant("billing", secret, scope="invoices.read")).token
    right = (await idp.grant("billing", secret, scope="idp:admin")).token
    assert (await Admin(idp, right).call("GET", "/audit")).status == 200
    for token in (opaque, secret, right[:-1]):
        assert told(await calls(idp, token)) == {INVALID}


@pytest.mark.parametrize("held", sorted(MANAGEMENT_SCOPES - {"idp:admin"}))
async def test_A_MG_01_a_scope_opens_its_routes_alone(idp: Idp, held: str) -> None:
    """By the table, and by what the document says of each."""
    admin = await new_admin(idp, held)
    answers = await calls(idp, admin.token)
    document = (await idp.send("GET", f"{API}/openapi.json")).json
    for route in GUARDED:
        answer = answers[f"{route.method} {path_of(route)}"]
        operation = document["paths"][route.path][route.method.lower()]
        assert ({"management": [held]} in operation["security"]) == (held in route.scopes)
        if held in route.scopes:
            assert answer.status not in (401, 403), route
        else:
            assert answer.status == 403, route
            assert 'error="insufficient_scope"' in answer.headers["WWW-Authenticate"]
            assert f'scope="{route.scopes[0]}"' in answer.headers["WWW-Authenticate"]


async def test_what_a_client_has_lost_ends_at_once(idp: Idp) -> None:
    """Its tokens say more than it may."""
    admin = await new_admin(idp)
    client = await clients_in(idp.installation.store).get("admin-admin")
    assert client is not None
    left = client.permissions - {"scp:idp:admin"}
    await idp.change_client("admin-admin", permissions=left)
    idp.installation.services.clients.forget("admin-admin")
    assert (await admin.call("GET", "/scopes")).status == 403


async def test_an_administrator_may_do_all(idp: Idp) -> None:
    """And is told the truth about what isn't there."""
    answers = await calls(idp, (await new_admin(idp)).token)
    assert {a.status for a in answers.values()}.isdisjoint({401, 403})
    assert answers[f"GET {API}/nothing"].status == 404
    assert answers[f"GET {API}"].status == 404
    assert answers[f"PATCH {API}/scopes"].status == 405
    assert answers[f"PATCH {API}/scopes"].headers["Allow"] == "GET, POST"


async def test_R_BT_01_a_token_stands_in_the_header_alone(idp: Idp) -> None:
    """Not in the URL, nor in a form, nor twice; R-BT-02: what is malformed is a 400."""
    token = (await new_admin(idp)).token
    bearer = {"Authorization": f"Bearer {token}"}
    form = {"data": {"access_token": token}}
    path = f"{API}/scopes"
    assert (await idp.send("GET", f"{path}?access_token={token}")).status == 400
    assert (await idp.send("GET", f"{path}?access_token={token}", headers=bearer)).status == 400
    assert (await idp.send("POST", path, headers=bearer, **form)).status == 400
    assert (await idp.send("POST", path, **form)).status == 401
    twice = [("Authorization", f"Bearer {token}")] * 2
    assert (await idp.send("GET", path, headers=twice)).status == 400
    for malformed in ("Bearer", "Bearer ", "Bearer a b", 'Bearer "x"', "Bearer ä"):
        answer = await idp.send("GET", path, headers={"Authorization": malformed})
        assert answer.status == 400, malformed
        assert 'error="invalid_request"' in answer.headers["WWW-Authenticate"]
    basic = await idp.send("GET", path, headers={"Authorization": "Basic YTpi"})
    assert (basic.status, basic.headers["WWW-Authenticate"]) == (401, 'Bearer realm="apogee-idp"')
    lower = await idp.send("GET", path, headers={"Authorization": f"bEARER {token}"})
    assert lower.status == 200


async def test_tokens_are_read_however_they_are_written(idp: Idp) -> None:
    """Encrypted, plain, opaque."""
    for number, command in enumerate(
        ({}, {"skip_token_encryption": True}, {"token_profile": TokenProfile(reference=True)})
    ):
        admin = await new_admin(idp, client_id=f"admin-{number}", **command)
        assert (await admin.call("GET", "/scopes")).status == 200


def test_a_route_without_a_scope_cant_be_declared() -> None:
    """Nor one with a scope that nobody can hold."""
    for scopes in ((), ("invoices.read",)):
        with pytest.raises(ValueError, match="needs a scope"):
            Route("GET", "/x", scopes, "X", list_scopes)


async def test_the_management_audience_takes_its_scopes(idp: Idp) -> None:
    """Whatever a client's default audience says, or a scope that came past the commands."""
    await scopes_in(idp.installation.store).add(Scope("sneaky", (AUDIENCE,)))
    await scopes_in(idp.installation.store).add(Scope("idp:read", ("https://x.example",)))
    secret = await idp.add_client(
        scopes=("sneaky", "ping", "idp:read"),
        default_audience=AUDIENCE,
        skip_token_encryption=True,
    )
    for parameters in (
        {},
        {"resource": AUDIENCE},
        {"scope": "ping"},
        {"scope": "ping", "resource": AUDIENCE},
        {"scope": "sneaky"},
        {"scope": "sneaky", "resource": AUDIENCE},
    ):
        refused = await idp.grant("billing", secret, **parameters)
        assert (refused.status, refused.error) == (400, "invalid_target"), parameters
    granted = await idp.grant("billing", secret, scope="idp:read", resource=AUDIENCE)
    assert (await idp.claims(granted.token))["aud"] == AUDIENCE
    assert (await Admin(idp, granted.token).call("GET", "/scopes")).status == 200


async def test_management_scopes_take_a_permission(idp: Idp) -> None:
    """``scp:idp:...``, each its own."""
    secret = await idp.add_client(scopes=("ping",))
    for scope in MANAGEMENT_SCOPES:
        assert (await idp.grant("billing", secret, scope=scope)).error == "invalid_scope"


async def test_a_token_for_others_too_is_refused(idp: Idp) -> None:
    """They could use it here."""
    secret = await idp.add_client(scopes=("idp:read", "invoices.read"))
    token = (await idp.grant("billing", secret, scope="idp:read invoices.read")).token
    assert told(await calls(idp, token)) == {INVALID}


async def test_HEAD_is_GET_without_a_body(idp: Idp) -> None:
    """RFC 9110 §9.3.2: its headers are the same."""
    admin = await new_admin(idp)
    answer = await admin.call("HEAD", "/scopes/ping")
    assert (answer.status, answer.body) == (200, b"")
    assert answer.headers["ETag"]
