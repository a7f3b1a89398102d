"""Signing out: asked for by a client, confirmed by the person, and really gone."""

from __future__ import annotations

import jwt
import pytest

from apogee_idp.stores.repositories import clients_in
from tests.browser import Browser, Page

from .conftest import GOODBYE, REQUEST, Site, access_token, id_token, signed

SESSION = "__Host-apogee_session"


async def leave(browser: Browser, **parameters: str) -> Page:
    """What a client sends her with, up to the page that asks."""
    from urllib.parse import urlencode

    return await browser.follow(await browser.get(f"/connect/logout?{urlencode(parameters)}"))


async def is_signed_in(site: Site, browser: Browser) -> bool:
    return "code" in (await site.authorize(browser, prompt="none")).parameters


@pytest.mark.parametrize("backend", ["sqlite", "mongodb"])
async def test_R_OC_07_with_everything(site: Site) -> None:
    """Confirmed, gone, and back at the client with its state."""
    browser = await site.signed_in()
    thief = browser.twin()
    page = await leave(
        browser,
        id_token_hint=await id_token(site),
        post_logout_redirect_uri=GOODBYE,
        state="s t+a/t&e",
    )
    assert page.title == "Sign out?"
    assert "The App asks whether you want to sign out." in page.text
    assert "form-action 'self' https:;" in page.answer.headers["Content-Security-Policy"]
    assert await is_signed_in(site, browser)
    back = await page.submit(action="sign_out")
    assert (back.status, back.location) == (303, f"{GOODBYE}?state=s%20t%2Ba%2Ft%26e")
    assert SESSION not in browser.cookies
    for one in (browser, thief):
        assert not await is_signed_in(site, one)


async def test_R_OC_07_by_client_id_alone(site: Site) -> None:
    """Enough to know where she may be sent, since she confirms it."""
    browser = await site.signed_in()
    page = await leave(browser, client_id="app", post_logout_redirect_uri=GOODBYE)
    assert (await page.submit(action="sign_out")).location == GOODBYE


async def test_R_OC_07_as_a_form_of_another_site(site: Site) -> None:
    """Without cookies; the next page has them."""
    browser = await site.signed_in()
    form = {"client_id": "app", "post_logout_redirect_uri": GOODBYE}
    parked = await site.browser().post("/connect/logout", form, Sec_Fetch_Site="cross-site")
    page = await browser.get(parked.location)
    assert (await page.submit(action="sign_out")).location == GOODBYE


async def test_R_OC_07_without_parameters(site: Site) -> None:
    """Asked all the same, then a page of ours."""
    browser = await site.signed_in()
    page = await leave(browser)
    assert page.title == "Sign out?"
    assert "asks whether" not in page.text
    page = await browser.follow(await page.submit(action="sign_out"))
    assert (page.title, page.url) == ("You are signed out", "/connect/signed-out")


async def test_staying(site: Site) -> None:
    """Nothing has ended."""
    browser = await site.signed_in()
    page = await leave(browser, client_id="app", post_logout_redirect_uri=GOODBYE)
    assert (await page.submit(action="stay")).location == "/"
    assert await is_signed_in(site, browser)
    assert (await page.submit(action="sign_out")).status == 410


async def test_nobody_is_signed_in(site: Site) -> None:
    """There is nothing to confirm."""
    page = await leave(site.browser(), client_id="app", post_logout_redirect_uri=GOODBYE, state="1")
    assert page.location == GOODBYE + "?state=1"
    assert (await leave(site.browser())).title == "You are signed out"


def forged(**claims: object) -> str:
    return jwt.encode({"iss": "https://idp.example", "sub": "x", "aud": "app"} | claims, "k" * 32)


@pytest.mark.parametrize(
    "kind", ["forged", "none", "access token", "other issuer", "other client", "nonsense", "twice"]
)
async def test_A_AZ_10_a_hint_that_is_none(site: Site, kind: str) -> None:
    """She is asked, and sent nowhere."""
    await site.add_app("other")
    hints = {
        "forged": forged(),
        "none": jwt.encode({"iss": "https://idp.example", "sub": "x", "aud": "app"}, None, "none"),
        "access token": await access_token(site),
        "other issuer": await signed(site, "JWT", aud="app", iss="https://other.example"),
        "other client": await id_token(site, aud="nobody"),
        "nonsense": "x",
        "twice": await id_token(site, aud="other"),
    }
    browser = await site.signed_in()
    page = await leave(
        browser, id_token_hint=hints[kind], client_id="app", post_logout_redirect_uri=GOODBYE
    )
    assert page.title == "Sign out?"
    gone = await browser.follow(await page.submit(action="sign_out"))
    assert gone.title == "You are signed out"


@pytest.mark.parametrize(
    "uri",
    [
        "https://evil.example/",
        GOODBYE + "/",
        GOODBYE + "?x=1",
        GOODBYE + "#x",
        GOODBYE.upper(),
        GOODBYE.replace("https", "http"),
        "//app.example/goodbye",
        "https://app.example\\@evil.example/goodbye",
        REQUEST["redirect_uri"],
        "javascript:alert(1)",
    ],
)
@pytest.mark.parametrize("signed_in", [True, False])
async def test_A_AZ_10_an_address_that_is_not_registered(
    site: Site, uri: str, signed_in: bool
) -> None:
    """She is asked, and sent nowhere."""
    browser = await site.signed_in() if signed_in else site.browser()
    page = await leave(
        browser, id_token_hint=await id_token(site), post_logout_redirect_uri=uri, state="x"
    )
    if signed_in:
        page = await browser.follow(await page.submit(action="sign_out"))
    assert (page.title, page.location) == ("You are signed out", "")


async def test_A_AZ_10_an_address_without_a_client(site: Site) -> None:
    """Anyone's is no one's."""
    page = await leave(site.browser(), post_logout_redirect_uri=GOODBYE)
    assert page.title == "You are signed out"


async def test_A_AZ_10_a_client_that_was_disabled(site: Site) -> None:
    """Has nobody sent to it."""
    await site.add_app("off", enabled=False)
    assert await clients_in(site.idp.installation.store).get("off")
    page = await leave(site.browser(), client_id="off", post_logout_redirect_uri=GOODBYE)
    assert page.title == "You are signed out"


async def test_R_OC_07_what_is_repeated(site: Site) -> None:
    """A page of ours."""
    uri = f"/connect/logout?client_id=app&state=1&state=2&post_logout_redirect_uri={GOODBYE}"
    page = await site.browser().get(uri)
    assert (page.status, page.location) == (400, "")


@pytest.mark.parametrize(
    ("token", "headers"),
    [
        ("", {}),
        ("0" * 64, {}),
        (None, {"Sec_Fetch_Site": "cross-site"}),
        (None, {"Origin": "https://evil.example"}),
    ],
)
async def test_A_AZ_05_nobody_else_signs_her_out(
    site: Site, token: str | None, headers: dict[str, str]
) -> None:
    """403, and she is still there."""
    browser = await site.signed_in()
    page = await leave(browser)
    fields = page.fields | {"action": "sign_out"}
    if token is not None:
        fields["token"] = token
    assert (await browser.post(page.action, fields, **headers)).status == 403
    assert await is_signed_in(site, browser)


async def test_A_AZ_11_signing_out_twice(site: Site) -> None:
    """The page is used up; one for signing in is none for signing out."""
    browser = await site.signed_in()
    page = await leave(browser)
    await page.submit(action="sign_out")
    assert (await page.submit(action="sign_out")).status == 410
    login = await site.authorize(browser)
    assert (await browser.get(login.url.replace("interaction", "logout"))).status == 410
