"""Authorization requests that come from the client itself (RFC 9126)."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

import pytest

from apogee_idp.interactions import INTERACTION_SECONDS
from apogee_idp.pushed_requests import PUSHED_SECONDS, REQUEST_URI_PREFIX
from tests.browser import Browser, Page
from tests.idp import FORM, Answer

from .conftest import CALLBACK, EMAIL, PASSWORD, REQUEST, Site

MAXIMUM_SECONDS = 600


async def push(site: Site, client_id: str = "app", **changes: str | None) -> Answer:
    """A pushed request of this client; what is None is left out."""
    form = REQUEST | {"client_id": client_id, "client_secret": site.idp.secrets.get(client_id)}
    given = {name: value for name, value in (form | changes).items() if value is not None}
    return await site.idp.send(
        "POST", "/connect/par", data=urlencode(given), headers={"Content-Type": FORM}
    )


async def pushed(site: Site, **changes: str | None) -> str:
    answer = await push(site, **changes)
    assert answer.status == 201, answer.body
    uri: str = answer.json["request_uri"]
    return uri


async def visit(browser: Browser, request_uri: str, client_id: str = "app", **more: str) -> Page:
    """What the client sends the browser to."""
    query = urlencode({"client_id": client_id, "request_uri": request_uri} | more)
    return await browser.follow(await browser.get("/connect/authorize?" + query))


async def test_R_PA_01_a_pushed_request_leads_to_a_code(site: Site) -> None:
    """As if the browser had brought it: of what it does bring, nothing counts."""
    answer = await push(site)
    assert answer.status == 201
    assert answer.headers["Cache-Control"] == "no-store"
    assert answer.json["request_uri"].startswith(REQUEST_URI_PREFIX)
    assert 5 <= answer.json["expires_in"] <= MAXIMUM_SECONDS
    browser = site.browser()
    evil = {"scope": "openid roles", "state": "other", "redirect_uri": "https://evil.example/"}
    page = await visit(browser, answer.json["request_uri"], **evil)
    page = await browser.follow(await page.sign_in(EMAIL, PASSWORD))
    page = await page.allow()
    assert page.location.startswith(CALLBACK)
    assert page.parameters["state"] == REQUEST["state"]
    tokens = (await site.redeem(page.parameters["code"])).json
    assert tokens["scope"] == "openid profile"


async def test_R_PA_01_a_public_client_pushes_by_its_name(site: Site) -> None:
    """It could as well send the browser with all of it."""
    await site.add_app("spa", client_type="public", application_type="spa")
    assert (await push(site, "spa")).status == 201
    assert (await push(site, "app", client_secret=None)).status == 401


@pytest.mark.parametrize(
    ("changes", "status", "error"),
    [
        pytest.param({"client_secret": "wrong"}, 401, "invalid_client", id="wrong secret"),
        pytest.param(
            {"request_uri": REQUEST_URI_PREFIX + "x" * 43}, 400, "invalid_request", id="ours"
        ),
        pytest.param({"request_uri": "https://app.example/r"}, 400, "invalid_request", id="URL"),
        pytest.param({"request": "e30.e30."}, 400, "request_not_supported", id="request object"),
        pytest.param({"redirect_uri": None}, 400, "invalid_request", id="no redirect URI"),
        pytest.param(
            {"redirect_uri": "https://evil.example/"}, 400, "invalid_request", id="redirect URI"
        ),
        pytest.param({"code_challenge": None}, 400, "invalid_request", id="no PKCE"),
        pytest.param(
            {"response_type": "token"}, 400, "unsupported_response_type", id="response type"
        ),
        pytest.param({"scope": "openid mail.send"}, 400, "invalid_scope", id="scope"),
        pytest.param({"prompt": "none login"}, 400, "invalid_request", id="prompt"),
    ],
)
async def test_R_PA_01_what_is_wrong_is_said_at_once(
    site: Site, changes: dict[str, Any], status: int, error: str
) -> None:
    """To the client, before any person comes."""
    answer = await push(site, **changes)
    assert (answer.status, answer.json["error"]) == (status, error)


@pytest.mark.parametrize(
    ("method", "body", "status"),
    [("GET", None, 405), ("POST", "client_id=app&" * 33, 413), ("POST", "a=1&a=2", 400)],
    ids=["GET", "too much", "repeated"],
)
async def test_R_PA_01_the_endpoint_takes_forms_as_the_others_do(
    site: Site, method: str, body: str | None, status: int
) -> None:
    """RFC 9126 §2.3."""
    answer = await site.idp.send(
        method, "/connect/par", data=body, headers={"Content-Type": FORM} if body else {}
    )
    assert answer.status == status


async def test_R_PA_01_a_pushed_request_is_of_one_client(site: Site) -> None:
    """Whoever else names it is told what everybody is told of one that never was."""
    await site.add_app("other")
    uri = await pushed(site)
    refused = await visit(site.browser(), uri, "other")
    unknown = await visit(site.browser(), REQUEST_URI_PREFIX + "A" * 43, "other")
    assert (refused.status, refused.text) == (unknown.status, unknown.text)
    assert refused.status == 400
    assert (await visit(site.browser(), uri)).title == "Sign in"


@pytest.mark.parametrize(
    "query",
    [
        "request_uri={uri}",
        "request_uri={uri}&client_id=app&client_id=app",
        "request_uri={uri}&client_id=app&request_uri={uri}",
        "request_uri={uri}x&client_id=app",
        "request_uri=urn:ietf:params:oauth:request_uri:&client_id=app",
    ],
)
async def test_R_PA_01_what_names_no_request_is_a_page(site: Site, query: str) -> None:
    """Nobody knows yet where the person could be sent."""
    page = await site.browser().get("/connect/authorize?" + query.format(uri=await pushed(site)))
    assert (page.status, page.location) == (400, "")


async def test_R_PA_01_it_can_be_visited_until_there_is_a_code(site: Site) -> None:
    """Not once only: people reload pages, and go back. With the code it ends."""
    uri = await pushed(site)
    first, second = site.browser(), site.browser()
    page = await visit(first, uri)
    left_open = await visit(second, uri)
    page = await first.follow(await page.sign_in(EMAIL, PASSWORD))
    assert "code" in (await page.allow()).parameters
    page = await second.follow(await left_open.sign_in(EMAIL, PASSWORD))
    late = await second.follow(page)
    assert late.parameters["error"] == "invalid_request_uri"
    assert "code" not in late.parameters
    assert (await visit(first, uri)).status == 400


async def test_R_PA_01_it_expires_before_the_first_visit_not_during_the_last(site: Site) -> None:
    """Whoever came in time may take as long over the pages as anybody else."""
    uri, unused = await pushed(site), await pushed(site)
    browser = site.browser()
    page = await visit(browser, uri)
    site.clock.now += PUSHED_SECONDS
    assert (await visit(browser, unused)).status == 400
    site.clock.now += INTERACTION_SECONDS - PUSHED_SECONDS - 1
    page = await browser.follow(await page.sign_in(EMAIL, PASSWORD))
    assert "code" in (await page.allow()).parameters


async def test_R_PA_01_a_client_can_be_held_to_it(site: Site) -> None:
    """Its requests come no other way (RFC 9126 §6)."""
    await site.add_app("strict", require_pushed_authorization_requests=True)
    page = await site.authorize(site.browser(), client_id="strict")
    assert page.parameters["error"] == "invalid_request"
    answer = await push(site, "strict")
    page = await visit(site.browser(), answer.json["request_uri"], "strict")
    assert page.title == "Sign in"


async def test_the_store_has_no_request_uri(site: Site) -> None:
    """Who reads it can't go on with what somebody else has begun; nor is it an interaction."""
    uri = await pushed(site)
    handle = uri.removeprefix(REQUEST_URI_PREFIX)
    stored = (await site.idp.installation.store.interactions.list()).items
    assert not any(handle in str(each) for each in stored)
    assert (await site.browser().get(f"/connect/interaction/{handle}")).status == 410
