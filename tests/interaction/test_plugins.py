"""Handlers of others between those for people: what they may do, and what they can't."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import Any

import pytest

from apogee_idp import (
    AccessDenied,
    AuthorizationResponse,
    AuthorizationStage,
    ConsentRequired,
    EndSessionStage,
    GenerateToken,
    LoginRequired,
    Principal,
    ProcessAuthorization,
    ProcessEndSession,
    ProcessSignIn,
    ProcessUserInfo,
    Registry,
    Services,
    Stage,
    TokenStage,
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


async def another_grant(event: ProcessSignIn) -> None:
    assert event.grant is not None
    event.grant = replace(event.grant)


async def another_subject(event: ProcessSignIn) -> None:
    event.principal = Principal("usr_" + "E" * 22, "eve")


async def another_user(event: ProcessSignIn) -> None:
    assert event.user is not None
    event.user = replace(event.user, subject="usr_" + "E" * 22)


async def more_scopes(event: ProcessSignIn) -> None:
    event.scopes = (*event.scopes, "idp:admin")


async def no_grant(event: ProcessSignIn) -> None:
    event.grant = None


async def tokens_in_each_others_place(event: ProcessSignIn) -> None:
    assert event.response is not None
    event.response = replace(event.response, id_token=event.access_token)


async def an_id_token_as_access_token(event: ProcessSignIn) -> None:
    assert event.response is not None
    assert event.id_token is not None
    event.response = replace(event.response, access_token=event.id_token)


async def an_unspent_grant(event: ProcessSignIn) -> None:
    grant = event.grant
    assert grant is not None
    event.grant = replace(grant, handle=None)


async def encrypt_the_id_token(event: GenerateToken) -> None:
    event.encryption_key = event.encryption_key or object()  # type: ignore[assignment]


async def retype_the_id_token(event: GenerateToken) -> None:
    event.typ = "at+jwt"


async def claim_a_client(event: GenerateToken) -> None:
    event.claims["client_id"] = "app"


async def live_for_ever(event: GenerateToken) -> None:
    event.lifetime = 10**12


BEFORE = Stage.GENERATE_TOKEN - 1
BEFORE_WRITING = TokenStage.WRITE_TOKEN - 1
AT_THE_END = Stage.ATTACH_PARAMETERS + 1
MISDEEDS: list[Any] = [
    pytest.param(ProcessSignIn, another_grant, BEFORE, id="a copy of the grant"),
    pytest.param(ProcessSignIn, another_subject, BEFORE, id="another subject"),
    pytest.param(ProcessSignIn, another_user, BEFORE, id="another user"),
    pytest.param(ProcessSignIn, more_scopes, BEFORE, id="more scopes"),
    pytest.param(ProcessSignIn, no_grant, BEFORE, id="no grant"),
    pytest.param(ProcessSignIn, no_grant, AT_THE_END, id="no grant in the end"),
    pytest.param(ProcessSignIn, an_unspent_grant, AT_THE_END, id="a grant that isn't spent"),
    pytest.param(ProcessSignIn, tokens_in_each_others_place, AT_THE_END, id="swapped tokens"),
    pytest.param(ProcessSignIn, an_id_token_as_access_token, AT_THE_END, id="an id_token"),
    pytest.param(GenerateToken, encrypt_the_id_token, BEFORE_WRITING, id="an encrypted id_token"),
    pytest.param(
        GenerateToken, retype_the_id_token, BEFORE_WRITING, id="an id_token of another typ"
    ),
    pytest.param(GenerateToken, claim_a_client, BEFORE_WRITING, id="an id_token with a client_id"),
    pytest.param(GenerateToken, live_for_ever, BEFORE_WRITING, id="a token for ever"),
]


@pytest.mark.parametrize(("event", "handler", "order"), MISDEEDS)
async def test_a_misdeed_ends_in_no_tokens(
    new_site: NewSite, event: type, handler: Any, order: int
) -> None:
    """A 500 without details, whatever a plugin leaves on the way from a code to its tokens."""

    async def misdeed(event: Any) -> None:
        if getattr(event, "kind", "id_token") != "access_token":
            await handler(event)

    site = await new_site(event, misdeed, order)
    answer = await site.redeem(await site.code(scope="openid offline_access"))
    assert (answer.status, answer.error) == (500, "server_error")
    assert answer.json.keys() == {"error", "error_description"}


async def test_a_plugin_decides_about_one_token(new_site: NewSite) -> None:
    """A claim of one's own in the id_token alone, and how long a refresh token may rest."""

    async def decide(event: GenerateToken) -> None:
        if event.kind == "id_token":
            event.claims["tenant"] = "blue"
        if event.kind == "refresh_token":
            event.lifetime = 60

    site = await new_site(GenerateToken, decide, TokenStage.WRITE_TOKEN - 1)
    tokens = await site.tokens()
    assert (await site.idp.claims(tokens["id_token"]))["tenant"] == "blue"
    assert "tenant" not in await site.idp.decrypted(tokens["access_token"])
    site.clock.now += 60
    assert (await site.refresh(tokens["refresh_token"])).error == "invalid_grant"
