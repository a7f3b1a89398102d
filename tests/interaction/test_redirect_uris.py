"""A-AZ-01: addresses that are nearly those that a client has registered."""

from __future__ import annotations

import pytest

from apogee_idp.model import Client
from apogee_idp.web.interaction.destinations import with_parameters

from .conftest import CALLBACK, Site, address

WEB = "https://app.example/callback"
NATIVE = "http://127.0.0.1/callback"

OTHERS = [
    "",
    "https://app.example",
    "https://app.example/",
    "https://app.example/callback/",
    "https://app.example/callback/x",
    "https://app.example/callback//",
    "https://app.example//callback",
    "https://app.example/./callback",
    "https://app.example/x/../callback",
    "https://app.example/callback/..",
    "https://app.example/callback/../../evil",
    "https://app.example/callback/%2e%2e/evil",
    "https://app.example/callback/%2E%2E%2Fevil",
    "https://app.example/callback/%252e%252e/evil",
    "https://app.example/%63allback",
    "https://app.example/callback%2f",
    "https://app.example/callback%00",
    "https://app.example/callback%0a",
    "https://app.example/callback%0d%0aLocation:evil",
    "https://app.example/callback\n",
    "https://app.example/callback\t",
    "https://app.example/call\tback",
    "https://app.example/call\nback",
    " https://app.example/callback",
    "https://app.example/callback ",
    "https://app.example/callback;x",
    "https://app.example/callback?",
    "https://app.example/callback?x=1",
    "https://app.example/callback?tenant=blue",
    "https://app.example/callback#",
    "https://app.example/callback#x",
    "https://app.example/callback#@evil.example",
    "https://app.example/Callback",
    "https://app.example/CALLBACK",
    "https://APP.example/callback",
    "HTTPS://app.example/callback",
    "http://app.example/callback",
    "ftp://app.example/callback",
    "javascript://app.example/callback",
    "//app.example/callback",
    "/callback",
    "callback",
    "https:/app.example/callback",
    "https:app.example/callback",
    "https:\\\\app.example/callback",
    "https://app.example\\callback",
    "https://app.example:443/callback",
    "https://app.example:8443/callback",
    "https://app.example:/callback",
    "https://app.example./callback",
    "https://app.example.evil.example/callback",
    "https://evil.example/callback",
    "https://evil.example/https://app.example/callback",
    "https://evil.example?https://app.example/callback",
    "https://evil.example#https://app.example/callback",
    "https://evil.example/app.example/callback",
    "https://evil-app.example/callback",
    "https://app.example@evil.example/callback",
    "https://app.example\\@evil.example/callback",
    "https://app.example:x@evil.example/callback",
    "https://evil@app.example/callback",
    "https://evil.example\\@app.example/callback",
    "https://evil.example%2f@app.example/callback",
    "https://app%2eexample/callback",
    "https://app\u3002example/callback",
    "https://app\uff0eexample/callback",
    "https://\u0430pp.example/callback",
    "https://xn--pp-7kc.example/callback",
    "https://app.example/callback\u200b",
    "https://app.example/\uff43allback",
    "https://localhost.evil.example/callback",
    "https://[::1]/callback",
    "https://[::1%25eth0]/callback",
    "http://[::1",
    "https://app.example/callback" + "x" * 5000,
    "https://app.example/callback?" + "x=1&" * 1000,
    "data:text/html,x",
    "javascript:alert(1)",
    "null",
    "*",
    "https://*/callback",
    "https://app.example/*",
]


@pytest.mark.parametrize("uri", OTHERS, ids=[ascii(uri).replace("\\", "")[:60] for uri in OTHERS])
async def test_A_AZ_01_an_address_that_is_nearly_it(site: Site, uri: str) -> None:
    """R-AE-03: compared character by character; all others end on a page."""
    await site.idp.change_client("app", redirect_uris=(WEB,))
    page = await site.browser().get(address(redirect_uri=uri or None, state="s"))
    assert (page.status, page.location) == (400, "")


async def test_A_AZ_01_the_address_itself(site: Site) -> None:
    """And no other of the same client's."""
    await site.idp.change_client("app", redirect_uris=(WEB, CALLBACK))
    for uri in (WEB, CALLBACK):
        assert (await site.authorize(site.browser(), redirect_uri=uri)).title == "Sign in"


@pytest.mark.parametrize(
    ("registered", "wanted", "permitted"),
    [
        pytest.param(NATIVE, "http://127.0.0.1:51004/callback", True, id="a port"),
        pytest.param(NATIVE, NATIVE, True, id="itself"),
        pytest.param("http://127.0.0.1:1/x", "http://127.0.0.1/x", True, id="no port"),
        pytest.param("http://[::1]/cb", "http://[::1]:65535/cb", True, id="IPv6"),
        pytest.param("http://[::1]/cb?x=1", "http://[::1]:9/cb?x=1", True, id="with a query"),
        pytest.param("http://127.0.0.1", "http://127.0.0.1:80", True, id="without a path"),
        pytest.param(NATIVE, "http://127.0.0.1:0/callback", False, id="port 0"),
        pytest.param(NATIVE, "http://127.0.0.1:65536/callback", False, id="no port any more"),
        pytest.param(NATIVE, "http://127.0.0.1:/callback", False, id="an empty port"),
        pytest.param(NATIVE, "http://127.0.0.1:8\u0660/callback", False, id="other digits"),
        pytest.param(NATIVE, "http://127.0.0.1:80@evil.example/callback", False, id="a user"),
        pytest.param(NATIVE, "http://127.0.0.1:80/callback/x", False, id="another path"),
        pytest.param(NATIVE, "http://127.0.0.1:80/callback?x", False, id="a query"),
        pytest.param(NATIVE, "http://127.0.0.1.evil.example/callback", False, id="a longer host"),
        pytest.param(NATIVE, "http://127.0.0.2/callback", False, id="another loopback address"),
        pytest.param(NATIVE, "http://127.1/callback", False, id="a shorter spelling"),
        pytest.param(NATIVE, "http://[::1]/callback", False, id="the other family"),
        pytest.param(NATIVE, "http://localhost:80/callback", False, id="a name"),
        pytest.param(NATIVE, "https://127.0.0.1:80/callback", False, id="https"),
        pytest.param(NATIVE, "http://127.0.0.1:80/callback#x", False, id="a fragment"),
        pytest.param("http://[::1]/cb", "http://[::1%25lo]/cb", False, id="a zone"),
        pytest.param("com.example.app:/cb", "com.example.app:/cb", True, id="a scheme of its own"),
        pytest.param("com.example.app:/cb", "com.example.app:80/cb", False, id="that has no port"),
    ],
)
def test_R_AE_03_the_port_of_a_native_application(
    registered: str, wanted: str, permitted: bool
) -> None:
    """RFC 8252 §7.3: free at a loopback address, and nothing else is; of other clients, nothing."""
    native = Client("app", application_type="native", redirect_uris=(registered,))
    assert native.permits_redirect_uri(wanted) is permitted
    web = Client("app", application_type="web", redirect_uris=(registered,))
    assert web.permits_redirect_uri(wanted) is (registered == wanted)


@pytest.mark.parametrize(
    "uri",
    ["javascript:alert(1)", "data:text/html,x", "https://a.example/\r\nX: 1", "https://é.example/"],
)
def test_R_AE_04_what_is_registered_and_still_no_place_to_go(uri: str) -> None:
    """Documents of other programs may have anything."""
    client = Client("app", redirect_uris=(uri,), post_logout_redirect_uris=(uri,))
    assert not client.permits_redirect_uri(uri)
    assert not client.permits_post_logout_redirect_uri(uri)


@pytest.mark.parametrize(
    ("uri", "answer"),
    [
        (WEB, f"{WEB}?code=c"),
        (f"{WEB}?", f"{WEB}?code=c"),
        (f"{WEB}?tenant=blue", f"{WEB}?tenant=blue&code=c"),
        (f"{WEB}?tenant=blue&", f"{WEB}?tenant=blue&code=c"),
        (f"{WEB}&", f"{WEB}&?code=c"),
        ("com.example.app:/callback", "com.example.app:/callback?code=c"),
    ],
)
def test_R_AE_05_the_answer_stands_in_the_query(uri: str, answer: str) -> None:
    """Behind that which the URI has, never in its path."""
    assert with_parameters(uri, {"code": "c"}) == answer
