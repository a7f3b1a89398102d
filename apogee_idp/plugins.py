"""Finds plugins by name and lets them register their handlers."""

from __future__ import annotations

import importlib
import inspect
import sys
import traceback
from collections.abc import Callable, Mapping, Sequence
from functools import cache
from importlib import metadata
from typing import Any

from .errors import RegistryError
from .pipeline import Registry, Source
from .services import Services

Register = Callable[[Registry, Services], object]

ENTRY_POINT_GROUP = "apogee_idp.handlers"


def load_plugins(names: Sequence[str], registry: Registry, services: Services) -> None:
    """Calls ``register(registry, services)`` of each plugin, in this order.

    A name with a colon is ``module:function``, any other an entry point of the group
    ``apogee_idp.handlers``. Raises RegistryError, naming the plugin, for whatever goes wrong.
    """
    for name in names:
        try:
            register, source = _found(name)
            with registry.registering(source):
                _call(register, registry, services)
        except (RegistryError, ImportError, AttributeError) as error:
            raise RegistryError(f"plugin {name}: {error}") from error
        except (Exception, SystemExit) as error:
            # Not its message, which may quote what the plugin was configured with.
            frame = traceback.extract_tb(error.__traceback__)[-1]
            where = f"{type(error).__name__} at {frame.filename}:{frame.lineno}"
            raise RegistryError(f"plugin {name}: {where}") from error


def _call(register: Register, registry: Registry, services: Services) -> None:
    result = register(registry, services)
    if inspect.iscoroutine(result):
        result.close()
    if result is not None:
        raise RegistryError("register must be a plain function that returns None")


def _found(name: str) -> tuple[Register, Source]:
    if ":" in name:
        module, _, function = name.partition(":")
        register = getattr(importlib.import_module(module), function)
        return _checked(register), _source_of_module(name, module)
    matches = sorted(metadata.entry_points(group=ENTRY_POINT_GROUP, name=name))
    if len(matches) != 1:
        installed = sorted(metadata.entry_points(group=ENTRY_POINT_GROUP).names)
        raise RegistryError(
            f"{len(matches)} entry points of this name; installed: {', '.join(installed) or 'none'}"
        )
    distribution = matches[0].dist
    if distribution is None:
        return _checked(matches[0].load()), Source(name)
    return _checked(matches[0].load()), Source(name, distribution.name, distribution.version)


def _checked(register: Any) -> Register:
    if not callable(register):
        raise RegistryError("is no function register(registry, services)")
    return register  # type: ignore[no-any-return]


@cache
def _distributions_by_package(_: tuple[str, ...]) -> Mapping[str, Sequence[str]]:
    """Reads the metadata of everything installed on this path, which takes its time."""
    return metadata.packages_distributions()


def _source_of_module(name: str, module: str) -> Source:
    shipped_by = _distributions_by_package(tuple(sys.path)).get(module.partition(".")[0], [])
    distributions = sorted(set(shipped_by))
    if not distributions:
        return Source(name)
    # More than one here means that a wheel overwrote another one's files: shown, not hidden.
    versions = [metadata.version(distribution) for distribution in distributions]
    return Source(name, ", ".join(distributions), ", ".join(versions))
