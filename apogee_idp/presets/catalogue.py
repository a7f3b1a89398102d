"""The presets. Where a rule comes from vendors' documents or their source, and what only an
account of theirs could prove, is told in README.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from ..model import MAXIMUM_TOKEN_LIFETIME, TokenProfile
from .rule import Preset, Rule
from .rules import (
    ENCRYPTED,
    NO_COLLISION,
    PLAIN,
    SESSION_TAGS,
    SOURCE_IDENTITY,
    audience_characters,
    https_issuer,
    lifetime_at_most,
    one_audience,
    signed_with,
    subject_bytes,
    typed,
    usual_audience,
)

_SIX_HOURS = 6 * 3600
_ONE_RESOURCE = TokenProfile(typ="JWT", audience_shape="single")


def _preset(name: str, title: str, profile: TokenProfile, *rules: Rule) -> Preset:
    return Preset(name, title, profile, PLAIN in rules, rules)


_PRESETS = (
    _preset(
        "default",
        "APIs that follow RFC 9068",
        TokenProfile(),
        signed_with("RS256", "ES256"),
        typed("at+jwt"),
        one_audience(binding=False),
    ),
    _preset(
        "aws-sts",
        "AWS STS, AssumeRoleWithWebIdentity",
        _ONE_RESOURCE,
        signed_with("RS256", "RS384", "RS512", "ES256", "ES384"),
        PLAIN,
        one_audience(),
        audience_characters(255),
        https_issuer(maximum=255, port_allowed=False),
        SESSION_TAGS,
        SOURCE_IDENTITY,
        typed("JWT", binding=False),
    ),
    _preset(
        "gcp-wif",
        "Google Cloud Workload Identity Federation",
        _ONE_RESOURCE,
        signed_with("RS256", "ES256"),
        PLAIN,
        audience_characters(256),
        https_issuer(),
        subject_bytes(127),
        lifetime_at_most(MAXIMUM_TOKEN_LIFETIME),
        lifetime_at_most(_SIX_HOURS, name="short-lived", binding=False),
        one_audience(binding=False),
    ),
    _preset(
        "entra",
        "Microsoft Entra federated credentials",
        _ONE_RESOURCE,
        signed_with("RS256"),
        PLAIN,
        one_audience(),
        audience_characters(600),
        https_issuer(maximum=600),
        subject_bytes(600),
        usual_audience("api://AzureADTokenExchange"),
    ),
    _preset(
        "kubernetes",
        "Kubernetes API server, structured authentication",
        TokenProfile(typ="JWT"),
        signed_with("RS256", "RS384", "RS512", "PS256", "ES256", "ES384"),
        PLAIN,
        https_issuer(),
    ),
    _preset(
        "vault",
        "Vault, JWT authentication",
        TokenProfile(typ="JWT"),
        signed_with("RS256", "RS384", "RS512", "PS256", "ES256", "ES384", "EdDSA"),
        PLAIN,
        NO_COLLISION,
    ),
    _preset(
        "mongodb",
        "MongoDB, MONGODB-OIDC",
        _ONE_RESOURCE,
        signed_with("RS256", "RS384", "RS512"),
        PLAIN,
        typed("JWT"),
        one_audience(),
        https_issuer(),
    ),
    _preset(
        "internal-jwe",
        "APIs of your own, encrypted",
        TokenProfile(),
        ENCRYPTED,
        typed("at+jwt"),
    ),
)

PRESETS: Mapping[str, Preset] = MappingProxyType({preset.name: preset for preset in _PRESETS})
"""Every preset, by name."""
