"""The pages an operator has made her own, and where they are advertised."""

from __future__ import annotations

from pathlib import Path

import pytest

from apogee_idp.errors import SettingsError
from tests.browser import Browser
from tests.conftest import StartIdp

from .conftest import EMAIL, PASSWORD, Site, address


async def browser_at(start_idp: StartIdp, site: Site, *directories: Path) -> Browser:
    """A browser at another server of the same store."""
    store = site.idp.installation.settings.store
    templates = tuple(map(str, directories))
    return Browser(await start_idp(store=store, clock=site.clock, templates=templates))


async def test_words_pages_and_style_of_ones_own(
    site: Site, start_idp: StartIdp, tmp_path: Path
) -> None:
    """Each file by itself; what there is not, is the shipped one; the first directory wins."""
    first, second = tmp_path / "first", tmp_path / "second"
    for directory in (first, second):
        directory.mkdir()
    (first / "texts.toml").write_text('[login]\ntitle = "Anmelden <b>"\n[scope.profile]\ntitle="P"')
    (second / "texts.toml").write_text('[login]\ntitle = "Logga in"\nemail = "E-post"')
    (first / "apogee.css").write_text("body { color: red }")
    (second / "consent.html").write_text(
        '{% extends "card.html" %}{% block content %}Hm?{% endblock %}'
    )
    browser = await browser_at(start_idp, site, first, second)
    login = await browser.follow(await browser.get(address()))
    assert login.title == "Anmelden <b>"
    assert "Anmelden &lt;b&gt;" in login.text
    assert "E-post" in login.text
    assert "Password" in login.text
    assert (await browser.get("/apogee.css")).text == "body { color: red }"
    assert "Hm?" in (await browser.follow(await login.sign_in(EMAIL, PASSWORD))).text


@pytest.mark.parametrize(
    ("name", "content", "problem"),
    [
        pytest.param("texts.toml", "title = ", "can't be read", id="no TOML"),
        pytest.param("texts.toml", "[login]\ntitle = 5", "can't be read", id="a number"),
        pytest.param("texts.toml", "[login]\ntitel = 'x'", "is no text", id="a name"),
        pytest.param("texts.toml", "[login]\nto = '{klient}'", "{klient}", id="an unknown word"),
        pytest.param("texts.toml", "[login]\nto = '{client'", "brace", id="half a brace"),
        pytest.param("login.html", "{% if %}", "login.html", id="no template"),
    ],
)
async def test_what_is_wrong_with_them_stops_the_start(
    site: Site, start_idp: StartIdp, tmp_path: Path, name: str, content: str, problem: str
) -> None:
    """And says where."""
    (tmp_path / name).write_text(content)
    with pytest.raises(SettingsError, match="templates: ") as error:
        await browser_at(start_idp, site, tmp_path)
    assert problem in str(error.value)


async def test_a_directory_that_is_not_there(
    site: Site, start_idp: StartIdp, tmp_path: Path
) -> None:
    """Is not taken for an empty one."""
    with pytest.raises(SettingsError, match="is no directory"):
        await browser_at(start_idp, site, tmp_path / "nowhere")


async def test_the_form_of_each_page_can_be_used_without_eyes(site: Site) -> None:
    """A language, labels, a title for each page, and a problem that is read out."""
    browser = site.browser()
    login = await site.authorize(browser)
    for name in ("email", "password"):
        assert f'<label for="{name}">' in login.text
        assert f'id="{name}" name="{name}"' in login.text
    wrong = await login.sign_in(EMAIL, "wrong")
    assert 'role="alert"' in wrong.text
    assert 'aria-describedby="problem"' in wrong.text
    consent = await browser.follow(await login.sign_in(EMAIL, PASSWORD))
    titles = set()
    for page in (login, consent, await browser.get("/connect/signed-out")):
        assert '<html lang="en">' in page.text
        assert 'name="viewport"' in page.text
        titles.add(page.text.partition("<title>")[2].partition("</title>")[0])
    assert len(titles) == 3


async def test_R_MD_05_what_is_for_people_is_advertised(site: Site) -> None:
    """Where it is, and what it can do."""
    told = (await site.idp.send("GET", "/.well-known/openid-configuration")).json
    for name, path in (
        ("authorization", "authorize"),
        ("userinfo", "userinfo"),
        ("end_session", "logout"),
    ):
        assert told[f"{name}_endpoint"] == f"https://idp.example/connect/{path}"
    assert told["response_types_supported"] == ["code"]
    assert told["response_modes_supported"] == ["query", "form_post"]
    assert told["code_challenge_methods_supported"] == ["S256"]
    assert told["authorization_response_iss_parameter_supported"] is True
    assert "openid" in told["scopes_supported"]


async def test_R_MD_05_what_is_off_is_not_advertised(start_idp: StartIdp) -> None:
    """Machines only."""
    idp = await start_idp(grant_types=("client_credentials",))
    told = (await idp.send("GET", "/.well-known/openid-configuration")).json
    assert not told.keys() & {
        *("authorization_endpoint", "userinfo_endpoint", "end_session_endpoint"),
        *("response_types_supported", "code_challenge_methods_supported"),
    }
