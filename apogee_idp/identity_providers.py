"""The identity providers that people may sign in at, as the files of the settings say."""

from __future__ import annotations

import tomllib
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from marshmallow import RAISE, Schema, ValidationError, validate
from marshmallow import fields as schema_fields

from .errors import SettingsError
from .external.github import GITHUB
from .external.model import IdentityProvider
from .schema_errors import described
from .secret_files import read_secret_file

_NAME = r"[a-z][a-z0-9-]{0,30}\Z"
_NO_NAME = "must be 1 to 31 of a-z, 0-9 and -, and begin with a letter"
_OPENID_SCOPES = ("openid", "profile", "email")
_DEFAULTS: Mapping[str, Mapping[str, Any]] = {
    "openid": {"scopes": _OPENID_SCOPES},
    "google": {
        "title": "Google",
        "issuer": "https://accounts.google.com",
        "scopes": _OPENID_SCOPES,
    },
    "github": {"title": "GitHub", "issuer": GITHUB, "scopes": ("read:user", "user:email")},
}
"""What a kind of provider says of itself, unless its file says otherwise."""


class _Schema(Schema):
    class Meta:
        unknown = RAISE

    name = schema_fields.String(required=True, validate=validate.Regexp(_NAME, error=_NO_NAME))
    kind = schema_fields.String(
        required=True, validate=validate.OneOf(list(_DEFAULTS)), data_key="type"
    )
    issuer = schema_fields.String(validate=validate.Length(1, 2048))
    client_id = schema_fields.String(required=True, validate=validate.Length(1, 512))
    client_secret_file = schema_fields.String(required=True, validate=validate.Length(min=1))
    title = schema_fields.String(validate=validate.Length(1, 100))
    scopes = schema_fields.List(schema_fields.String(validate=validate.Length(1, 200)))
    sign_up = schema_fields.Boolean(truthy={True}, falsy={False})


def read_identity_providers(paths: Iterable[str]) -> tuple[IdentityProvider, ...]:
    """The provider in each of these TOML files; the path of its secret is relative to its file.

    Raises SettingsError, with a line for each file that is wrong.
    """
    problems: list[str] = []
    found: dict[str, IdentityProvider] = {}
    for path in paths:
        try:
            provider = _read(Path(path))
        except OSError as error:
            problems.append(f"{path}: can't be read: {error.strerror}")
        except ValidationError as error:
            problems += [f"{path}: {name}: {told}" for name, told in described(error)]
        except ValueError as error:
            problems.append(f"{path}: {error}")
        else:
            if provider.name in found:
                problems.append(f"{path}: the name {provider.name} stands in two files")
            found[provider.name] = provider
    if problems:
        raise SettingsError(problems)
    return tuple(found.values())


def _read(path: Path) -> IdentityProvider:
    loaded: dict[str, Any] = _Schema().load(tomllib.loads(path.read_text(encoding="utf-8")))
    try:
        secret = read_secret_file(path.parent / loaded.pop("client_secret_file"))
    except ValueError as error:
        raise ValueError(f"client_secret_file: {error}") from None
    whole = {"title": loaded["name"], **_DEFAULTS[loaded["kind"]], **loaded}
    if "issuer" not in whole:
        raise ValueError("issuer: is missing")
    if urlsplit(whole["issuer"]).scheme not in ("https", "http"):
        raise ValueError("issuer: is no URL")
    scopes = tuple(whole.pop("scopes"))
    return IdentityProvider(**whole, client_secret=secret, scopes=scopes)
