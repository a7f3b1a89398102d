"""Whom the setting ``administrators`` names."""

from __future__ import annotations

import pytest

from apogee_idp.administrators import entry_of
from apogee_idp.user_model import Identity


@pytest.mark.parametrize(
    ("email", "entry"),
    [
        pytest.param("ann@example.com", "work:ann@example.com", id="as it stands there"),
        pytest.param("Ann@Example.COM", "work:ann@example.com", id="capitals"),
        pytest.param("ann@b\u00fccher.example", "work:ann@xn--bcher-kva.example", id="domain"),
        pytest.param("\uff41nn@example.com", "", id="full width"),
        pytest.param("\ufb01nn@example.com", "", id="a ligature"),
        pytest.param("stra\u00dfe@example.com", "", id="sharp s"),
        pytest.param("", "", id="none"),
    ],
)
def test_by_the_mailbox_that_was_verified(email: str, entry: str) -> None:
    """Not by one that only compares equal: at its provider it may be somebody else's."""
    assert entry_of(Identity("work", "1", email, email_verified=True)) == entry


def test_not_by_one_that_was_not() -> None:
    """Anyone may have typed it there."""
    assert entry_of(Identity("work", "1", "ann@example.com")) == ""
