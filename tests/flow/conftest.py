"""What is promised of tokens holds on every store."""

from __future__ import annotations

import pytest


@pytest.fixture(params=["sqlite", "mongodb"])
def backend(request: pytest.FixtureRequest) -> str:
    return str(request.param)
