"""The files of the console, as browsers get them."""

from __future__ import annotations

from pathlib import Path

import pytest

from apogee_idp.web.console import read_files
from tests.browser import Browser
from tests.conftest import StartIdp
from tests.idp import Idp
from tests.interaction.conftest import EMAIL, PASSWORD
from tests.process import free_port

from .conftest import new_admin
from .console import Console, add_person


@pytest.mark.parametrize("path", ["", "/", "/clients/my.app", "/users/a/b?c=d"])
async def test_every_page_is_the_index(start_idp: StartIdp, path: str) -> None:
    """At any depth, also below the path of an issuer, to which all names in it are relative."""
    browser = Browser(await start_idp(issuer="https://idp.example/tenant"))
    page = await browser.get(f"/tenant/console{path}")
    assert page.status == 200
    assert page.answer.headers["Content-Type"] == "text/html; charset=utf-8"
    assert '<base href="/tenant/console/">' in page.text


async def test_what_is_no_page_and_no_file_is_not_there(idp: Idp) -> None:
    """A module that is missing is not HTML; no name leads out of the console."""
    for name in ("nothing.js", "__init__.py", "../cli.py", "%2e%2e/cli.py", "//etc/passwd"):
        answer = await idp.send("GET", f"/console/{name}", headers={"Accept": "*/*"})
        assert answer.status == 404, name
    assert (await idp.send("POST", "/console")).status == 405


async def test_A_MG_09_the_policy_lets_nothing_in(idp: Idp) -> None:
    """Neither inline nor evaluated, nor from anywhere else."""
    headers = (await idp.send("GET", "/console")).headers
    policy = headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    assert "http" not in policy
    assert "require-trusted-types-for 'script'; trusted-types vue" in policy
    assert headers["X-Content-Type-Options"] == "nosniff"


async def test_what_a_browser_knows_is_not_sent_again(idp: Idp) -> None:
    """It asks each time, as names stay the same."""
    first = await idp.send("GET", "/console")
    assert first.headers["Cache-Control"] == "no-cache"
    for known in (first.headers["ETag"], f"W/{first.headers['ETag']}", "*"):
        again = await idp.send("GET", "/console", headers={"If-None-Match": known})
        assert (again.status, again.body) == (304, b"")
        assert again.headers["ETag"] == first.headers["ETag"]
    other = await idp.send("GET", "/console", headers={"If-None-Match": '"x"'})
    assert other.status == 200


def test_only_what_is_on_the_list_is_read(tmp_path: Path) -> None:
    """By how the name ends, and not what begins with a dot or an underscore, or is a test."""
    for name in ("a.js", "a.test.js", ".env", "_x.js", "x.py", "sub/b.css", "sub/LICENSE.txt"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text("x")
    (tmp_path / "index.html").write_text('<base href="/console/">')
    files = read_files(tmp_path, base="<base>")
    assert sorted(files) == ["a.js", "index.html", "sub/b.css"]
    assert files["index.html"].content == b"<base>"
    assert (files["a.js"].media_type, files["a.js"].charset) == ("text/javascript", "utf-8")


async def test_with_a_port_of_its_own_nothing_is_managed_at_the_public_one(
    start_idp: StartIdp,
) -> None:
    """And nothing else is served at that port but what one needs to sign in there."""
    port = free_port()
    idp = await start_idp(admin_port=port)
    await add_person(idp)
    token = (await new_admin(idp)).token
    public, idp.url = idp.url, f"http://127.0.0.1:{port}"
    bearer = {"Authorization": f"Bearer {token}"}
    made = await idp.send("POST", "/api/v1/scopes", headers=bearer, json={"name": "x"})
    assert (made.status, made.headers["Location"]) == (201, "/api/v1/scopes/x")
    console = await Console.opened(idp)
    old = {"Sec_Fetch_Site": "", "Origin": f"https://idp.example:{port}"}
    assert (await console.call("GET", "/scopes", **old)).status == 200
    old["Origin"] = "https://idp.example"
    assert (await console.call("GET", "/scopes", **old)).status == 403
    assert (await console.call("GET", "/session")).json["account_url"] is None
    for path in ("/connect/token", "/.well-known/jwks", "/connect/authorize", "/account"):
        assert (await idp.send("GET", path)).status == 404
    idp.url = public
    for path in ("/console", "/console/sign-in", "/api/v1/session", "/api/v1/openapi.json"):
        assert (await idp.send("GET", path, headers=bearer)).status == 404
    assert (await idp.send("GET", "/.well-known/jwks")).status == 200


async def test_a_sign_in_that_ends_at_the_public_address_leads_to_the_console(
    start_idp: StartIdp,
) -> None:
    """As at another provider, who knows that address alone; the form may lead to the console."""
    port = free_port()
    idp = await start_idp(admin_port=port)
    await add_person(idp)
    public, idp.url = idp.url, f"http://127.0.0.1:{port}"
    browser = Browser(idp)
    begun = await browser.get("/console/sign-in?to=/clients")
    idp.url = public
    login = await browser.follow(begun)
    origin = f"https://idp.example:{port}"
    assert f"form-action 'self' {origin};" in login.answer.headers["Content-Security-Policy"]
    back = await browser.get((await login.sign_in(EMAIL, PASSWORD)).location)
    assert back.location == f"{origin}/console/clients"
