"""What goes wrong on our side: said plainly, and nothing of the reason."""

from __future__ import annotations

import pytest

from apogee_idp import StoreUnavailable
from apogee_idp.management.scopes import ScopeCommands

from .conftest import Admin


@pytest.mark.parametrize(
    ("error", "status"), [(StoreUnavailable("mongodb://secret"), 503), (ValueError("secret"), 500)]
)
async def test_a_fault_is_a_problem_without_its_reason(
    admin: Admin, monkeypatch: pytest.MonkeyPatch, error: Exception, status: int
) -> None:
    async def fail(*_: object, **__: object) -> None:
        raise error

    monkeypatch.setattr(ScopeCommands, "page", fail)
    answer = await admin.call("GET", "/scopes")
    assert (answer.status, answer.json["status"]) == (status, status)
    assert (answer.headers.get("Retry-After") == "1") == (status == 503)
    assert b"secret" not in answer.body
