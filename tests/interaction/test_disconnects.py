"""Clients that hang up before they are answered."""

from __future__ import annotations

import asyncio
import io
from urllib.parse import urlencode

import pytest

from apogee_idp.crypto.handles import Code
from apogee_idp.stores.authorization_documents import read_authorization
from tests.idp import FORM, Idp

from .conftest import CALLBACK, VERIFIER, Site


@pytest.fixture(params=["sqlite", "mongodb"])
def backend(request: pytest.FixtureRequest) -> str:
    return str(request.param)


async def hang_up(idp: Idp, code: str, steps: int) -> None:
    """Presents the code, and is gone ``steps`` turns of the loop later."""
    form = {"grant_type": "authorization_code", "code": code, "redirect_uri": CALLBACK}
    form |= {"client_id": "app", "client_secret": idp.secrets["app"], "code_verifier": VERIFIER}
    body = urlencode(form).encode()
    head = f"POST /connect/token HTTP/1.1\r\nHost: x\r\nContent-Type: {FORM}\r\n"
    _, writer = await asyncio.open_connection("127.0.0.1", idp.port)
    writer.write(f"{head}Content-Length: {len(body)}\r\n\r\n".encode() + body)
    await writer.drain()
    for _ in range(steps):
        await asyncio.sleep(0)
    writer.transport.abort()


async def test_A_HTTP_15_who_hangs_up_leaves_nothing_half_done(
    site: Site, log_output: io.StringIO
) -> None:
    """Whenever that is: the code is spent with all that it leads to, or good for who comes next."""
    spent = 0
    for steps in range(0, 60, 2):
        code = await site.code(scope="openid offline_access")
        await hang_up(site.idp, code, steps)
        answer = await site.redeem(code)
        spent += answer.status == 400
        if answer.status == 200:
            assert (await site.refresh(answer.json["refresh_token"])).status == 200
        else:
            assert answer.error == "invalid_grant"
        parsed = Code.parse(code)
        assert parsed is not None
        stored = await site.idp.installation.store.authorizations.get(parsed.authorization_id)
        assert stored is not None
        kept = read_authorization(stored)
        assert kept.state == "valid"
        assert kept.code_redeemed_at
        assert kept.refresh_hash
    assert spent > 0
    assert '"level": "error"' not in log_output.getvalue()
