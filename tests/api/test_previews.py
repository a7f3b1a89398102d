"""The preview over the API; what is in it is proven in tests/flow/test_previews.py."""

from __future__ import annotations

from tests.idp import Idp

from .conftest import new_admin


async def test_a_preview_is_told_to_who_may_read_clients(idp: Idp) -> None:
    """A refusal is an answer; only a client that isn't there, or a wrong body, is refused."""
    await idp.add_client(scopes=("invoices.read",), skip_token_encryption=True)
    admin = await new_admin(idp, "idp:read")
    wanted = {"scopes": ["invoices.read"], "resources": ["https://billing.example"]}
    told = await admin.call("POST", "/clients/billing/preview", wanted)
    assert told.status == 200
    assert told.json["token"]["claims"]["aud"] == "https://billing.example"
    assert told.json["token"]["layers"][0]["header"]["typ"] == "at+jwt"
    assert told.json["refusal"] is None
    assert "access_token" not in told.json["token"]["response"]
    elsewhere = {"resources": ["https://elsewhere.example"]}
    refused = (await admin.call("POST", "/clients/billing/preview", elsewhere)).json
    assert (refused["token"], refused["refusal"]["error"]) == (None, "invalid_target")
    assert refused["refusal"]["handler"] == "set_resources"
    assert (await admin.call("POST", "/clients/nobody/preview", {})).status == 404
    assert (await admin.call("POST", "/clients/billing/preview", {"x": 1})).status == 422


async def test_a_change_is_seen_in_the_next_preview(idp: Idp) -> None:
    """Encryption is switched off, and the token is a plain JWS."""
    await idp.add_client()
    admin = await new_admin(idp)
    first = (await admin.call("POST", "/clients/billing/preview", {})).json["token"]
    tag = (await admin.call("GET", "/clients/billing")).headers["ETag"]
    change = {"skip_token_encryption": True}
    await admin.call("PATCH", "/clients/billing", change, If_Match=tag)
    second = (await admin.call("POST", "/clients/billing/preview", {})).json["token"]
    assert (first["format"], second["format"]) == ("jwe", "jws")
