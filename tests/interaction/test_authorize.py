"""From the authorization request through the pages to a code."""

from __future__ import annotations

import re

import pytest

from tests.idp import ISSUER

from .conftest import (
    CALLBACK,
    CHALLENGE,
    EMAIL,
    PASSWORD,
    REQUEST,
    SUBJECT,
    Site,
    address,
)


@pytest.mark.parametrize("backend", ["sqlite", "mongodb"])
async def test_login_consent_code(site: Site) -> None:
    """The way everyone goes once; state and the registered query come back as they were."""
    browser = site.browser()
    login = await site.authorize(browser)
    assert (login.status, login.title) == (200, "Sign in")
    consent = await browser.follow(await login.sign_in(EMAIL, PASSWORD))
    assert (consent.status, consent.title) == (200, "Allow The App?")
    back = await consent.allow()
    assert (back.status, back.location.startswith(CALLBACK + "&")) == (303, True)
    assert back.parameters.keys() == {"tenant", "code", "state", "iss"}
    assert (back.parameters["state"], back.parameters["iss"]) == (REQUEST["state"], ISSUER)


async def test_R_AE_01_the_request_may_come_as_a_form(site: Site) -> None:
    """From another site, and therefore without cookies; the session is seen all the same."""
    browser = await site.signed_in()
    stranger = site.browser()
    parked = await stranger.post(
        "/connect/authorize", REQUEST, Sec_Fetch_Site="cross-site", Origin="https://app.example"
    )
    assert (parked.status, stranger.cookies) == (303, {})
    back = await browser.get(parked.location)
    assert "code" in back.parameters


@pytest.mark.parametrize("mode", ["none", "page"])
async def test_R_AE_01_a_form_without_a_session(site: Site, mode: str) -> None:
    """A page, or for prompt=none what the client has to hear."""
    browser = site.browser()
    request = REQUEST | ({"prompt": "none"} if mode == "none" else {})
    page = await browser.follow(await browser.post("/connect/authorize", request))
    if mode == "none":
        assert page.parameters["error"] == "login_required"
    else:
        assert page.title == "Sign in"


PAGES = [
    pytest.param({"client_id": None}, id="no client_id"),
    pytest.param({"client_id": "nobody"}, id="unknown client"),
    pytest.param({"client_id": "disabled"}, id="disabled client"),
    pytest.param({"client_id": "app\0"}, id="NUL"),
    pytest.param({"redirect_uri": None}, id="no redirect_uri"),
    pytest.param({"redirect_uri": "https://evil.example/"}, id="another redirect_uri"),
]


@pytest.mark.parametrize("changes", PAGES)
@pytest.mark.parametrize("method", ["GET", "POST"])
async def test_R_AE_02_nobody_is_sent_where_nobody_knows(
    site: Site, changes: dict[str, str | None], method: str
) -> None:
    """A page instead, and nothing that was sent is on it."""
    await site.add_app("disabled", enabled=False)
    browser = site.browser()
    url = address(**changes, state="zQ9canary")
    if method == "GET":
        page = await browser.get(url)
    else:
        page = await browser.post("/connect/authorize", url.partition("?")[2])
    assert (page.status, page.location) == (400, "")
    assert "canary" not in page.text
    assert "evil" not in page.text
    assert page.answer.headers["Content-Type"].startswith("text/html")


@pytest.mark.parametrize("name", ["client_id", "redirect_uri"])
async def test_R_AE_02_whose_request_is_it(site: Site, name: str) -> None:
    """Two of them, even two alike, end on a page."""
    page = await site.browser().get(f"{address()}&{name}={REQUEST[name]}")
    assert (page.status, page.location) == (400, "")


ERRORS = [
    pytest.param({"response_type": None}, "invalid_request", id="R-AE-11 none"),
    pytest.param({"response_type": "token"}, "unsupported_response_type", id="R-AE-11 token"),
    pytest.param(
        {"response_type": "code id_token"}, "unsupported_response_type", id="R-AE-11 hybrid"
    ),
    pytest.param({"response_mode": "fragment"}, "invalid_request", id="R-AE-12 fragment"),
    pytest.param({"code_challenge": None}, "invalid_request", id="R-PK-03 no challenge"),
    pytest.param(
        {"code_challenge": None, "code_challenge_method": None}, "invalid_request", id="R-PK-03"
    ),
    pytest.param({"code_challenge_method": "plain"}, "invalid_request", id="R-PK-02 plain"),
    pytest.param({"code_challenge_method": None}, "invalid_request", id="R-PK-02 no method"),
    pytest.param({"code_challenge": CHALLENGE[:42]}, "invalid_request", id="R-PK-01 short"),
    pytest.param({"code_challenge": CHALLENGE + "A"}, "invalid_request", id="R-PK-01 long"),
    pytest.param({"code_challenge": CHALLENGE[:42] + "="}, "invalid_request", id="R-PK-01 odd"),
    pytest.param({"scope": "openid admin"}, "invalid_scope", id="unknown scope"),
    pytest.param(
        {"client_id": "plain", "scope": "openid stock.read"},
        "invalid_scope",
        id="another client's scope",
    ),
    pytest.param(
        {"client_id": "plain", "scope": "openid offline_access"},
        "invalid_scope",
        id="no offline access",
    ),
    pytest.param({"scope": "openid idp:admin"}, "invalid_scope", id="the management API"),
    pytest.param({"scope": 'a"b'}, "invalid_scope", id="malformed scope"),
    pytest.param({"resource": "nonsense"}, "invalid_target", id="malformed resource"),
    pytest.param({"prompt": "none login"}, "invalid_request", id="R-OC-02 none and more"),
    pytest.param({"prompt": "dance"}, "invalid_request", id="unknown prompt"),
    pytest.param({"prompt": "none"}, "login_required", id="R-OC-02 nobody"),
    pytest.param({"max_age": "-1"}, "invalid_request", id="negative age"),
    pytest.param({"max_age": "ten"}, "invalid_request", id="age in words"),
    pytest.param({"max_age": "\u0663"}, "invalid_request", id="age in other digits"),
    pytest.param({"request": "e30.e30."}, "request_not_supported", id="R-OC-04 request"),
    pytest.param(
        {"request_uri": "https://app.example/r"}, "request_uri_not_supported", id="R-OC-04 uri"
    ),
    pytest.param({"nonce": "n" * 1025}, "invalid_request", id="R-AE-10 long nonce"),
]


@pytest.mark.parametrize(("changes", "error"), ERRORS)
async def test_R_AE_02_the_client_is_told(
    site: Site, changes: dict[str, str | None], error: str
) -> None:
    """At its redirect URI, with its state to the byte, and by whom."""
    await site.add_app("plain", scopes=(), allow_offline_access=False)
    page = await site.browser().get(address(**changes))
    assert page.location.startswith(CALLBACK + "&")
    told = page.parameters
    assert (told["error"], told["state"], told["iss"]) == (error, REQUEST["state"], ISSUER)
    assert "code" not in told


@pytest.mark.parametrize("name", ["scope", "state", "nonce", "x", "code_challenge"])
async def test_R_AE_01_what_is_repeated_is_refused(site: Site, name: str) -> None:
    """A state that is there twice is not echoed at all."""
    page = await site.browser().get(f"{address()}&{name}=1&{name}=1")
    assert page.parameters["error"] == "invalid_request"
    assert page.parameters.get("state") == (None if name == "state" else REQUEST["state"])


@pytest.mark.parametrize(
    "state",
    [
        pytest.param("x" * 1024, id="long"),
        pytest.param("%41%00+ &=#?/\\\"'<>", id="characters of every grammar"),
        pytest.param("ü€😀\u202e", id="other alphabets"),
        pytest.param(" ", id="a space"),
        pytest.param("\r\nSet-Cookie: x=1", id="A-HTTP-06 a line"),
    ],
)
async def test_R_AE_10_state_comes_back_as_it_was(site: Site, state: str) -> None:
    """Whatever is in it."""
    page = await site.browser().get(address(state=state, prompt="none"))
    assert page.parameters["state"] == state
    assert "Set-Cookie" not in page.answer.headers


async def test_R_AE_10_too_long_a_state(site: Site) -> None:
    """Is refused, and told all the same."""
    page = await site.browser().get(address(state="x" * 1025))
    assert page.parameters["error"] == "invalid_request"


IGNORED = [
    {"display": "popup"},
    {"display": "page"},
    {"ui_locales": "de se"},
    {"claims_locales": "se"},
    {"acr_values": "1 2"},
    {"login_hint": "somebody@example.com"},
    {"foobar": "x"},
    {"claims": '{"id_token":{"name":{"essential":true}}}'},
]


@pytest.mark.parametrize("extra", IGNORED, ids=str)
async def test_R_OC_02_what_is_no_reason_to_refuse(site: Site, extra: dict[str, str]) -> None:
    """Known or not."""
    browser = await site.signed_in()
    assert "code" in (await site.authorize(browser, **extra)).parameters


async def test_the_order_of_parameters_and_scopes_is_free(site: Site) -> None:
    """What was allowed is remembered as a set."""
    browser = await site.signed_in()
    turned = "&".join(reversed(address(scope="profile openid").partition("?")[2].split("&")))
    assert "code" in (await browser.get(f"/connect/authorize?{turned}")).parameters


async def test_R_AE_12_form_post(site: Site) -> None:
    """A page that posts itself, by the one script that it may run, or by a button."""
    browser = await site.signed_in()
    page = await site.authorize(browser, response_mode="form_post", state='"><script>x</script>')
    assert (page.status, page.action) == (200, CALLBACK)
    assert page.fields.keys() == {"code", "state", "iss"}
    assert page.fields["state"] == '"><script>x</script>'
    assert re.findall("<script>(.*?)</script>", page.text) == ["document.forms[0].submit()"]
    policy = page.answer.headers["Content-Security-Policy"]
    assert "form-action 'self' https:;" in policy
    assert "script-src 'sha256-" in policy
    assert "unsafe" not in policy


async def test_R_AE_12_errors_by_form_post(site: Site) -> None:
    """The client hears of them where it listens."""
    page = await site.browser().get(address(response_mode="form_post", scope="admin"))
    assert (page.action, page.fields["error"]) == (CALLBACK, "invalid_scope")


async def test_R_PK_03_a_confidential_client_may_be_let_off(site: Site) -> None:
    """A public one never."""
    for name in ("lax", "open"):
        await site.add_app(name, require_pkce=False)
    await site.idp.change_client("open", client_type="public")
    nothing = {"code_challenge": None, "code_challenge_method": None}
    browser = site.browser()
    assert (await site.authorize(browser, client_id="lax", **nothing)).title == "Sign in"
    plain = await browser.get(address(client_id="lax", code_challenge=None))
    assert plain.parameters["error"] == "invalid_request"
    told = await browser.get(address(client_id="open", **nothing))
    assert told.parameters["error"] == "invalid_request"


async def test_a_client_of_another_flow(site: Site) -> None:
    """Has no redirect URI that anyone would be sent to; and with one, it isn't permitted."""
    for name in ("machine", "odd"):
        await site.idp.add_client(name)
    page = await site.browser().get(address(client_id="machine"))
    assert (page.status, page.location) == (400, "")
    await site.idp.change_client("odd", redirect_uris=(CALLBACK,))
    told = await site.browser().get(address(client_id="odd"))
    assert told.parameters["error"] == "unauthorized_client"


async def test_a_grant_type_that_is_off(site: Site, start_idp) -> None:  # type: ignore[no-untyped-def]
    """Has no authorization endpoint to speak of."""
    store = site.idp.installation.settings.store
    other = await start_idp(store=store, grant_types=("client_credentials",))
    from tests.browser import Browser

    page = await Browser(other).get(address())
    assert page.parameters["error"] == "unsupported_response_type"


async def test_what_the_code_stands_for(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    """Client, person, scopes, time, redirect URI, challenge and nonce: nothing of it is guessed."""
    from apogee_idp.grants import Grants

    seen = []
    make = Grants.authorize

    async def watched(self, grant, **times):  # type: ignore[no-untyped-def]
        seen.append(grant)
        return await make(self, grant, **times)

    monkeypatch.setattr(Grants, "authorize", watched)
    await site.signed_in()
    (grant,) = seen
    assert (grant.client_id, grant.subject) == ("app", SUBJECT)
    assert (grant.scopes, grant.auth_time) == (("openid", "profile"), site.clock.now)
    assert (grant.redirect_uri, grant.code_challenge, grant.nonce) == (CALLBACK, CHALLENGE, "n-1")
