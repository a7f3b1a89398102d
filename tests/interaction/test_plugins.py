"""Handlers of others between those for people: what they may do, and what they can't."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import replace

import pytest

from apogee_idp import (
    AccessDenied,
    AuthorizationResponse,
    AuthorizationStage,
    ConsentRequired,
    EndSessionStage,
    LoginRequired,
    ProcessAuthorization,
    ProcessEndSession,
    ProcessUserInfo,
    Registry,
    Services,
    UserInfoStage,
)
from apogee_idp.model import Client
from tests.conftest import StartIdp

from .conftest import EMAIL, GOODBYE, PASSWORD, Clock, Site, access_token

EVIL = "https://evil.example/"
Handler = Callable[[ProcessAuthorization], Awaitable[None]]
NewSite = Callable[..., Awaitable[Site]]


@pytest.fixture
def new_site(start_idp: StartIdp) -> NewSite:
    """A server with one more handler."""

    async def start(event: type, handler: object, order: int) -> Site:
        def register(registry: Registry, _: Services) -> None:
            registry.add(event, handler, name="rule", order=order)  # type: ignore[arg-type]

        clock = Clock()
        idp = await start_idp(clock=clock, register=register)
        site = Site(idp, clock)
        await site.add_app()
        await site.add_user()
        return site

    return start


async def test_a_rule_of_ones_own_refuses(new_site: NewSite) -> None:
    """The client is told, once somebody has signed in."""

    async def only_employees(event: ProcessAuthorization) -> None:
        if not event.known_session().user.email.endswith("@corp.example"):
            raise AccessDenied("Employees only.", reason="another domain")

    order = AuthorizationStage.VALIDATE_SESSION + 1
    site = await new_site(ProcessAuthorization, only_employees, order)
    browser = site.browser()
    page = await site.authorize(browser)
    back = await browser.follow(await page.sign_in(EMAIL, PASSWORD))
    assert back.parameters["error"] == "access_denied"
    assert back.parameters["error_description"] == "Employees only."


async def test_a_rule_of_ones_own_wants_another_sign_in(new_site: NewSite) -> None:
    """It is asked for once; who never is satisfied refuses."""

    async def never(_: ProcessAuthorization) -> None:
        raise LoginRequired(reason="never")

    site = await new_site(ProcessAuthorization, never, AuthorizationStage.VALIDATE_SESSION + 1)
    browser = site.browser()
    page = await site.authorize(browser)
    back = await browser.follow(await page.sign_in(EMAIL, PASSWORD))
    assert back.parameters["error"] == "login_required"


async def test_a_rule_behind_all_pages(new_site: NewSite) -> None:
    """Is told to the client, and nothing is remembered: no page goes round in circles."""

    async def never(_: ProcessAuthorization) -> None:
        raise ConsentRequired(reason="never")

    site = await new_site(ProcessAuthorization, never, AuthorizationStage.GENERATE_CODE + 1)
    browser = site.browser()
    page = await site.authorize(browser)
    for _ in range(2):
        if page.title == "Sign in":
            page = await browser.follow(await page.sign_in(EMAIL, PASSWORD))
        assert (await page.allow()).parameters["error"] == "consent_required"
        page = await site.authorize(browser)
        assert page.title == "Allow The App?"


async def test_parameters_of_ones_own(new_site: NewSite) -> None:
    """Beside those that only the core sets."""

    async def add(event: ProcessAuthorization) -> None:
        event.parameters["tenant_hint"] = "blue & green"

    site = await new_site(ProcessAuthorization, add, AuthorizationStage.GENERATE_CODE - 1)
    browser = await site.signed_in()
    assert (await site.authorize(browser)).parameters["tenant_hint"] == "blue & green"


async def redirect(event: ProcessAuthorization) -> None:
    event.redirect_uri = EVIL


async def answer(event: ProcessAuthorization) -> None:
    event.redirect_uri = EVIL
    event.response = AuthorizationResponse(EVIL, "query", {"code": "x"})
    raise AccessDenied("No.")


async def replace_client(event: ProcessAuthorization) -> None:
    event.client = replace(event.known_client(), redirect_uris=(EVIL,))
    event.redirect_uri = EVIL


async def replace_session(event: ProcessAuthorization) -> None:
    event.session = replace(event.known_session(), auth_time=1)


async def answer_nothing(event: ProcessAuthorization) -> None:
    event.response = None


async def answer_state(event: ProcessAuthorization) -> None:
    event.response = AuthorizationResponse(event.redirect_uri or "", "query", {"state": "x"})


async def reserve(event: ProcessAuthorization) -> None:
    event.parameters["iss"] = EVIL


@pytest.mark.parametrize(
    ("handler", "order"),
    [
        (redirect, AuthorizationStage.VALIDATE_CONSENT + 1),
        (redirect, AuthorizationStage.ATTACH_PARAMETERS + 1),
        (answer, AuthorizationStage.VALIDATE_CONSENT + 1),
        (replace_client, AuthorizationStage.VALIDATE_CONSENT + 1),
        (replace_session, AuthorizationStage.VALIDATE_CONSENT + 1),
        (answer_nothing, AuthorizationStage.ATTACH_PARAMETERS + 1),
        (answer_state, AuthorizationStage.ATTACH_PARAMETERS + 1),
        (reserve, AuthorizationStage.GENERATE_CODE - 1),
    ],
)
async def test_A_PIPE_2_what_a_handler_can_not_do(
    new_site: NewSite, handler: Handler, order: int
) -> None:
    """A page (500), and nobody is sent anywhere."""
    site = await new_site(ProcessAuthorization, handler, order)
    browser = site.browser()
    page = await site.authorize(browser)
    page = await browser.follow(await page.sign_in(EMAIL, PASSWORD))
    if page.status == 200:
        page = await page.allow()
    assert (page.status, page.location) == (500, "")
    assert page.answer.headers["Content-Type"].startswith("text/html")


async def test_A_PIPE_2_signing_out_leads_to_registered_places(new_site: NewSite) -> None:
    """Whatever a handler says."""

    async def lead_away(event: ProcessEndSession) -> None:
        event.client = event.client or Client("app")
        event.redirect_uri = EVIL

    order = EndSessionStage.VALIDATE_REDIRECT_URI + 1
    site = await new_site(ProcessEndSession, lead_away, order)
    browser = site.browser()
    page = await browser.follow(
        await browser.get(f"/connect/logout?post_logout_redirect_uri={GOODBYE}")
    )
    assert page.title == "You are signed out"


async def test_claims_of_ones_own_at_userinfo(new_site: NewSite) -> None:
    """And none that is the core's."""

    async def add(event: ProcessUserInfo) -> None:
        event.claims["tenant"] = "blue"

    site = await new_site(ProcessUserInfo, add, UserInfoStage.ATTACH_CLAIMS - 1)
    headers = {"Authorization": f"Bearer {await access_token(site)}"}
    told = await site.idp.send("GET", "/connect/userinfo", headers=headers)
    assert told.json["tenant"] == "blue"


async def test_A_PIPE_3_claims_that_are_the_cores(new_site: NewSite) -> None:
    """500."""

    async def add(event: ProcessUserInfo) -> None:
        event.claims["sub"] = "somebody else"

    site = await new_site(ProcessUserInfo, add, UserInfoStage.ATTACH_CLAIMS + 1)
    headers = {"Authorization": f"Bearer {await access_token(site)}"}
    assert (await site.idp.send("GET", "/connect/userinfo", headers=headers)).status == 500
