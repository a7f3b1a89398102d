"""What honest clients, people and administrators send: a valid request for every endpoint."""

from __future__ import annotations

import asyncio
import base64
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote, urlencode

from apogee_idp.app import opened_store
from apogee_idp.settings import Settings
from apogee_idp.web.api.routes import ROUTES
from tests.browser import Browser, Page
from tests.durability.deployment import Service
from tests.durability.scene import (
    ASSERTION_TYPE,
    CALLBACK,
    CHALLENGE,
    PASSWORD,
    VERIFIER,
    Person,
    Scene,
)
from tests.idp import FORM

from .target import Target

HANDLES = 10
"""So many of each kind of what is good once."""

JSON = "application/json"
_KINDS = ("access_token", "refresh_token", "id_token")
ENDPOINTS = (
    *("token", "introspect", "revoke", "par", "authorize", "interaction"),
    *("logout", "account", "userinfo", "api", "console", "well-known"),
)


@dataclass(frozen=True)
class Request:
    """A request before it is bytes; ``json`` is its body, unless it has ``fields``."""

    method: str
    path: str
    query: tuple[tuple[str, str], ...] = ()
    fields: tuple[tuple[str, str], ...] = ()
    headers: tuple[tuple[str, str], ...] = ()
    json: Any = None

    @property
    def start(self) -> str:
        """Its first line."""
        query = "?" + urlencode(self.query, errors="surrogatepass") if self.query else ""
        return f"{self.method} {self.path}{query} HTTP/1.1"

    @property
    def body(self) -> bytes:
        """As its media type has it."""
        if self.json is not None:
            return json.dumps(self.json).encode("utf-8", "surrogatepass")
        return urlencode(self.fields, errors="surrogatepass").encode()

    @property
    def head(self) -> tuple[tuple[str, str], ...]:
        """Its headers, but for what says how long it is."""
        media_type = JSON if self.json is not None else FORM
        has_body = self.json is not None or self.fields
        types = (("Content-Type", media_type),) if has_body else ()
        return (("Host", "idp.example"), *types, *self.headers)


@dataclass(frozen=True)
class Facts:
    """What such requests need: tokens, handles, and forms as pages have them."""

    scene: Scene
    person: Person
    codes: list[str] = field(repr=False)
    tokens: dict[str, Any] = field(repr=False)
    machine: str = field(repr=False)
    boss: str = field(repr=False)
    request_uris: list[str] = field(repr=False)
    consents: list[Page]
    logins: list[Page]
    logouts: list[Page]
    account: Page
    second_factor: Page

    @property
    def secrets(self) -> list[str]:
        """Whatever one may try in another's place."""
        values = (*self.scene.secrets.values(), *self.tokens.values(), self.machine, self.boss)
        handles = [page.url.rpartition("/")[2] for page in (*self.consents, *self.logins)]
        texts = (*values, *self.codes, *self.request_uris, *handles, self.person.cookie)
        return [text for text in texts if isinstance(text, str) and text]


async def gathered(target: Target) -> Facts:
    """New ones, of a person who has just signed in."""
    url = Settings(store=target.store)
    async with opened_store(url) as store, Service(target.port) as service:
        scene = Scene(store, service, target.secrets, target.key)
        person = await scene.new_person()
        codes = [await person.code() for _ in range(HANDLES + 1)]
        redeemed = await service.form(
            "/connect/token",
            grant_type="authorization_code",
            client_id="app",
            code=codes.pop(),
            redirect_uri=CALLBACK,
            code_verifier=VERIFIER,
        )
        browser = person.browser()
        asking = "/connect/authorize?" + urlencode(_authorization("asks-0"))
        return Facts(
            scene,
            person,
            codes,
            redeemed.json,
            (await scene.grant("machine")).token,
            (await scene.grant("boss")).token,
            [await scene.push() for _ in range(HANDLES)],
            [await _shown(person.browser(), asking) for _ in range(HANDLES)],
            [await _shown(person.browser(""), asking) for _ in range(HANDLES)],
            [await _shown(browser, "/connect/logout") for _ in range(HANDLES)],
            await browser.get("/account"),
            await browser.get("/account/second-factor"),
        )


async def _shown(browser: Browser, url: str) -> Page:
    """The page that the address leads to, as soon as the server keeps more that wait."""
    while (page := await browser.follow(await browser.get(url))).status == 429:
        await asyncio.sleep(0.1)
    return page


def traffic(facts: Facts) -> dict[str, list[Request]]:
    """Valid requests by endpoint."""
    return {
        "token": [*_grants(facts)],
        "introspect": [_client(facts, "introspect", token=t) for t in (facts.machine, facts.boss)],
        "revoke": [_client(facts, "revoke", token=facts.tokens[kind]) for kind in _KINDS],
        "par": [_form("/connect/par", **_authorization("par"))],
        "authorize": [*_authorizations(facts)],
        "interaction": [r for page in (*facts.consents, *facts.logins) for r in _page(page)],
        "logout": [r for page in facts.logouts for r in _page(page)] + [*_logouts(facts)],
        "account": [*_account(facts)],
        "userinfo": [*_user_info(facts)],
        "api": [*_api(facts)],
        "console": [*_files()],
        "well-known": [*_documents()],
    }


def _form(path: str, *headers: tuple[str, str], **fields: str) -> Request:
    return Request("POST", path, (), tuple(fields.items()), headers)


def _bearer(token: str) -> tuple[str, str]:
    return ("Authorization", f"Bearer {token}")


def _cookie(browser: Browser) -> tuple[str, str]:
    return ("Cookie", "; ".join(f"{name}={value}" for name, value in browser.cookies.items()))


def _client(facts: Facts, endpoint: str, **fields: str) -> Request:
    credentials = {"client_id": "machine", "client_secret": facts.scene.secrets["machine"]}
    hint = {"token_type_hint": "access_token"}
    return _form(f"/connect/{endpoint}", **credentials, **hint, **fields)


def _grants(facts: Facts) -> Iterator[Request]:
    """With every way of client authentication, and every grant."""
    secrets, path = facts.scene.secrets, "/connect/token"
    by_name = {"grant_type": "client_credentials", "client_id": "machine"}
    basic = base64.b64encode(f"machine:{secrets['machine']}".encode()).decode()
    yield _form(path, client_secret=secrets["machine"], **by_name)
    yield _form(path, ("Authorization", f"Basic {basic}"), grant_type="client_credentials")
    yield _form(
        path,
        grant_type="client_credentials",
        client_assertion_type=ASSERTION_TYPE,
        client_assertion=facts.scene.assertion("jti"),
    )
    for code in facts.codes:
        yield _form(
            path,
            grant_type="authorization_code",
            client_id="app",
            code=code,
            redirect_uri=CALLBACK,
            code_verifier=VERIFIER,
        )
    refresh_token = facts.tokens["refresh_token"]
    yield _form(path, grant_type="refresh_token", client_id="app", refresh_token=refresh_token)


def _authorization(client_id: str) -> dict[str, str]:
    return {
        "client_id": client_id,
        "redirect_uri": CALLBACK,
        "response_type": "code",
        "response_mode": "query",
        "scope": "openid offline_access",
        "state": "s",
        "nonce": "n",
        "prompt": "consent",
        "max_age": "1000",
        "code_challenge": CHALLENGE,
        "code_challenge_method": "S256",
    }


def _authorizations(facts: Facts) -> Iterator[Request]:
    cookie = _cookie(facts.person.browser())
    path = "/connect/authorize"
    hint = {"id_token_hint": facts.tokens["id_token"], "login_hint": "ann", "acr_values": "x"}
    for changes in ({"prompt": "none"}, {"response_mode": "form_post", "prompt": ""}, hint):
        query = tuple((_authorization("app") | changes).items())
        yield Request("GET", path, query, (), (cookie,))
        yield Request("GET", path, query)
        yield Request("POST", path, (), query, (cookie,))
    for uri in facts.request_uris:
        query = (("client_id", "par"), ("request_uri", uri))
        yield Request("GET", path, query, (), (cookie,))


def _page(page: Page) -> Iterator[Request]:
    """Opening it, and sending its form."""
    cookie = _cookie(page.browser)
    fields = page.fields | {"email": "nobody@example.com", "password": PASSWORD, "code": "123456"}
    yield Request("GET", page.action, (), (), (cookie,))
    for action in ("approve", "cancel", "sign_in", "sign_out"):
        sent = tuple((fields | {"action": action}).items())
        yield Request("POST", page.action, (), sent, (cookie, ("Sec-Fetch-Site", "same-origin")))


def _logouts(facts: Facts) -> Iterator[Request]:
    query = (("id_token_hint", facts.tokens["id_token"]), ("client_id", "app"), ("state", "s"))
    yield Request("GET", "/connect/logout", query, (), (_cookie(facts.person.browser()),))
    yield Request("POST", "/connect/logout", (), query)
    yield Request("GET", "/connect/signed-out")


_ACCOUNT_ACTIONS = (
    *("end_session", "end_sessions", "end_application", "unlink"),
    *("set_password", "remove_second_factor", "enrol"),
)
_NEW_PASSWORD = {"current": "x", "password": "y" * 12, "again": "y" * 12, "code": "123456"}


def _account(facts: Facts) -> Iterator[Request]:
    cookie = _cookie(facts.account.browser)
    forms = {"/account": facts.account, "/account/second-factor": facts.second_factor}
    for path in ("/account", "/account/second-factor", "/account/link/google"):
        yield Request("GET", path, (("proof", "p"), ("continue", "/account")), (), (cookie,))
    for path in ("/account", "/account/second-factor"):
        for action in _ACCOUNT_ACTIONS:
            fields = forms[path].fields | {"action": action} | _NEW_PASSWORD
            yield Request("POST", path, (), tuple(fields.items()), (cookie,))
    yield Request("GET", "/account/sign-in/" + "h" * 43, (), (), (cookie,))
    yield Request("GET", "/connect/external/google/" + "h" * 43, (), (), (cookie,))
    answer = (("state", "s" * 43), ("code", "c"), ("iss", "https://idp.example"))
    yield Request("GET", "/connect/callback/google", answer, (), (cookie,))


def _user_info(facts: Facts) -> Iterator[Request]:
    token = facts.tokens["access_token"]
    yield Request("GET", "/connect/userinfo", (), (), (_bearer(token),))
    yield _form("/connect/userinfo", access_token=token)
    origin = (("Origin", "https://app.example"), ("Access-Control-Request-Method", "GET"))
    yield Request("OPTIONS", "/connect/userinfo", (), (), origin)


_BODIES: Mapping[str, Any] = {
    "NewClient": {
        "client_id": "made",
        "display_name": "Made",
        "flow_type": "authorization_code",
        "redirect_uris": [CALLBACK],
        "scopes": ["ping"],
        "default_scopes": ["ping"],
        "roles": ["x"],
        "endpoints": ["introspection"],
        "token_profile": {"lifetime": 60, "claims": {"a": [1, {"b": None}]}, "typ": "at+jwt"},
        "jwks_uri": "https://keys.example/jwks",
    },
    "ClientChange": {"display_name": "Made", "token_profile": {"session_tags": {"a": "b"}}},
    "ClientPatch": {"display_name": "Made", "roles": None, "token_profile": {"lifetime": 5}},
    "PreviewRequest": {"scopes": ["ping"], "resources": ["https://billing.example"]},
    "NewClientSecret": {"name": "x", "expires_in": 60},
    "RotateSecret": {"overlap": 60},
    "NewScope": {"name": "made", "display_name": "M", "description": "d", "resources": ["urn:x"]},
    "ScopeChange": {"display_name": "M", "resources": ["https://made.example"]},
    "NewResource": {
        "identifier": "https://made.example",
        "access_token_lifetime": 60,
        "introspection_clients": ["machine"],
        "jwks": {"keys": [{"kty": "EC", "crv": "P-256", "x": "AA", "y": "AA"}]},
    },
    "ResourceChange": {"display_name": "M", "access_token_lifetime": 60},
    "RotateKey": {"algorithm": "none"},  # every new key stays for days
    "RevokeToken": {"token": "x.y.z"},
    "LeakedSecret": {"secret": "apogee_x_y_z"},
}


def _api(facts: Facts) -> Iterator[Request]:
    """Every route, as an administrator calls it."""
    query = (("limit", "5"),)
    known = {"client_id": "opaque", "subject": facts.person.subject, "name": "ping", "role": "x"}
    for route in ROUTES:
        path = "/api/v1" + route.path
        for name in route.parameters:
            path = path.replace(f"{{{name}}}", quote(known.get(name, "made"), safe=""))
        headers = [_bearer(facts.boss), ("If-Match", '"1"'), ("Idempotency-Key", "k" * 20)]
        body = None if route.body is None else _BODIES[route.body.__name__]
        kept = headers if route.conditional else headers[:1]
        yield Request(route.method, path, query if route.query else (), (), tuple(kept), body)
    yield Request("GET", "/api/v1/openapi.json")
    yield Request("GET", "/api/v1/docs")


def _files() -> Iterator[Request]:
    html = (("Accept", "text/html"), ("If-None-Match", '"x"'))
    for path in ("/console", "/console/clients", "/console/app.js", "/console/styles/base.css"):
        yield Request("GET", path, (), (), html)
    yield Request("GET", "/console/sign-in", (("to", "/clients?search=a"), ("again", "")), (), html)


def _documents() -> Iterator[Request]:
    headers = (("If-None-Match", 'W/"x", "y"'), ("Accept", "*/*"), ("Origin", "https://a.example"))
    documents = ("jwks", "openid-configuration", "oauth-authorization-server")
    for path in (*(f"/.well-known/{name}" for name in documents), "/", "/apogee.css"):
        yield Request("GET", path, (), (), headers)
