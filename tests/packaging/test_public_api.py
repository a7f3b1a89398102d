"""The public plugin API is a list; it grows on purpose."""

from __future__ import annotations

import types

import apogee_idp


def test_what_is_importable_is_what_is_listed() -> None:
    """Sorted, complete, and nothing by accident."""
    public = [
        name
        for name, value in vars(apogee_idp).items()
        if not name.startswith("_")
        and name != "annotations"
        and not isinstance(value, types.ModuleType)
    ]
    assert apogee_idp.__all__ == sorted(apogee_idp.__all__)
    assert sorted(public) == apogee_idp.__all__


def test_every_public_name_says_what_it_is() -> None:
    """A docstring of its own."""
    for name in apogee_idp.__all__:
        value = getattr(apogee_idp, name)
        assert value.__doc__, name
        assert not value.__doc__.startswith(f"{name}("), f"{name} has only a generated docstring"
