"""Loading plugins by name: what is found, and what is said when something is wrong."""

from __future__ import annotations

import sys
from collections.abc import Callable
from types import ModuleType
from typing import Any

import pytest

from apogee_idp import ProcessSignIn, Registry, RegistryError, Services
from apogee_idp.plugins import load_plugins


async def handler(event: ProcessSignIn) -> None:
    """Does nothing."""


def adds(registry: Registry, services: Services) -> None:
    registry.add(ProcessSignIn, handler, name="mine", order=1)


async def is_async(registry: Registry, services: Services) -> None:
    adds(registry, services)


def returns(registry: Registry, services: Services) -> object:
    return adds


def fails(registry: Registry, services: Services) -> None:
    raise ValueError("password=hunter2")


def exits(registry: Registry, services: Services) -> None:
    sys.exit(0)


def wrong_handler(registry: Registry, services: Services) -> None:
    registry.add(ProcessSignIn, print, name="mine", order=1)  # type: ignore[arg-type]


@pytest.fixture
def load(monkeypatch: pytest.MonkeyPatch) -> Callable[[str, Any], Registry]:
    """Loads ``name`` while a module ``rules`` has ``register``."""

    def call(name: str, register: Any) -> Registry:
        module = ModuleType("rules")
        module.register = register  # type: ignore[attr-defined]
        monkeypatch.setitem(sys.modules, "rules", module)
        registry = Registry()
        services: Any = None
        load_plugins([name], registry, services)
        return registry

    return call


def test_a_module_and_function(load: Callable[[str, Any], Registry]) -> None:
    """Its handlers are in the table, with the plugin's name as their source."""
    registry = load("rules:register", adds)
    registry.seal(required={})
    (row,) = registry.registrations()
    assert (row.name, row.source.plugin, row.source.distribution) == ("mine", "rules:register", "-")


@pytest.mark.parametrize(
    ("name", "register", "message"),
    [
        pytest.param("rules:register", is_async, "plain function", id="an async register"),
        pytest.param("rules:register", returns, "returns None", id="one that returns something"),
        pytest.param("rules:register", fails, "ValueError at ", id="one that fails"),
        pytest.param("rules:register", exits, "SystemExit at ", id="one that exits"),
        pytest.param("rules:register", wrong_handler, "async callable", id="a wrong handler"),
        pytest.param("rules:register", 5, "no function", id="no function"),
        pytest.param("rules:nothing", adds, "nothing", id="no such function"),
        pytest.param("no_such_module:register", adds, "no_such_module", id="no such module"),
        pytest.param("nobody", adds, "installed: none", id="no such entry point"),
    ],
)
def test_F_PR_07_what_is_wrong_is_said(
    load: Callable[[str, Any], Registry], name: str, register: Any, message: str
) -> None:
    """By the plugin's name, at the start; a foreign error's text, which may quote, is left out."""
    with pytest.raises(RegistryError) as caught:
        load(name, register)
    assert str(caught.value).startswith(f"plugin {name}: ")
    assert message in str(caught.value)
    assert "hunter2" not in str(caught.value)
