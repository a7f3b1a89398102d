"""People who manage the server in the console: by their session, from its own pages alone."""

from __future__ import annotations

import re

import pytest

from apogee_idp.management.actor import local_actor
from apogee_idp.model import MANAGEMENT_SCOPES
from tests.clock import Clock
from tests.conftest import StartIdp
from tests.idp import Answer, Idp
from tests.interaction.conftest import EMAIL, SUBJECT

from .conftest import Admin, new_admin
from .console import Console, add_person, sign_in

OTHER = "usr_" + "B" * 22
ROOT = local_actor("root")
SECURE = "__Host-apogee_session"


def kind(answer: Answer) -> str:
    return str(answer.json["type"]).removeprefix("urn:apogee-idp:problem:")


@pytest.fixture
async def console(idp: Idp) -> Console:
    await add_person(idp, profile={"name": "Ann Example"})
    return await Console.opened(idp)


async def test_the_session_tells_the_console_what_it_needs(start_idp: StartIdp) -> None:
    """Who, what she may do, until when; and no store has her token."""
    clock = Clock()
    idp = await start_idp(clock=clock)
    await add_person(idp, profile={"name": "Ann Example"})
    console = await Console.opened(idp)
    told = (await console.call("GET", "/session")).json
    assert (told["subject"], told["name"], told["email"]) == (SUBJECT, "Ann Example", EMAIL)
    assert told["is_administrator"] is True
    assert told["roles"] == ["idp-admin"]
    assert told["scopes"] == sorted(MANAGEMENT_SCOPES)
    assert re.fullmatch("[0-9a-f]{64}", told["csrf_token"])
    assert (told["now"], told["signed_in_at"]) == (clock.now, clock.now)
    assert told["idle_expires_at"] - clock.now == 28_800
    assert told["expires_at"] - clock.now == 604_800
    assert told["endpoints"]["token"] == "https://idp.example/connect/token"
    clock.now += 3600
    later = (await console.call("GET", "/session")).json
    assert later["idle_expires_at"] - told["idle_expires_at"] == 3600
    assert later["expires_at"] == told["expires_at"]


async def test_what_a_person_changes_is_hers_in_the_audit(console: Console) -> None:
    made = await console.call("POST", "/scopes", {"name": "mine"})
    assert made.status == 201
    (entry,) = (await console.call("GET", "/audit?action=add_scope&key=mine")).json["items"]
    assert (entry["actor"], entry["outcome"]) == (SUBJECT, "done")
    assert entry["request_id"] == made.headers["X-Request-Id"]


async def test_a_session_and_a_token_together_are_refused(idp: Idp, console: Console) -> None:
    """Nobody could say who has done it; a route for everybody takes no notice of either."""
    admin = await new_admin(idp)
    for path in ("/scopes", "/session", "/nothing"):
        both = await console.call("GET", path, Authorization=f"Bearer {admin.token}")
        assert (both.status, kind(both)) == (400, "invalid-request")
    found = {"secret": "x"}
    assert (await console.call("POST", "/leaked-secrets", found)).status == 202


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        pytest.param({"Sec_Fetch_Site": "cross-site"}, 403, id="another site"),
        pytest.param({"Sec_Fetch_Site": "same-site"}, 403, id="a sister"),
        pytest.param({"Sec_Fetch_Site": "none"}, 403, id="nobody"),
        pytest.param({"Sec_Fetch_Site": ""}, 403, id="unknown"),
        pytest.param({"Sec_Fetch_Site": "", "Origin": "null"}, 403, id="hidden"),
        pytest.param({"Sec_Fetch_Site": "", "Origin": "https://evil.example"}, 403, id="evil"),
        pytest.param({"Sec_Fetch_Site": "", "Origin": "http://idp.example"}, 403, id="http"),
        pytest.param({"Sec_Fetch_Site": "", "Origin": "https://idp.example:8"}, 403, id="port"),
        pytest.param({"Sec_Fetch_Site": "", "Origin": "https://idp.example"}, 200, id="ours, old"),
    ],
)
async def test_only_our_own_pages_may_ask(
    console: Console, headers: dict[str, str], status: int
) -> None:
    """What is read, too: no other site has any business with it."""
    answer = await console.call("GET", "/scopes", **headers)
    assert answer.status == status
    assert status == 200 or kind(answer) == "cross-origin"
    assert "Access-Control-Allow-Origin" not in answer.headers


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE"])
async def test_what_changes_something_carries_the_token_of_the_session(
    idp: Idp, console: Console, method: str
) -> None:
    """Not that of another session, not a part of it, not twice."""
    other = await Console.opened(idp)
    for wrong in ("", "x", console.csrf_token[:-1], other.csrf_token):
        refused = await console.call(method, "/scopes/ping", {}, X_CSRF_Token=wrong)
        assert (refused.status, kind(refused)) == (403, "csrf")
    right = await console.call(method, "/scopes/ping", {})
    assert right.status in (405, 428)


async def test_without_a_session_or_with_one_that_has_ended(start_idp: StartIdp) -> None:
    """Signed out, unused for too long, disabled: all of them are told to sign in."""
    clock = Clock()
    idp = await start_idp(clock=clock)
    await add_person(idp)
    console = await Console.opened(idp)
    nobody = await console.call("GET", "/session", Cookie="")
    assert (nobody.status, kind(nobody)) == (401, "session-needed")
    nonsense = await console.call("GET", "/session", Cookie=f"{SECURE}=x")
    assert (nonsense.status, kind(nonsense)) == (401, "session-needed")
    unknown = await console.call("GET", "/scopes", Cookie=f"{SECURE}={'x' * 43}")
    assert (unknown.status, kind(unknown)) == (401, "session-ended")
    twice = await console.call("GET", "/scopes", Cookie=f"{SECURE}=x; {SECURE}=y")
    assert twice.status == 400
    await idp.installation.management.users(ROOT).set_enabled(SUBJECT, enabled=False)
    disabled = await console.call("GET", "/scopes")
    assert (disabled.status, kind(disabled)) == (401, "session-ended")
    await idp.installation.management.users(ROOT).set_enabled(SUBJECT, enabled=True)
    clock.now += 1
    again = await Console.opened(idp)
    clock.now += 28_801
    idle = await again.call("GET", "/scopes")
    assert (idle.status, kind(idle)) == (401, "session-ended")
    assert idle.headers["WWW-Authenticate"] == 'Bearer realm="apogee-idp"'


async def test_who_is_no_administrator_learns_who_she_is_and_no_more(idp: Idp) -> None:
    """And can sign out."""
    await add_person(idp, "eve@example.com", OTHER, roles=("sales",))
    console = await Console.opened(idp, email="eve@example.com")
    told = await console.call("GET", "/session")
    assert (told.status, kind(told)) == (403, "not-administrator")
    session = told.json["session"]
    assert (session["email"], session["roles"]) == ("eve@example.com", ["sales"])
    assert (session["is_administrator"], session["scopes"]) == (False, [])
    for method, path in (("GET", "/scopes"), ("GET", "/nothing"), ("POST", "/clients")):
        refused = await console.call(method, path)
        assert (refused.status, kind(refused)) == (403, "not-administrator")
        assert "session" not in refused.json
    assert (await console.call("DELETE", "/session")).status == 204
    assert (await console.call("GET", "/session")).status == 401


async def test_a_role_that_is_lost_is_lost_at_once(idp: Idp, console: Console) -> None:
    """Taking it ends the session; a setting that names her no more leaves her without it."""
    await idp.installation.management.users(ROOT).revoke_role(SUBJECT, "idp-admin")
    assert (await console.call("GET", "/scopes")).status == 401
    await add_person(idp, "eve@example.com", OTHER, administrator_by="google:eve@example.com")
    former = await Console.opened(idp, email="eve@example.com")
    assert (await former.call("GET", "/scopes")).status == 403


async def test_administrators_by_configuration_manage(start_idp: StartIdp) -> None:
    """As long as the settings name them."""
    entry = "google:ann@example.com"
    idp = await start_idp(administrators=(entry,))
    await add_person(idp, administrator_by=entry)
    console = await Console.opened(idp)
    assert (await console.call("GET", "/scopes")).status == 200


async def test_signing_out_ends_the_session_everywhere(console: Console) -> None:
    """On the server, and in the browser; not without the token."""
    assert (await console.call("DELETE", "/session", X_CSRF_Token="")).status == 403
    out = await console.call("DELETE", "/session")
    assert out.status == 204
    assert "Max-Age=0" in out.headers["Set-Cookie"]
    assert out.headers["Set-Cookie"].startswith(f"{SECURE}=")
    assert kind(await console.call("GET", "/session")) == "session-ended"


async def test_a_token_has_no_session(admin: Admin) -> None:
    """The routes of the session are for people."""
    for method in ("GET", "DELETE"):
        answer = await admin.call(method, "/session")
        assert (answer.status, kind(answer)) == (403, "cross-origin")


@pytest.mark.parametrize(
    ("to", "place"),
    [
        ("", ""),
        ("/", "/"),
        ("/clients/billing", "/clients/billing"),
        ("/clients/a%2Eb?tab=secrets%26x", "/clients/a.b?tab=secrets&x"),
        ("//evil.example", "//evil.example"),
        ("https://evil.example", ""),
        ("evil", ""),
        ("/../connect/logout", ""),
        ("/a/%2e%2e/b", ""),
        ("/a/%252e%252e/b", ""),
        ("/a/..?x", ""),
        ("/a\\b", ""),
        ("/a%0d%0aSet-Cookie:x", ""),
        ("/ä", ""),
        ("/" + "x" * 1000, ""),
        ("/a&to=/b", ""),
    ],
)
async def test_the_way_back_stays_in_the_console(start_idp: StartIdp, to: str, place: str) -> None:
    """At an issuer with a path; for who is signed in already, the same at once."""
    base = "/tenant"
    idp = await start_idp(issuer="https://idp.example/tenant")
    await add_person(idp)
    page = await sign_in(idp, to=to, base=base)
    assert (page.status, page.url) == (200, f"{base}/console{place}")
    at_once = await page.browser.get(f"{base}/console/sign-in?to={to}")
    assert at_once.location == f"{base}/console{place}"
    again = await page.browser.follow(await page.browser.get(f"{base}/console/sign-in?again=1"))
    assert again.title == "Sign in"
    console = Console(page.browser, base)
    assert (await console.call("GET", "/session")).json["account_url"] == "/tenant/account"
