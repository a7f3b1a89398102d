"""A client's registration as JSON or TOML says it: the fields, and which values they take."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields
from typing import Any, get_args

from marshmallow import RAISE, Schema, validate
from marshmallow import fields as schema_fields

from ..model import (
    AUDIENCE_SHAPES,
    ENCRYPTION_TARGETS,
    ENDPOINT_PERMISSIONS,
    FLOW_TYPES,
    MAXIMUM_TOKEN_LIFETIME,
    SIGNING_ALGORITHMS,
    TOKEN_TYPS,
    ApplicationType,
    ClientType,
    TokenProfile,
    frozen,
    thawed,
)
from ..presets import PRESETS
from .client_keys import ClientKeys
from .facts import public_jwks
from .redirect_uris import MAXIMUM_URIS
from .registrations import MAXIMUM_NAME, ClientRegistration
from .strict_fields import Array, Flag, Whole

_MAXIMUM_LIST = 100
_MAXIMUM_TEXT = 2000


class TokenProfileSchema(Schema):
    """How tokens are written; what is left out is the preset's, or the default."""

    class Meta:
        unknown = RAISE

    signing_algorithm = schema_fields.String(validate=validate.OneOf(SIGNING_ALGORITHMS))
    typ = schema_fields.String(validate=validate.OneOf(TOKEN_TYPS))
    encrypt_to = schema_fields.String(validate=validate.OneOf(ENCRYPTION_TARGETS))
    lifetime = Whole(allow_none=True, validate=validate.Range(1, MAXIMUM_TOKEN_LIFETIME))
    audience_shape = schema_fields.String(validate=validate.OneOf(AUDIENCE_SHAPES))
    claims = schema_fields.Dict(keys=schema_fields.String())
    session_tags = schema_fields.Dict(keys=schema_fields.String(), values=schema_fields.String())
    transitive_tags = Array(schema_fields.String())
    reference = Flag()


def _texts(maximum: int = _MAXIMUM_LIST) -> Array:
    text = schema_fields.String(validate=validate.Length(1, _MAXIMUM_TEXT))
    return Array(text, validate=validate.Length(max=maximum))


class RegistrationSchema(Schema):
    """The members of a registration; ``registration_from`` makes one of what it loads."""

    class Meta:
        unknown = RAISE

    client_id = schema_fields.String(required=True, validate=validate.Length(1, 100))
    display_name = schema_fields.String(validate=validate.Length(max=MAXIMUM_NAME))
    flow_type = schema_fields.String(validate=validate.OneOf(FLOW_TYPES))
    client_type = schema_fields.String(validate=validate.OneOf(get_args(ClientType)))
    application_type = schema_fields.String(validate=validate.OneOf(get_args(ApplicationType)))
    redirect_uris = _texts(MAXIMUM_URIS)
    post_logout_redirect_uris = _texts(MAXIMUM_URIS)
    backchannel_logout_uri = schema_fields.String(
        allow_none=True, validate=validate.Length(1, _MAXIMUM_TEXT)
    )
    require_second_factor = Flag()
    require_pkce = Flag()
    require_pushed_authorization_requests = Flag()
    allow_offline_access = Flag()
    enabled = Flag()
    scopes = _texts()
    default_scopes = _texts()
    default_audience = schema_fields.String(
        allow_none=True, validate=validate.Length(1, _MAXIMUM_TEXT)
    )
    roles = _texts()
    endpoints = Array(schema_fields.String(validate=validate.OneOf(list(ENDPOINT_PERMISSIONS))))
    preset = schema_fields.String(validate=validate.OneOf(list(PRESETS)))
    skip_token_encryption = Flag()
    token_profile = schema_fields.Nested(TokenProfileSchema)
    jwks = schema_fields.Dict(keys=schema_fields.String(), allow_none=True)
    jwks_uri = schema_fields.String(allow_none=True, validate=validate.Length(1, _MAXIMUM_TEXT))
    accepts_token_endpoint_audience = Flag()


_OF_THE_KEYS = tuple(field.name for field in fields(ClientKeys))


def load_registration(members: Mapping[str, Any]) -> ClientRegistration:
    """The registration in JSON or TOML ``members``; raises marshmallow's ValidationError.

    What is left out has its default; ``preset`` fills in the token profile.
    """
    return registration_from(RegistrationSchema().load(members))


def registration_from(members: Mapping[str, Any]) -> ClientRegistration:
    """The registration in ``members``, which the schema has loaded."""
    loaded = dict(members)
    preset = PRESETS[loaded.pop("preset", "default")]
    profile = _profile(loaded.pop("token_profile", {}), preset.profile)
    keys = ClientKeys(**{name: frozen(loaded.pop(name)) for name in _OF_THE_KEYS if name in loaded})
    loaded.setdefault("skip_token_encryption", preset.skip_token_encryption)
    facts: dict[str, Any] = {name: frozen(fact) for name, fact in loaded.items()}
    return ClientRegistration(**facts, token_profile=profile, keys=keys)


def registration_members(registration: ClientRegistration) -> dict[str, Any]:
    """The members, as JSON, that say the same as ``registration``."""
    members = {
        field.name: thawed(getattr(registration, field.name))
        for field in fields(ClientRegistration)
        if field.name != "keys"
    }
    profile = registration.token_profile
    return members | {
        "token_profile": {f.name: thawed(getattr(profile, f.name)) for f in fields(TokenProfile)},
        "jwks": public_jwks(registration.keys.jwks),
        "jwks_uri": registration.keys.jwks_uri,
        "accepts_token_endpoint_audience": registration.keys.accepts_token_endpoint_audience,
    }


def _profile(given: Mapping[str, Any], preset: TokenProfile) -> TokenProfile:
    members = {field.name: getattr(preset, field.name) for field in fields(TokenProfile)}
    return TokenProfile(**members | {name: frozen(value) for name, value in given.items()})
