"""Failed sign-ins behind a proxy are counted for whoever is behind it."""

from __future__ import annotations

import pytest

from tests.conftest import StartIdp

from .conftest import EMAIL, PASSWORD, Clock, Site


@pytest.mark.parametrize("is_trusted", [True, False])
async def test_A_AZ_08_whoever_guesses_makes_himself_wait(
    start_idp: StartIdp, is_trusted: bool
) -> None:
    """Not all who come by the same proxy; unless nobody has said that it is one."""
    clock = Clock()
    trusted = ("127.0.0.1",) if is_trusted else ()
    site = Site(await start_idp(clock=clock, trusted_proxies=trusted), clock)
    await site.add_app()
    await site.add_user()
    login = await site.authorize(site.browser())
    for number in range(30):
        form = login.fields | {
            "email": f"u{number}@example.com",
            "password": "x",
            "action": "sign_in",
        }
        await login.browser.post(login.action, form, X_Forwarded_For="6.6.6.6, 198.51.100.6")
    other = await site.authorize(site.browser())
    form = other.fields | {"email": EMAIL, "password": PASSWORD, "action": "sign_in"}
    answer = await other.browser.post(other.action, form, X_Forwarded_For="203.0.113.7")
    assert (answer.status == 303) == is_trusted
