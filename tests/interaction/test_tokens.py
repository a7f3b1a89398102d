"""What a code and a refresh token are worth: to their client, once, and until somebody ends it."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import re
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Any

import pytest

from apogee_idp.crypto.handles import Code, RefreshToken
from apogee_idp.errors import InvalidGrant, NotFound
from apogee_idp.grants import RACE_SECONDS
from apogee_idp.management.users import UserCommands
from apogee_idp.model import TokenProfile
from apogee_idp.stores.repositories import clients_in
from tests.api.conftest import new_admin
from tests.idp import ISSUER, Answer

from .conftest import CALLBACK, EMAIL, GOODBYE, PASSWORD, SUBJECT, VERIFIER, Site

NATIVE = "http://127.0.0.1:5000/cb"


@pytest.fixture(params=["sqlite", "mongodb"])
def backend(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def refused(answer: Answer, code: str = "invalid_grant") -> bool:
    """As any other such refusal, whatever the reason is."""
    return (answer.status, answer.error) == (400, code) and answer.headers["Cache-Control"] == (
        "no-store"
    )


async def is_active(site: Site, token: str) -> bool:
    answer = await site.idp.present("introspect", token, "app", site.idp.secrets["app"])
    return bool(answer.json["active"])


async def test_R_OC_01_a_code_is_worth_three_tokens(site: Site) -> None:
    """The id_token is for the client, and says who signed in when; the access token says whom."""
    signed_in_at = site.clock.now
    code = await site.code(scope="openid profile email offline_access invoices.read")
    site.clock.now += 5
    answer = await site.redeem(code)
    assert answer.headers["Cache-Control"] == "no-store"
    tokens = answer.json
    assert tokens.keys() == {
        *("access_token", "token_type", "expires_in", "scope", "id_token", "refresh_token")
    }
    assert tokens["scope"] == "openid profile email offline_access invoices.read"
    assert RefreshToken.parse(tokens["refresh_token"])
    now = site.clock.now
    digest = hashlib.sha256(tokens["access_token"].encode()).digest()[:16]
    id_claims = await site.idp.claims(tokens["id_token"])
    assert re.fullmatch("[0-9a-f]{32}", id_claims.pop("sid"))
    assert id_claims == {
        "iss": ISSUER,
        "sub": SUBJECT,
        "aud": "app",
        "iat": now,
        "exp": now + 900,
        "auth_time": signed_in_at,
        "acr": "urn:apogee:acr:1fa",
        "amr": ["pwd"],
        "nonce": "n-1",
        "at_hash": base64.urlsafe_b64encode(digest).rstrip(b"=").decode(),
        "name": "Ann Example",
        "email": EMAIL,
        "email_verified": False,
    }
    claims = await site.idp.decrypted(tokens["access_token"])
    assert claims.pop("jti")
    assert re.fullmatch("[0-9a-f]{32}", claims.pop("oi_au_id"))
    assert claims == {
        "iss": ISSUER,
        "sub": SUBJECT,
        "aud": "https://billing.example",
        "client_id": "app",
        "iat": now,
        "exp": now + 900,
        "scope": tokens["scope"],
        "auth_time": signed_in_at,
        "acr": "urn:apogee:acr:1fa",
        "amr": ["pwd"],
    }


@pytest.mark.parametrize(
    ("scope", "members"),
    [
        ("invoices.read", {"access_token"}),
        ("openid", {"access_token", "id_token"}),
        ("offline_access invoices.read", {"access_token", "refresh_token"}),
    ],
)
async def test_there_is_what_was_allowed(site: Site, scope: str, members: set[str]) -> None:
    """No id_token without openid, no refresh token without offline_access."""
    tokens = await site.tokens(scope)
    assert {name for name in tokens if name.endswith("_token")} == members


async def test_roles_are_told_if_they_were_allowed(site: Site) -> None:
    """In the access token, too: APIs decide by them."""
    await site.change_user(roles=("clerk",))
    tokens = await site.tokens("openid roles")
    assert (await site.idp.decrypted(tokens["access_token"]))["role"] == ["clerk"]
    assert (await site.idp.claims(tokens["id_token"]))["role"] == ["clerk"]
    tokens = await site.tokens("openid")
    assert "role" not in await site.idp.decrypted(tokens["access_token"])


@pytest.mark.parametrize("algorithm", ["RS256", "ES256"])
async def test_R_OC_01_the_id_token_is_signed_as_its_client_wants(
    site: Site, algorithm: Any
) -> None:
    """It is never encrypted, whatever the access token is."""
    await site.idp.change_client("app", token_profile=TokenProfile(algorithm))
    tokens = await site.tokens("openid")
    assert (await site.idp.claims(tokens["id_token"]))["sub"] == SUBJECT
    assert tokens["access_token"].count(".") == 4


WRONG: dict[str, dict[str, str | None]] = {
    "R-PK-04 no verifier": {"code_verifier": None},
    "R-PK-04 another verifier": {"code_verifier": "w" * 43},
    "R-PK-01 a short verifier": {"code_verifier": "v" * 42},
    "R-PK-01 a long verifier": {"code_verifier": "v" * 129},
    "R-PK-01 a verifier of other characters": {"code_verifier": "v" * 42 + "ü"},
    "another redirect_uri": {"redirect_uri": CALLBACK + "&x=y"},
    "a redirect_uri in another case": {"redirect_uri": CALLBACK.replace("app", "APP")},
}


@pytest.mark.parametrize("changes", WRONG.values(), ids=WRONG)
async def test_R_TE_16_a_code_is_bound(site: Site, changes: dict[str, str | None]) -> None:
    """To its request; whoever gets it wrong costs its client nothing."""
    code = await site.code()
    assert refused(await site.redeem(code, **changes))
    assert (await site.redeem(code)).status == 200


async def test_A_TE_03_another_clients_code_is_refused(site: Site) -> None:
    """And refresh token; with credentials of its own, and nothing happens to it."""
    await site.add_app("other")
    code = await site.code()
    assert refused(await site.redeem(code, "other"))
    tokens = (await site.redeem(code)).json
    assert refused(await site.redeem(code, "other"))
    tokens = await site.tokens()
    assert refused(await site.refresh(tokens["refresh_token"], "other"))
    assert (await site.refresh(tokens["refresh_token"])).status == 200
    site.clock.now += RACE_SECONDS + 1
    assert refused(await site.refresh(tokens["refresh_token"], "other"))
    assert await is_active(site, tokens["access_token"])


async def test_A_TE_04_almost_a_code_is_none(site: Site) -> None:
    """Nor almost a refresh token: cut, extended, with another case or checksum."""
    code = await site.code()
    token = (await site.tokens())["refresh_token"]
    for value, present in ((code, site.redeem), (token, site.refresh)):
        for almost in (
            *(value[:-1], value + "0", value + "=", " " + value, value.swapcase()),
            value[:-1] + ("a" if value[-1] != "a" else "b"),
            value[:-8] + ("a" if value[-8] != "a" else "b") + value[-7:],
        ):
            assert refused(await present(almost))
    forged = Code.new(str(Code.parse(code).authorization_id))  # type: ignore[union-attr]
    assert refused(await site.redeem(str(forged)))
    assert refused(await site.redeem(token))
    assert refused(await site.refresh(code))
    assert (await site.redeem(code)).status == 200


@pytest.mark.parametrize("grant_type", ["authorization_code", "refresh_token"])
async def test_without_one_the_request_is_malformed(site: Site, grant_type: str) -> None:
    """RFC 6749 §5.2."""
    assert refused(await site.ask("app", grant_type=grant_type), "invalid_request")


async def test_R_TE_17_a_code_ends_after_a_minute(site: Site) -> None:
    """To the second."""
    early, late = await site.code(), await site.code()
    site.clock.now += 59
    assert (await site.redeem(early)).status == 200
    site.clock.now += 1
    assert refused(await site.redeem(late))


@pytest.mark.parametrize("seconds", [0, RACE_SECONDS, RACE_SECONDS + 1, 3600])
async def test_R_TE_17_a_code_that_comes_back(site: Site, seconds: int) -> None:
    """Is refused; and later than a race could take, it ends all that it led to."""
    code = await site.code(scope="openid offline_access")
    tokens = (await site.redeem(code)).json
    site.clock.now += seconds
    for changes in ({"code_verifier": "w" * 43}, {"redirect_uri": CALLBACK + "&x=y"}):
        assert refused(await site.redeem(code, **changes))
    was_active = seconds < 900
    assert await is_active(site, tokens["access_token"]) == was_active
    assert refused(await site.redeem(code))
    is_over = seconds > RACE_SECONDS
    assert await is_active(site, tokens["access_token"]) == (was_active and not is_over)
    assert (await site.refresh(tokens["refresh_token"])).status == (400 if is_over else 200)


async def test_R_TE_18_a_refresh_token_leads_to_the_next(site: Site) -> None:
    """R-OC-05: of the same sign-in, however often."""
    tokens = await site.tokens("openid offline_access email")
    first = await site.idp.claims(tokens["id_token"])
    seen = {tokens["refresh_token"]}
    for _ in range(4):
        site.clock.now += 3600
        tokens = (await site.refresh(tokens["refresh_token"])).json
        seen.add(tokens["refresh_token"])
        claims = await site.idp.claims(tokens["id_token"])
        assert claims["iat"] == site.clock.now
        for name in ("iss", "sub", "aud", "auth_time", "nonce", "email"):
            assert claims[name] == first[name]
    assert len(seen) == 5


@pytest.mark.parametrize("seconds", [0, RACE_SECONDS, RACE_SECONDS + 1, 86_400])
async def test_a_refresh_token_that_comes_back(site: Site, seconds: int) -> None:
    """Is refused; and later than a race could take, its whole family ends."""
    spent = (await site.tokens())["refresh_token"]
    current = (await site.refresh(spent)).json
    site.clock.now += seconds
    assert refused(await site.refresh(spent))
    is_over = seconds > RACE_SECONDS
    assert (await site.refresh(current["refresh_token"])).status == (400 if is_over else 200)
    if is_over:
        assert not await is_active(site, current["access_token"])


async def test_a_family_that_was_never_refreshed_knows_its_one_token(site: Site) -> None:
    """Whoever knows the family, but not the token, has none."""
    tokens = await site.tokens()
    known = RefreshToken.parse(tokens["refresh_token"])
    assert known is not None
    assert refused(await site.refresh(str(known.successor())))
    assert (await site.refresh(tokens["refresh_token"])).status == 200


async def test_R_TE_18_a_refresh_narrows_one_access_token(site: Site) -> None:
    """The next refresh token is worth all of it again; more than all of it nobody gets."""
    granted = "openid offline_access invoices.read stock.read"
    token = (await site.tokens(granted))["refresh_token"]
    narrow = (await site.refresh(token, scope="stock.read")).json
    assert (narrow["scope"], narrow.keys() >= {"id_token"}) == ("stock.read", False)
    whole = (await site.refresh(narrow["refresh_token"])).json
    assert whole["scope"] == granted
    token = whole["refresh_token"]
    for scope in ("openid email", "idp:admin", "ping", "\u00a0", "x" * 500):
        assert refused(await site.refresh(token, scope=scope), "invalid_scope")
    assert (await site.refresh(token)).status == 200


async def test_A_TE_07_a_refresh_keeps_to_its_resources(site: Site) -> None:
    """RFC 8707 §2.2: those that were named, or some of them."""
    scope = "offline_access invoices.read stock.read"
    billing, stock = "https://billing.example", "https://stock.example"
    tokens = await site.tokens(scope, resource=billing)
    assert (await site.idp.decrypted(tokens["access_token"]))["aud"] == billing
    assert tokens["scope"] == "offline_access invoices.read"
    token = tokens["refresh_token"]
    assert refused(await site.refresh(token, resource=stock), "invalid_target")
    tokens = (await site.refresh(token, resource=billing)).json
    assert (await site.idp.decrypted(tokens["access_token"]))["aud"] == billing
    wide = await site.tokens(scope)
    tokens = (await site.refresh(wide["refresh_token"], resource=stock)).json
    assert (await site.idp.decrypted(tokens["access_token"]))["aud"] == stock


async def test_refresh_tokens_end_when_nobody_uses_them(site: Site) -> None:
    """After 14 days, and 90 days after the sign-in in any case."""
    idle = (await site.tokens())["refresh_token"]
    used = (await site.tokens())["refresh_token"]
    for _ in range(6):
        site.clock.now += 14 * 86_400 - 1
        used = (await site.refresh(used)).json["refresh_token"]
    assert refused(await site.refresh(idle))
    site.clock.now += 6 * 86_400 + 6 - 1
    used = (await site.refresh(used)).json["refresh_token"]
    site.clock.now += 1
    assert refused(await site.refresh(used))


ENDS: dict[str, Callable[[UserCommands], Awaitable[object]]] = {
    "a new password": lambda users: users.set_password(EMAIL, PASSWORD + "!"),
    "a disabled account": lambda users: users.set_enabled(EMAIL, enabled=False),
    "a role that is lost": lambda users: users.revoke_role(EMAIL, "clerk"),
    "a deleted account": lambda users: users.delete(EMAIL),
}


@pytest.mark.parametrize("end", ENDS.values(), ids=ENDS)
async def test_what_is_ended_for_a_person_has_ended(
    site: Site, end: Callable[[UserCommands], Awaitable[object]]
) -> None:
    """Codes, refresh tokens, and access tokens at introspection; it doesn't come back with her."""
    await site.change_user(roles=("clerk",))
    tokens, code = await site.tokens(), await site.code()
    await end(site.users)
    assert not await is_active(site, tokens["access_token"])
    assert not await is_active(site, tokens["refresh_token"])
    with suppress(NotFound):
        await site.users.set_enabled(EMAIL, enabled=True)
    assert not await is_active(site, tokens["access_token"])
    assert refused(await site.refresh(tokens["refresh_token"]))
    assert refused(await site.redeem(code))


async def change_app(site: Site, **changes: Any) -> None:
    await site.idp.change_client("app", **changes)
    site.idp.installation.services.clients.forget("app")


async def test_A_TE_07_a_client_that_may_not_any_more(site: Site) -> None:
    """A scope it lost is gone at the next refresh; without the grant type there is none."""
    token = (await site.tokens("openid offline_access stock.read"))["refresh_token"]
    client = await site.idp.change_client("app")
    kept = client.permissions - {"scp:stock.read"}
    await change_app(site, permissions=kept)
    tokens = (await site.refresh(token)).json
    assert tokens["scope"] == "openid offline_access"
    await change_app(site, permissions=kept - {"gt:refresh_token"})
    answer = await site.refresh(tokens["refresh_token"])
    assert refused(answer, "unauthorized_client")
    await change_app(site, enabled=False)
    assert (await site.refresh(tokens["refresh_token"])).status == 401


async def test_revoking_all_of_a_client_ends_what_people_allowed_it(site: Site) -> None:
    """Codes and refresh tokens, too; what is allowed afterwards is good."""
    tokens, code = await site.tokens(), await site.code()
    await change_app(site, tokens_not_before=site.clock.now)
    assert refused(await site.redeem(code))
    assert refused(await site.refresh(tokens["refresh_token"]))
    assert not await is_active(site, tokens["refresh_token"])
    site.clock.now += 1
    tokens = await site.tokens()
    assert (await site.refresh(tokens["refresh_token"])).status == 200


async def test_a_client_made_anew_has_nothing_of_the_one_before(site: Site) -> None:
    """No refresh token, and nobody's consent."""
    browser = site.browser()
    token = (await site.redeem(await site.code(browser, scope="openid offline_access"))).json[
        "refresh_token"
    ]
    site.clock.now += 5
    await clients_in(site.idp.installation.store).delete("app")
    await site.add_app()
    site.idp.installation.services.clients.forget("app")
    assert refused(await site.refresh(token))
    assert (await site.authorize(browser)).title == "Allow The App?"


async def test_R_RV_03_revoking_a_refresh_token_ends_its_family(site: Site) -> None:
    """And its access tokens; revoking an access token ends that alone."""
    secret = site.idp.secrets["app"]
    tokens = await site.tokens()
    assert (await site.idp.present("revoke", tokens["access_token"], "app", secret)).status == 200
    assert not await is_active(site, tokens["access_token"])
    tokens = (await site.refresh(tokens["refresh_token"])).json
    await site.add_app("other")
    token = tokens["refresh_token"]
    foreign = await site.idp.present("revoke", token, "other", site.idp.secrets["other"])
    assert foreign.error == "unauthorized_client"
    assert await is_active(site, token)
    for _ in range(2):
        assert (await site.idp.present("revoke", token, "app", secret)).status == 200
    assert not await is_active(site, token)
    assert not await is_active(site, tokens["access_token"])
    assert refused(await site.refresh(token))


async def test_R_RV_03_an_administrator_ends_a_sign_in_by_its_refresh_token(site: Site) -> None:
    """The trail names the authorization; what has ended already leaves no entry."""
    admin = await new_admin(site.idp)
    tokens = await site.tokens()
    for _ in range(2):
        body = {"token": tokens["refresh_token"]}
        assert (await admin.call("POST", "/revocations", body)).status == 204
    assert not await is_active(site, tokens["access_token"])
    assert refused(await site.refresh(tokens["refresh_token"]))
    (entry,) = (await admin.call("GET", "/audit?action=revoke_token")).json["items"]
    assert (entry["kind"], entry["outcome"]) == ("authorization", "done")
    assert entry["before"]["client_id"] == "app"
    assert await site.idp.installation.store.authorizations.get(entry["key"]) is not None


async def test_a_refresh_token_is_told_of_to_its_client(site: Site) -> None:
    """And to nobody else; it is no access token anywhere."""
    tokens = await site.tokens()
    secret = site.idp.secrets["app"]
    told = (await site.idp.present("introspect", tokens["refresh_token"], "app", secret)).json
    assert re.fullmatch("[0-9a-f]{32}", told.pop("oi_au_id"))
    assert told == {
        "active": True,
        "iss": ISSUER,
        "sub": SUBJECT,
        "client_id": "app",
        "scope": "openid offline_access",
        "exp": site.clock.now + 1_209_600,
    }
    await site.add_app("other")
    other = site.idp.secrets["other"]
    told = (await site.idp.present("introspect", tokens["refresh_token"], "other", other)).json
    assert told == {"active": False}
    bearer = {"Authorization": f"Bearer {tokens['refresh_token']}"}
    assert (await site.idp.send("GET", "/connect/userinfo", headers=bearer)).status == 401


async def test_the_access_token_is_good_for_userinfo(site: Site) -> None:
    """Encrypted as it is; after its end it isn't."""
    tokens = await site.tokens("openid email")
    bearer = {"Authorization": f"Bearer {tokens['access_token']}"}
    told = await site.idp.send("GET", "/connect/userinfo", headers=bearer)
    assert told.json == {"sub": SUBJECT, "email": EMAIL, "email_verified": False}
    site.clock.now += 900
    assert (await site.idp.send("GET", "/connect/userinfo", headers=bearer)).status == 401


async def spa(site: Site) -> None:
    """A public client, on an origin of its own."""
    await site.add_app("spa", client_type="public", application_type="spa")


async def test_R_TE_21_a_public_client_says_its_name(site: Site) -> None:
    """And proves by PKCE that the code is its own; a name alone is worth nothing else."""
    await spa(site)
    code = await site.code(client_id="spa", scope="openid offline_access")
    assert refused(await site.redeem(code, "spa", code_verifier=None))
    tokens = (await site.redeem(code, "spa")).json
    tokens = (await site.refresh(tokens["refresh_token"], "spa")).json
    for form in (
        {"grant_type": "client_credentials", "client_id": "spa"},
        {"grant_type": "refresh_token", "refresh_token": tokens["refresh_token"]},
        {"grant_type": "authorization_code", "code": code, "client_id": "app"},
        {"grant_type": "authorization_code", "code": code, "client_id": "nobody"},
    ):
        answer = await site.idp.ask(form)
        assert (answer.status, answer.error) == (401, "invalid_client")
    headers = {"Content-Type": "application/x-www-form-urlencoded"}
    form = f"client_id=spa&token={tokens['refresh_token']}"
    inspected = await site.idp.send("POST", "/connect/introspect", headers=headers, data=form)
    assert (inspected.status, inspected.error) == (401, "invalid_client")
    ended = await site.idp.send("POST", "/connect/revoke", headers=headers, data=form)
    assert ended.status == 200
    assert refused(await site.refresh(tokens["refresh_token"], "spa"))


@pytest.mark.parametrize(
    ("client_id", "origin", "is_open"),
    [
        ("spa", "https://app.example", True),
        ("spa", "https://app.example.evil.example", False),
        ("spa", "http://app.example", False),
        ("spa", "https://app.example:444", False),
        ("spa", "null", False),
        ("app", "https://app.example", False),
        ("nobody", "https://app.example", False),
    ],
)
async def test_R_TE_23_only_a_public_clients_own_pages_read_the_answer(
    site: Site, client_id: str, origin: str, is_open: bool
) -> None:
    """A refusal, too; never with cookies, and never at introspection."""
    await spa(site)
    headers = {"Origin": origin, "Content-Type": "application/x-www-form-urlencoded"}
    form = f"client_id={client_id}&grant_type=authorization_code&code=x&token=x"
    for endpoint in ("token", "revoke", "introspect"):
        answer = await site.idp.send("POST", f"/connect/{endpoint}", headers=headers, data=form)
        expected = origin if is_open and endpoint != "introspect" else None
        assert answer.headers.get("Access-Control-Allow-Origin") == expected
        assert "Access-Control-Allow-Credentials" not in answer.headers
        assert (answer.headers.get("Vary") == "Origin") == (endpoint != "introspect")


async def test_R_PK_05_a_verifier_without_a_challenge_is_refused(site: Site) -> None:
    """Somebody has taken the challenge out of the request; and without, the redirect URI counts."""
    await site.add_app("old", require_pkce=False)
    bare = {"client_id": "old", "code_challenge": None, "code_challenge_method": None}
    code = await site.code(**bare)
    assert refused(await site.redeem(code, "old"))
    assert refused(await site.redeem(code, "old", code_verifier=None, redirect_uri=None))
    assert (await site.redeem(code, "old", code_verifier=None)).status == 200
    bound = await site.code()
    assert (await site.redeem(bound, redirect_uri=None)).status == 200


async def test_a_native_client_comes_back_to_the_port_that_it_used(site: Site) -> None:
    """RFC 8252 §7.3: whatever port that was; another is another redirect URI."""
    await site.add_app(
        "tool", client_type="public", application_type="native", redirect_uris=(NATIVE,)
    )
    used = NATIVE.replace("5000", "40123")
    code = await site.code(client_id="tool", redirect_uri=used)
    assert refused(await site.redeem(code, "tool", redirect_uri=NATIVE))
    assert (await site.redeem(code, "tool", redirect_uri=used)).status == 200


async def test_a_refused_request_costs_no_code(site: Site) -> None:
    """Nor a refresh token: what is refused for another reason can be mended."""
    code = await site.code(scope="openid offline_access")
    wrong = {"resource": "https://nowhere.example"}
    assert refused(await site.redeem(code, **wrong), "invalid_target")
    token = (await site.redeem(code)).json["refresh_token"]
    assert refused(await site.refresh(token, **wrong), "invalid_target")
    assert (await site.refresh(token)).status == 200


async def test_A_TE_05_many_at_once(site: Site, long: Any) -> None:
    """One has the tokens, all others invalid_grant; and what the one has is good."""
    for _ in range(long(2, 50)):
        code = await site.code(scope="openid offline_access")
        answers = await asyncio.gather(*(site.redeem(code) for _ in range(32)))
        (tokens,) = [answer.json for answer in answers if answer.status == 200]
        assert sum(map(refused, (a for a in answers if a.status != 200))) == 31
        answers = await asyncio.gather(*(site.refresh(tokens["refresh_token"]) for _ in range(32)))
        (tokens,) = [answer.json for answer in answers if answer.status == 200]
        assert sum(map(refused, (a for a in answers if a.status != 200))) == 31
        assert await is_active(site, tokens["access_token"])
        assert (await site.refresh(tokens["refresh_token"])).status == 200


async def test_ending_and_redeeming_at_once(site: Site) -> None:
    """Whoever is first: in the end nothing of it is good."""
    grants = site.idp.installation.services.grants
    for _ in range(5):
        tokens = await site.tokens()
        known = RefreshToken.parse(tokens["refresh_token"])
        assert known is not None
        answer, *_ = await asyncio.gather(
            site.refresh(tokens["refresh_token"]),
            *(grants.end(known.authorization_id) for _ in range(4)),
        )
        latest = answer.json.get("refresh_token", tokens["refresh_token"])
        with pytest.raises(InvalidGrant):
            await grants.find_refresh_token(latest)
        assert refused(await site.refresh(latest))


async def test_the_store_has_no_code_and_no_token(site: Site) -> None:
    """Nor the verifier or the nonce of others: hashes, and what was granted."""
    code = await site.code(scope="openid offline_access")
    token = (await site.redeem(code)).json["refresh_token"]
    page = await site.idp.installation.store.authorizations.list()
    stored = str([(item.key, item.document) for item in page.items])
    for value in (code, token, VERIFIER):
        for part in value.split("_"):
            assert len(part) < 40 or part not in stored


async def test_one_document_is_one_sign_in(site: Site) -> None:
    """And its place in her list, however often it is refreshed; both go once nothing is good."""
    authorizations = site.idp.installation.store.authorizations
    token = (await site.tokens())["refresh_token"]
    await site.tokens("openid")
    for _ in range(5):
        token = (await site.refresh(token)).json["refresh_token"]
    assert len((await authorizations.list()).items) == 4
    site.clock.now += 86_400 + 60
    assert await authorizations.expire() == 2
    site.clock.now += 90 * 86_400
    assert await authorizations.expire() == 2


async def test_A_SEC_03_no_refusal_of_a_grant_says_why(site: Site) -> None:
    """Made up, spent, expired or another's: one answer, and no word of what else is wrong."""
    await site.add_app("other")
    codes = [await site.code(scope="openid offline_access") for _ in range(3)]
    token = (await site.redeem(codes[0])).json["refresh_token"]
    answers = [
        await site.redeem(str(Code.new("0" * 32))),
        await site.redeem(codes[0]),
        await site.redeem(codes[1], client_id="other"),
        await site.redeem(codes[1], client_id="other", code_verifier="w" * 43),
        await site.redeem(codes[1], client_id="other", redirect_uri=GOODBYE),
        await site.refresh(token, client_id="other"),
        await site.refresh(str(RefreshToken.first("0" * 32))),
    ]
    await site.refresh(token)
    answers.append(await site.refresh(token))
    site.clock.now += 3600
    answers.append(await site.redeem(codes[2]))
    told = {
        (answer.status, answer.body, tuple(sorted(answer.headers.keys()))) for answer in answers
    }
    assert len(told) == 1, told
