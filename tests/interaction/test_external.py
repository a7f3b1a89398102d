"""Signing in at another provider: a second server of ours, and one that answers as GitHub does."""

from __future__ import annotations

import asyncio
import io
import json
import re
import shutil
import tomllib
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, quote, urlencode, urlsplit

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from apogee_idp.errors import SettingsError
from apogee_idp.identity_providers import read_identity_providers
from apogee_idp.stores.repositories import users_in
from apogee_idp.user_model import ADMINISTRATOR_ROLE, User
from apogee_idp.web.interaction.second_factor import FRESH_SECONDS
from tests.browser import Browser, Page
from tests.clock import Clock
from tests.conftest import StartIdp, copy_store
from tests.idp import ISSUER
from tests.mongodb import Databases
from tests.process import free_port
from tests.wire_proxy import WireProxy

from .conftest import EMAIL, PASSWORD, SUBJECT, Site
from .test_account import account, do, notice
from .test_second_factor import SETUP, set_up

CONFIG = Path(__file__).parents[2] / "config"
UPSTREAM_EMAIL = "ann.lee@work.example"
ELSEWHERE = "usr_" + "E" * 22
GITHUB_SECRET = "github-secret"


@dataclass
class GitHub:
    """What GitHub documents of its OAuth endpoints and of ``/user``."""

    url: str = ""
    user: dict[str, Any] = field(
        default_factory=lambda: {"id": 42, "login": "annlee", "name": "Ann Lee", "email": None}
    )
    emails: list[dict[str, Any]] = field(
        default_factory=lambda: [
            {"email": "old@work.example", "primary": False, "verified": True},
            {"email": UPSTREAM_EMAIL, "primary": True, "verified": True},
        ]
    )
    asked: list[dict[str, Any]] = field(default_factory=list)
    statuses: dict[str, int] = field(default_factory=dict)

    async def token(self, request: web.Request) -> web.Response:
        form = {name: str(value) for name, value in (await request.post()).items()}
        self.asked.append(form)
        if form["code"] != "good" or form["client_secret"] != GITHUB_SECRET:
            return web.json_response({"error": "bad_verification_code"})  # with the status 200
        return web.json_response({"access_token": "gho_1", "token_type": "bearer", "scope": ""})

    async def authorize(self, request: web.Request) -> web.Response:
        """As if she had signed in there, and agreed."""
        query = request.query
        assert query["code_challenge_method"] == "S256"
        iss = quote(f"{self.url}/login/oauth", safe="")
        back = f"{query['redirect_uri']}?code=good&iss={iss}&state={query['state']}"
        return web.Response(status=302, headers={"Location": back})

    async def answer(self, request: web.Request) -> web.Response:
        """Lists by the page, of 30 unless more are asked for, of 100 at most."""
        assert request.headers["Authorization"] == "Bearer gho_1"
        name = request.path.rpartition("/")[2]
        status = self.statuses.get(name, 200)
        if status != 200:
            return web.json_response(
                {"message": "No"}, status=status, headers={"Retry-After": "60"}
            )
        if name == "user":
            return web.json_response(self.user)
        most = min(int(request.query.get("per_page", "30")), 100)
        return web.json_response(self.emails[:most] if self.emails else self.emails)


@dataclass
class Scene:
    """A server of ours, the providers that it knows, and one browser at all of them."""

    site: Site
    upstream: Site
    github: GitHub
    start: Callable[..., Awaitable[Site]]

    def browsers(self) -> tuple[Browser, Browser]:
        return self.site.browser(), self.upstream.browser()

    async def with_work(self, line: str) -> Site:
        """The same server, whose file of the upstream says that, too."""
        settings = self.site.idp.installation.settings
        path = Path(settings.identity_provider_files[0])
        path.write_text(path.read_text() + line + "\n")
        return await self.start(store=settings.store)

    async def user(self, subject: str) -> User:
        user = await users_in(self.site.idp.installation.store).get(subject)
        assert user is not None
        return user

    async def users(self) -> list[User]:
        return list((await users_in(self.site.idp.installation.store).all()).items)


def link_to(page: Page, text: str) -> str:
    """Where a link on it leads."""
    match = re.search(rf'href="([^"]+)"[^>]*>{re.escape(text)}', page.text)
    assert match is not None, page.text
    return match[1].replace("&amp;", "&")


async def depart(page: Page, text: str = "Continue with Work") -> str:
    """The provider's address that the link leads to."""
    answer = await page.browser.get(link_to(page, text))
    assert answer.status == 303, answer.text
    return answer.location


async def vouched(elsewhere: Browser, address: str) -> str:
    """The address that the upstream sends her back to, once she has signed in and agreed there."""
    url = urlsplit(address)
    page = await elsewhere.follow(await elsewhere.get(f"{url.path}?{url.query}"))
    if page.status == 200 and page.title == "Sign in":
        page = await elsewhere.follow(await page.sign_in(UPSTREAM_EMAIL, PASSWORD))
    if page.status == 200:
        page = await page.allow()
    assert page.location.startswith(ISSUER)
    return page.location.removeprefix(ISSUER)


async def through(here: Browser, elsewhere: Browser, page: Page, text: str = "Continue") -> Page:
    """From a page with the link to the upstream, and back."""
    back = await vouched(elsewhere, await depart(page, text))
    return await here.follow(await here.get(back))


async def by_github(here: Browser, page: Page, **told: str) -> Page:
    """Where the answer of GitHub leads, with a good code unless another is ``told``."""
    address = await depart(page, "Continue with GitHub")
    state = parse_qs(urlsplit(address).query)["state"][0]
    answer = {"code": "good", "state": state} | told
    return await here.get("/connect/callback/github?" + urlencode(answer))


@asynccontextmanager
async def answering_github() -> AsyncIterator[GitHub]:
    github, app = GitHub(), web.Application()
    app.router.add_get("/login/oauth/authorize", github.authorize)
    app.router.add_post("/login/oauth/access_token", github.token)
    app.router.add_get("/api/v3/user", github.answer)
    app.router.add_get("/api/v3/user/emails", github.answer)
    async with TestServer(app) as server:
        github.url = f"http://localhost:{server.port}"
        yield github


@pytest.fixture
async def github() -> AsyncIterator[GitHub]:
    async with answering_github() as github:
        yield github


@pytest.fixture
async def scene(start_idp: StartIdp, github: GitHub, tmp_path: Path) -> Scene:
    clock, port = Clock(), free_port()
    upstream_issuer = f"http://localhost:{port}"
    upstream = Site(await start_idp(clock=clock, port=port, issuer=upstream_issuer), clock)
    redirect = f"{ISSUER}/connect/callback/work"
    await upstream.add_app("downstream", redirect_uris=(redirect,))
    await upstream.add_user(
        UPSTREAM_EMAIL, ELSEWHERE, email_verified=True, profile={"name": "Ann at Work"}
    )
    (tmp_path / "work.secret").write_text(upstream.idp.secrets["downstream"] + "\n")
    (tmp_path / "github.secret").write_text(GITHUB_SECRET)
    (tmp_path / "work.toml").write_text(
        f'name = "work"\ntype = "openid"\ntitle = "Work"\nissuer = "{upstream_issuer}"\n'
        'client_id = "downstream"\nclient_secret_file = "work.secret"\n'
    )
    (tmp_path / "github.toml").write_text(
        f'name = "github"\ntype = "github"\nissuer = "{github.url}"\n'
        'client_id = "apogee"\nclient_secret_file = "github.secret"\n'
    )
    files = (str(tmp_path / "work.toml"), str(tmp_path / "github.toml"))

    async def start(**settings: Any) -> Site:
        whole = {"identity_provider_files": files, "private_hosts": ("localhost",)} | settings
        return Site(await start_idp(clock=clock, **whole), clock)

    site = await start()
    await site.add_app()
    return Scene(site, upstream, github, start)


@pytest.mark.parametrize("backend", ["sqlite", "mongodb"])
async def test_somebody_new_has_an_account_at_once(scene: Scene) -> None:
    """And the same one the next time, with what the provider says of her then."""
    for name in ("Ann at Work", "Ann Smith"):
        await scene.upstream.change_user(ELSEWHERE, profile={"name": name})
        here, elsewhere = scene.browsers()
        page = await through(here, elsewhere, await scene.site.authorize(here))
        page = await page.allow() if page.status == 200 else page
        tokens = (await scene.site.redeem(page.parameters["code"])).json
        claims = await scene.site.idp.claims(tokens["id_token"])
        (user,) = await scene.users()
        assert (claims["sub"], claims["name"]) == (user.subject, name)
        assert (claims["amr"], claims["acr"]) == ([], "urn:apogee:acr:1fa")
        assert (user.email, user.email_verified) == (UPSTREAM_EMAIL, True)
        assert [(each.provider, each.subject) for each in user.identities] == [("work", ELSEWHERE)]


async def test_a_number_that_was_verified_here_is_not_another(scene: Scene) -> None:
    """The provider tells a new one: nobody has verified that."""
    site = await scene.with_work('scopes = ["openid", "profile", "email", "phone"]')
    for number, is_verified in (("+1 555 1", True), ("+1 555 2", False)):
        await scene.upstream.change_user(ELSEWHERE, profile={"phone_number": number})
        here, elsewhere = site.browser(), scene.upstream.browser()
        await through(here, elsewhere, await here.follow(await here.get("/account")))
        (user,) = await scene.users()
        assert user.profile["phone_number"] == number
        assert "phone_number_verified" not in user.profile
        verified = {"phone_number": number, "phone_number_verified": is_verified}
        await scene.site.change_user(user.subject, profile=verified)


async def test_by_github(scene: Scene) -> None:
    """The numeric id says who it is; the primary address is hers if it is verified."""
    here = scene.site.browser()
    page = await scene.site.authorize(here)
    address = urlsplit(await depart(page, "Continue with GitHub"))
    sent = {name: value[0] for name, value in parse_qs(address.query).items()}
    assert f"{address.scheme}://{address.netloc}{address.path}" == (
        f"{scene.github.url}/login/oauth/authorize"
    )
    assert sent["redirect_uri"] == f"{ISSUER}/connect/callback/github"
    page = await here.get(f"/connect/callback/github?code=good&state={sent['state']}")
    assert (await here.follow(page)).title == "Allow The App?"
    (user,) = await scene.users()
    (identity,) = user.identities
    assert (identity.subject, identity.email) == ("42", UPSTREAM_EMAIL)
    assert user.profile == {"name": "Ann Lee", "preferred_username": "annlee"}
    (asked,) = scene.github.asked
    assert asked["redirect_uri"] == sent["redirect_uri"]
    assert len(asked["code_verifier"]) == 43


@pytest.mark.parametrize(
    ("change", "told"),
    [
        pytest.param({"code": "bad"}, "That did not work", id="refused code"),
        pytest.param({"user": {"login": "x"}}, "That did not work", id="no id"),
        pytest.param({"user": {"id": "42"}}, "That did not work", id="an id of text"),
        pytest.param({"user": {"id": True}}, "That did not work", id="an id of true"),
        pytest.param({"emails": {}}, "That did not work", id="no list"),
        pytest.param({"emails": []}, "There is no account for you", id="no address"),
        pytest.param(
            {"emails": [{"email": UPSTREAM_EMAIL, "primary": True, "verified": False}]},
            "There is no account for you",
            id="not verified",
        ),
        pytest.param(
            {"emails": [{"email": "nobody", "primary": True, "verified": True}]},
            "There is no account for you",
            id="no possible address",
        ),
    ],
)
async def test_what_github_does_not_say(scene: Scene, change: dict[str, Any], told: str) -> None:
    """Nobody is made of it."""
    code = change.get("code", "good")
    for name, value in change.items():
        setattr(scene.github, name, value)
    here = scene.site.browser()
    page = await by_github(here, await scene.site.authorize(here), code=code)
    assert page.title == told
    assert await scene.users() == []


@pytest.mark.parametrize(
    ("name", "status"),
    [
        ("user", 401),
        ("user", 403),
        ("emails", 403),
        ("emails", 404),
        ("emails", 429),
        ("user", 500),
    ],
)
async def test_github_refuses_to_say_it(scene: Scene, name: str, status: int) -> None:
    """A token that has ended, too many requests, a scope that was not granted."""
    scene.github.statuses[name] = status
    here = scene.site.browser()
    page = await by_github(here, await scene.site.authorize(here))
    assert (page.status, page.title) == (502, "That did not work")
    assert await scene.users() == []


async def test_of_many_addresses_at_github_the_primary_one_counts(scene: Scene) -> None:
    """Wherever it stands in the list."""
    others = [
        {"email": f"ann{number}@work.example", "primary": False, "verified": True}
        for number in range(60)
    ]
    scene.github.emails = [*others, *scene.github.emails]
    here = scene.site.browser()
    await by_github(here, await scene.site.authorize(here))
    (user,) = await scene.users()
    assert user.email == UPSTREAM_EMAIL


@pytest.mark.parametrize(
    ("iss", "status"),
    [("{github}/login/oauth", 303), (None, 303), ("https://evil.example", 502), ("{github}", 502)],
    ids=["its own", "none", "other provider's", "not to the letter"],
)
async def test_github_may_say_whose_answer_it_is(
    scene: Scene, iss: str | None, status: int
) -> None:
    """RFC 9207 §2.4: no code of another provider is shown to it."""
    here = scene.site.browser()
    told = {} if iss is None else {"iss": iss.format(github=scene.github.url)}
    assert (await by_github(here, await scene.site.authorize(here), **told)).status == status
    assert len(scene.github.asked) == (1 if status == 303 else 0)


@pytest.mark.parametrize(
    ("changes", "status"),
    [
        pytest.param({"state": "x" * 43}, 410, id="wrong state"),
        pytest.param({"state": ""}, 410, id="no state"),
        pytest.param({"iss": "https://evil.example"}, 502, id="other provider's iss"),
        pytest.param({"iss": ""}, 502, id="no iss where one is promised"),
        pytest.param({"code": "apogee_code_x"}, 502, id="wrong code"),
        pytest.param({"code": ""}, 502, id="no code"),
        pytest.param({"error": "server_error"}, 502, id="broken there"),
    ],
)
async def test_A_AZ_05_an_answer_that_does_not_fit(
    scene: Scene, changes: dict[str, str], status: int
) -> None:
    """Nobody is signed in by it, and it can't be mended."""
    here, elsewhere = scene.browsers()
    back = await vouched(elsewhere, await depart(await scene.site.authorize(here)))
    url = urlsplit(back)
    good = {name: value[0] for name, value in parse_qs(url.query).items()}
    bad = {name: value for name, value in (good | changes).items() if value}
    page = await here.get(url.path + "?" + "&".join(f"{n}={v}" for n, v in bad.items()))
    assert page.status == status
    assert "__Host-apogee_session" not in here.cookies
    if "state" not in changes:
        assert (await here.get(back)).status == 410, "what was sent along is spent"
    assert await scene.users() == []


async def test_A_AZ_05_an_answer_is_good_once_and_in_one_browser(scene: Scene) -> None:
    """Nobody signs somebody else in as himself (RFC 9700 §4.7)."""
    here, elsewhere = scene.browsers()
    back = await vouched(elsewhere, await depart(await scene.site.authorize(here)))
    other = scene.site.browser()
    await scene.site.authorize(other)
    assert (await other.get(back)).status == 410
    assert (await here.get(back)).status == 303
    assert (await here.get(back)).status == 410


async def test_an_answer_for_another_provider(scene: Scene) -> None:
    """A code of one is never shown to the other (RFC 9700 §4.4)."""
    here, elsewhere = scene.browsers()
    back = await vouched(elsewhere, await depart(await scene.site.authorize(here)))
    page = await here.get(back.replace("/callback/work", "/callback/github"))
    assert page.status == 410
    assert scene.github.asked == []


async def test_many_at_once_make_one_account(scene: Scene) -> None:
    """Whoever comes in ten tabs."""
    here, elsewhere = scene.browsers()
    backs = []
    for _ in range(5):
        page = await scene.site.authorize(here)
        backs.append(await vouched(elsewhere, await depart(page)))
    pages = await asyncio.gather(*(here.twin().get(back) for back in backs))
    assert len(await scene.users()) == 1
    assert {page.status for page in pages} <= {303, 503}, "nobody is told that it is another's"
    assert 303 in {page.status for page in pages}


async def test_two_identities_that_claim_one_address_at_once(scene: Scene) -> None:
    """One of them has the account; the other one is not let into it."""
    here, elsewhere = scene.browsers()
    by_work = await vouched(elsewhere, await depart(await scene.site.authorize(here)))
    page = await scene.site.authorize(here)
    pages = await asyncio.gather(here.twin().get(by_work), by_github(here.twin(), page))
    (user,) = await scene.users()
    assert len(user.identities) == 1
    assert sorted(page.status for page in pages) in ([303, 403], [303, 503])


async def test_an_address_that_is_an_accounts_leads_nowhere(scene: Scene) -> None:
    """Whoever has it at the provider may not be whoever has it here."""
    await scene.site.add_user(UPSTREAM_EMAIL)
    here, elsewhere = scene.browsers()
    page = await through(here, elsewhere, await scene.site.authorize(here))
    assert (page.status, page.title) == (403, "You have an account already")
    assert "__Host-apogee_session" not in here.cookies


async def test_an_address_that_is_not_verified(scene: Scene) -> None:
    """Anyone could have typed it there."""
    await scene.upstream.change_user(ELSEWHERE, email_verified=False)
    here, elsewhere = scene.browsers()
    page = await through(here, elsewhere, await scene.site.authorize(here))
    assert (page.status, page.title) == (403, "There is no account for you")
    assert await scene.users() == []


async def test_where_nobody_signs_up_by_it(scene: Scene) -> None:
    """It leads to an account that it was linked to, and else to none."""
    site = await scene.with_work("sign_up = false")
    here, elsewhere = site.browser(), scene.upstream.browser()
    page = await through(here, elsewhere, await site.authorize(here))
    assert (page.status, page.title) == (403, "There is no account for you")
    assert await scene.users() == []
    await site.add_user()
    await through(here, elsewhere, await account(here), "Add Work")
    other = site.browser()
    page = await through(other, elsewhere, await site.authorize(other))
    assert page.title == "Allow The App?"


async def test_a_disabled_account_stays_so(scene: Scene) -> None:
    """Whoever vouches for her."""
    here, elsewhere = scene.browsers()
    await through(here, elsewhere, await scene.site.authorize(here))
    (user,) = await scene.users()
    await scene.site.users.set_enabled(user.subject, enabled=False)
    other = scene.site.browser()
    page = await through(other, elsewhere, await scene.site.authorize(other))
    assert (page.status, page.title) == (403, "This account is disabled")


@pytest.mark.parametrize("backend", ["sqlite", "mongodb"])
async def test_linked_used_and_removed(scene: Scene) -> None:
    """One account, several ways; each leads to one account alone."""
    await scene.site.add_user()
    here, elsewhere = scene.browsers()
    page = await through(here, elsewhere, await account(here), "Add Work")
    assert notice(page) == "From now on you can sign in so, too."
    assert UPSTREAM_EMAIL in page.text
    other = scene.site.browser()
    page = await through(other, elsewhere, await other.follow(await other.get("/account")))
    assert "You are signed in as ann@example.com." in page.text
    page = await do(page, "unlink", provider="work", identity=ELSEWHERE)
    assert notice(page) == "You can't sign in so any more."
    third = scene.site.browser()
    page = await through(third, elsewhere, await scene.site.authorize(third))
    assert page.title == "Allow The App?", "by now it is somebody new"
    assert len(await scene.users()) == 2


async def test_an_identity_is_linked_once(scene: Scene) -> None:
    """Not to a second account, and not twice."""
    await scene.site.add_user()
    first, elsewhere = scene.browsers()
    await through(first, elsewhere, await account(first), "Add Work")
    page = await through(first, elsewhere, await account(first), "Add Work")
    assert notice(page).startswith("That is linked already")
    await scene.site.add_user("bob@example.com", "usr_" + "B" * 22)
    second = scene.site.browser()
    login = await second.follow(await second.get("/account"))
    page = await second.follow(await login.sign_in("bob@example.com", PASSWORD))
    page = await through(second, elsewhere, page, "Add Work")
    assert notice(page).startswith("That is linked already")
    assert [len(user.identities) for user in await scene.users()] == [1, 0]


async def test_the_last_way_in_stays(scene: Scene) -> None:
    """She has no password."""
    here, elsewhere = scene.browsers()
    page = await through(here, elsewhere, await here.follow(await here.get("/account")))
    page = await do(page, "unlink", provider="work", identity=ELSEWHERE)
    assert notice(page).startswith("It is the only way")


async def test_who_proves_again_who_she_is_does_so_there(scene: Scene) -> None:
    """That the provider knows her is no proof; not for who only comes here for the first time."""
    here, elsewhere = scene.browsers()
    login = await here.follow(await here.get("/account"))
    address = await depart(login)
    assert "prompt" not in parse_qs(urlsplit(address).query)
    await here.follow(await here.get(await vouched(elsewhere, address)))
    scene.site.clock.now += FRESH_SECONDS + 1
    page = await here.follow(await here.get(SETUP))
    address = await depart(page)
    assert parse_qs(urlsplit(address).query)["prompt"] == ["login"]
    page = await here.follow(await here.get(await vouched(elsewhere, address)))
    assert page.title == "Set up a second factor"


async def test_who_has_signed_in_there_long_ago_has_not_just_done_so(scene: Scene) -> None:
    """By leaving here and coming back, nobody becomes fresher than the provider says."""
    here, elsewhere = scene.browsers()
    signed_in_at = scene.site.clock.now
    await through(here, elsewhere, await here.follow(await here.get("/account")))
    scene.site.clock.now += FRESH_SECONDS + 1
    other = scene.site.browser()
    page = await through(other, elsewhere, await scene.site.authorize(other))
    tokens = (await scene.site.redeem((await page.allow()).parameters["code"])).json
    assert (await scene.site.idp.claims(tokens["id_token"]))["auth_time"] == signed_in_at
    assert (await scene.site.authorize(other, max_age="60")).title == "Sign in"
    assert (await other.follow(await other.get(SETUP))).title == "Sign in"


async def test_what_takes_a_fresh_sign_in_asks_for_it_at_once(scene: Scene) -> None:
    """Also of who isn't signed in here: or she would be asked twice."""
    here, _ = scene.browsers()
    address = await depart(await here.follow(await here.get(SETUP)))
    assert parse_qs(urlsplit(address).query)["prompt"] == ["login"]


async def test_that_a_client_wants_to_be_sure_is_told_the_provider(scene: Scene) -> None:
    """Though she is not signed in here: there she may be, and not since a moment ago."""
    for wish in ({"prompt": "login"}, {"prompt": "select_account"}, {"max_age": "60"}):
        page = await scene.site.authorize(scene.site.browser(), **wish)
        sent = parse_qs(urlsplit(await depart(page)).query)
        assert (sent["prompt"], sent["max_age"]) == (["login"], ["0"])


@pytest.mark.parametrize("taken_out", [True, False], ids=["taken out", "as it was"])
async def test_whoever_sits_at_her_screen_does_not_get_around_it(
    scene: Scene, taken_out: bool
) -> None:
    """By an address from which the wish is taken out: her provider says when she signed in."""
    here, elsewhere = scene.browsers()
    await through(here, elsewhere, await here.follow(await here.get("/account")))
    scene.site.clock.now += FRESH_SECONDS + 1
    address = await depart(await here.follow(await here.get(SETUP)))
    if taken_out:
        address = address.replace("&prompt=login", "").replace("&max_age=0", "")
    page = await here.follow(await here.get(await vouched(elsewhere, address)))
    assert page.title == ("That did not work" if taken_out else "Set up a second factor")


@pytest.mark.parametrize("purpose", ["sign in", "link"])
async def test_who_changes_her_mind_there_is_back_where_she_was(scene: Scene, purpose: str) -> None:
    """And can choose another way."""
    await scene.site.add_user()
    here = scene.site.browser()
    before = await (account(here) if purpose == "link" else scene.site.authorize(here))
    address = await depart(before, "Add Work" if purpose == "link" else "Continue with Work")
    state = parse_qs(urlsplit(address).query)["state"][0]
    back = f"/connect/callback/work?error=access_denied&state={state}"
    page = await here.follow(await here.get(back))
    assert (page.status, page.title, page.url) == (200, before.title, before.url)
    assert (await here.get(back)).status == 410
    assert (await scene.user(SUBJECT)).identities == ()


@pytest.mark.parametrize("attack", ["no proof", "of another session", "stale"])
async def test_nobody_links_by_sending_her_somewhere(
    scene: Scene, attack: str, log_output: io.StringIO
) -> None:
    """Else an attacker who is signed in at the provider in her browser had her account.

    The log tells of the attempt.
    """
    await scene.site.add_user()
    here, other = scene.site.browser(), scene.site.browser()
    address = link_to(await account(here), "Add Work")
    if attack == "no proof":
        assert (await here.get(address.partition("?")[0])).status == 403
    elif attack == "of another session":
        assert (await here.get(link_to(await account(other), "Add Work"))).status == 403
    else:
        scene.site.clock.now += FRESH_SECONDS + 1
        assert (await here.follow(await here.get(address))).title == "Sign in"
        return
    event = json.loads(log_output.getvalue().splitlines()[-1])
    told = (event["event"], event["status"], event["error"], event["reason"])
    why = "The address is not one of this browser."
    assert told == ("request_finished", 403, "invalid_request", why)


async def test_a_link_is_of_the_session_that_began_it(scene: Scene) -> None:
    """Who signs in as somebody else meanwhile links nothing to her."""
    await scene.site.add_user()
    here, elsewhere = scene.browsers()
    back = await vouched(elsewhere, await depart(await account(here), "Add Work"))
    page = await scene.site.authorize(here, prompt="login")
    await page.sign_in(EMAIL, PASSWORD)
    assert (await here.get(back)).status == 410
    assert (await scene.user(SUBJECT)).identities == ()


async def test_a_link_that_takes_too_long_is_none(scene: Scene) -> None:
    """By then somebody else may sit at her screen."""
    await scene.site.add_user()
    here, elsewhere = scene.browsers()
    page = await account(here)
    scene.site.clock.now += FRESH_SECONDS
    back = await vouched(elsewhere, await depart(page, "Add Work"))
    scene.site.clock.now += 1
    assert (await here.get(back)).status == 410
    assert (await scene.user(SUBJECT)).identities == ()


async def test_the_second_factor_is_asked_for_all_the_same(scene: Scene) -> None:
    """What she has set up here is hers to prove here."""
    here, elsewhere = scene.browsers()
    await through(here, elsewhere, await here.follow(await here.get("/account")))
    app, _ = await set_up(scene.site, await here.get(SETUP))
    other = scene.site.browser()
    page = await through(other, elsewhere, await scene.site.authorize(other))
    assert page.title == "Second step"
    assert "__Host-apogee_session" not in other.cookies
    page = await other.follow(await page.submit(code=app.code(), action="second_factor"))
    tokens = (await scene.site.redeem((await page.allow()).parameters["code"])).json
    claims = await scene.site.idp.claims(tokens["id_token"])
    assert (claims["amr"], claims["acr"]) == (["otp", "mfa"], "urn:apogee:acr:2fa")


@pytest.mark.parametrize("backend", ["sqlite", "mongodb"])
async def test_administrators_by_configuration(scene: Scene) -> None:
    """By a verified address of the named provider; who is named no more is none any more."""
    store = scene.site.idp.installation.settings.store
    named = await scene.start(store=store, administrators=(f"work:{UPSTREAM_EMAIL}",))
    for site, expected in ((scene.site, False), (named, True), (scene.site, False)):
        here, elsewhere = site.browser(), scene.upstream.browser()
        await through(here, elsewhere, await here.follow(await here.get("/account")))
        (user,) = await scene.users()
        assert user.is_administrator == expected
    here, elsewhere = named.browser(), scene.upstream.browser()
    await through(here, elsewhere, await here.follow(await here.get("/account")))
    await scene.site.users.set_password(user.subject, PASSWORD)
    page = await scene.site.browser().get("/account")
    page = await page.browser.follow(page)
    page = await page.browser.follow(await page.sign_in(UPSTREAM_EMAIL, PASSWORD))
    new = "an entirely different sentence"
    page = await do(page, "set_password", current=PASSWORD, password=new, again=new)
    assert notice(page).startswith("The password is changed."), "her account is still hers"
    find = scene.site.idp.installation.services.find_user
    assert not (await find(user.subject) or user).is_administrator, "before she comes again, too"


@pytest.mark.parametrize(
    ("entry", "is_verified"),
    [
        (f"github:{UPSTREAM_EMAIL}", True),
        ("work:other@work.example", True),
        (f"work:{UPSTREAM_EMAIL}", False),
    ],
    ids=["other provider", "other address", "not verified"],
)
async def test_nobody_else_is_an_administrator(scene: Scene, entry: str, is_verified: bool) -> None:
    """Not by an address that another provider has verified, nor by one that nobody has."""
    store = scene.site.idp.installation.settings.store
    named = await scene.start(store=store, administrators=(entry,))
    await named.add_user()
    await scene.upstream.change_user(ELSEWHERE, email_verified=is_verified)
    here, elsewhere = named.browser(), scene.upstream.browser()
    page = await through(here, elsewhere, await account(here), "Add Work")
    assert notice(page) == "From now on you can sign in so, too."
    assert not (await scene.user(SUBJECT)).is_administrator


async def test_a_given_role_stays(scene: Scene) -> None:
    """What an administrator has granted, no setting takes away."""
    await scene.site.add_user(roles=(ADMINISTRATOR_ROLE,))
    here, elsewhere = scene.browsers()
    await through(here, elsewhere, await account(here), "Add Work")
    assert (await scene.user(SUBJECT)).is_administrator
    page = await here.get("/account")
    await do(page, "unlink", provider="work", identity=ELSEWHERE)
    assert (await scene.user(SUBJECT)).is_administrator


async def test_F_DB_06_an_answer_is_not_spent_by_a_lost_store(
    scene: Scene, databases: Databases, proxy: WireProxy, prepared_database: Path
) -> None:
    """503 as long as it is lost, on the way there and back; afterwards, the same answer does."""
    await copy_store(prepared_database, url := databases.new())
    site = await scene.start(store=proxy.in_front_of(url), handler_timeout=1.0)
    await site.add_app()
    here, elsewhere = site.browser(), scene.upstream.browser()
    login = await site.authorize(here)
    back = await vouched(elsewhere, await depart(login))
    proxy.swallows = True
    for lost in (await here.get(link_to(login, "Continue with Work")), await here.get(back)):
        assert (lost.status, lost.location) == (503, "")
    assert "__Host-apogee_session" not in here.cookies
    proxy.swallows = False
    for _ in range(50):
        page = await here.get(back)
        if page.status != 503:
            break
    assert (await here.follow(page)).title == "Allow The App?"


async def test_a_provider_that_nobody_knows(scene: Scene) -> None:
    """Is one nobody can leave for."""
    here = scene.site.browser()
    page = await scene.site.authorize(here)
    handle = page.action.rpartition("/")[2]
    assert (await here.get(f"/connect/external/evil/{handle}")).status == 404
    assert (await here.get(f"/connect/external/work/{'x' * 43}")).status == 410


GOOD = 'name = "work"\ntype = "openid"\nissuer = "https://x.example"\nclient_id = "a"\n'


@pytest.mark.parametrize(
    ("text", "told"),
    [
        pytest.param("", "client_secret_file: Missing", id="empty"),
        pytest.param(
            GOOD + 'client_secret_file = "none"', "p.toml: client_secret_file: ", id="no secret"
        ),
        pytest.param(GOOD + 'client_secret_file = "empty"', "is empty", id="empty secret"),
        pytest.param(
            GOOD.replace("issuer", "isuer") + 'client_secret_file = "s"', "isuer:", id="unknown"
        ),
        pytest.param(
            GOOD.replace('"openid"', '"saml"') + 'client_secret_file = "s"', "type:", id="type"
        ),
        pytest.param(
            GOOD.replace('"work"', '"Work Place"') + 'client_secret_file = "s"',
            "p.toml: name: must be 1 to 31 of a-z",
            id="name",
        ),
        pytest.param(
            GOOD + 'client_secret_file = "s"\nscopes = ["openid", 3]',
            "p.toml: scopes.1: Not a valid string",
            id="a scope",
        ),
        pytest.param(
            'name = "w"\ntype = "openid"\nclient_id = "a"\nclient_secret_file = "s"',
            "issuer: is missing",
            id="no issuer",
        ),
        pytest.param("name = ", "Invalid value", id="no TOML"),
    ],
)
def test_what_is_wrong_with_a_file_stops_the_start(tmp_path: Path, text: str, told: str) -> None:
    """And says where."""
    (tmp_path / "p.toml").write_text(text)
    (tmp_path / "empty").write_text("")
    (tmp_path / "s").write_text("secret")
    with pytest.raises(SettingsError) as caught:
        read_identity_providers([str(tmp_path / "p.toml")])
    assert told in " ".join(caught.value.problems)
    assert str(tmp_path) in " ".join(caught.value.problems)


def test_the_example_has_all_that_a_file_can_say(tmp_path: Path) -> None:
    """And could be used as it stands, beside its secret."""
    shutil.copy(CONFIG / "identity-providers" / "openid.toml", tmp_path)
    (tmp_path / "work.secret").write_text("hush-hush")
    path = tmp_path / "openid.toml"
    (provider,) = read_identity_providers([str(path)])
    assert (provider.name, provider.client_secret) == ("work", "hush-hush")
    elsewhere = {"kind": "type", "client_secret": "client_secret_file"}
    known = {elsewhere.get(each.name, each.name) for each in fields(provider)}
    assert tomllib.loads(path.read_text()).keys() == known


def test_google_needs_two_names_and_a_secret(tmp_path: Path) -> None:
    """The rest is known of it; the secret is in no repr."""
    (tmp_path / "g.toml").write_text(
        'name = "google"\ntype = "google"\nclient_id = "a"\nclient_secret_file = "s"'
    )
    (tmp_path / "s").write_text("hush-hush\n")
    (google,) = read_identity_providers([str(tmp_path / "g.toml")])
    assert (google.issuer, google.title) == ("https://accounts.google.com", "Google")
    assert (google.client_secret, google.sign_up) == ("hush-hush", True)
    assert "hush" not in repr(google)
