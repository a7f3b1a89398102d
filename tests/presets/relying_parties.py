"""What relying parties ask of a token, written from their documents and sources alone.

Each takes a token as it came over the wire, the issuer and audience that were configured there,
and the keys that the issuer publishes; it returns the claims or raises Refused.
"""

from __future__ import annotations

import json
import re
import time
from collections.abc import Callable, Sequence
from typing import Any

import jwt


class Refused(Exception):
    """The relying party does not take the token."""


Validator = Callable[[str, str, str, list[dict[str, Any]]], dict[str, Any]]


def require(holds: object, why: str) -> None:
    if not holds:
        raise Refused(why)


def verified(token: str, keys: list[dict[str, Any]], algorithms: Sequence[str]) -> dict[str, Any]:
    """A compact JWS with a kid, by a published key and one of these algorithms."""
    require(token.count(".") == 2, "no JWS")
    header = jwt.get_unverified_header(token)
    require(header.get("alg") in algorithms, "algorithm")
    found = [key for key in keys if key["kid"] == header.get("kid")]
    require(len(found) == 1, "no key by that kid")
    require("key_ops" not in found[0] and found[0].get("use", "sig") == "sig", "key's use")
    options = {"verify_aud": False}
    return jwt.decode(token, jwt.PyJWK(found[0]), [header["alg"]], options=options)


def audiences(claims: dict[str, Any]) -> list[str]:
    aud = claims.get("aud")
    return [aud] if isinstance(aud, str) else list(aud or [])


def aws_sts(token: str, issuer: str, audience: str, keys: list[dict[str, Any]]) -> dict[str, Any]:
    """AssumeRoleWithWebIdentity: its model's limits, and what was seen of its answers."""
    require(4 <= len(token) <= 20_000, "token length")
    claims = verified(token, keys, ["RS256", "RS384", "RS512", "ES256", "ES384"])
    require({"iss", "sub", "aud", "iat", "exp"} <= claims.keys(), "missing claim")
    require(all(type(claims[name]) is int for name in ("iat", "exp")), "fractional time")
    require(claims["iss"] == issuer and len(issuer) <= 255, "issuer")
    require(re.fullmatch(r"https://[^:/?#]+(/[^?#]*)?", issuer), "issuer with a port or query")
    require("azp" not in claims, "azp would decide instead of aud")
    require(audiences(claims) == [audience] and len(audience) <= 255, "audience")
    require(isinstance(claims["sub"], str) and claims["sub"], "subject")
    tags = claims.get("https://aws.amazon.com/tags", {"principal_tags": {}})
    principal = tags["principal_tags"]
    require(len(principal) <= 50, "too many tags")
    require(len({key.lower() for key in principal}) == len(principal), "tags alike but for case")
    for key, values in principal.items():
        require(isinstance(values, list) and len(values) == 1, "a tag is no list of one")
        require(re.fullmatch(r"[\w\s.:/=+@-]{1,128}", key), "tag key")
        require(re.fullmatch(r"[\w\s.:/=+@-]{0,256}", values[0]), "tag value")
    require(set(tags.get("transitive_tag_keys", [])) <= principal.keys(), "transitive tag")
    identity = claims.get("https://aws.amazon.com/source_identity", "none")
    require(re.fullmatch(r"[\w+=,.@-]{2,64}", identity), "source identity")
    return claims


def gcp(token: str, issuer: str, audience: str, keys: list[dict[str, Any]]) -> dict[str, Any]:
    """Workload Identity Federation: an OIDC provider with one allowed audience."""
    claims = verified(token, keys, ["RS256", "ES256"])
    require(claims["iss"] == issuer and issuer.startswith("https://"), "issuer")
    require(audience in audiences(claims) and len(audience) <= 256, "audience")
    require(claims["iat"] <= time.time() < claims["exp"], "time")
    require(claims["exp"] - claims["iat"] <= 86_400, "lifetime")
    require(0 < len(claims["sub"].encode()) <= 127, "google.subject")
    return claims


def entra(token: str, issuer: str, audience: str, keys: list[dict[str, Any]]) -> dict[str, Any]:
    """A federated identity credential: exact issuer, subject and audience."""
    claims = verified(token, keys, ["RS256"])
    require(claims["iss"] == issuer and issuer.startswith("https://"), "issuer")
    require(audiences(claims) == [audience], "audience")
    require(all(len(t) <= 600 for t in (issuer, audience, claims["sub"])), "too long")
    return claims


def kubernetes(
    token: str, issuer: str, audience: str, keys: list[dict[str, Any]]
) -> dict[str, Any]:
    """An API server with structured authentication: any match of audiences, no EdDSA."""
    hashes = ("256", "384", "512")
    claims = verified(token, keys, [kind + size for kind in ("RS", "ES", "PS") for size in hashes])
    require(claims["iss"] == issuer, "issuer")
    require(re.fullmatch(r"https://[^@?#]+", issuer), "issuer URL")
    require(audience in audiences(claims), "audience")
    require(isinstance(claims.get("sub"), str), "no username claim")
    return claims


def vault(token: str, issuer: str, audience: str, keys: list[dict[str, Any]]) -> dict[str, Any]:
    """JWT authentication with bound_issuer and bound_audiences; names collide case-blind."""
    hashes = ("256", "384", "512")
    offered = [kind + size for kind in ("RS", "ES", "PS") for size in hashes]
    claims = verified(token, keys, [*offered, "EdDSA"])
    require(claims["iss"] == issuer, "bound_issuer")
    require(audience in audiences(claims), "bound_audiences")
    folded = [name.lower() for name in claims]
    for name in ("iss", "sub", "aud", "exp", "nbf", "iat", "jti"):
        require(folded.count(name) <= 1, "claims alike but for case")
    return claims


def mongodb(token: str, issuer: str, audience: str, keys: list[dict[str, Any]]) -> dict[str, Any]:
    """MONGODB-OIDC: RSA only, and a typ that is JWT or none."""
    claims = verified(token, keys, ["RS256", "RS384", "RS512"])
    require(jwt.get_unverified_header(token).get("typ") in (None, "JWT"), "typ")
    require(claims["iss"] == issuer and issuer.startswith("https://"), "issuer")
    require(audiences(claims) == [audience], "audience")
    return claims


def rfc9068(token: str, issuer: str, audience: str, keys: list[dict[str, Any]]) -> dict[str, Any]:
    """An API of our own: RFC 9068 §4."""
    claims = verified(token, keys, ["RS256", "ES256"])
    require(jwt.get_unverified_header(token).get("typ") == "at+jwt", "typ")
    required = {"iss", "exp", "aud", "sub", "client_id", "iat", "jti"}
    require(required <= claims.keys(), "missing claim")
    require(claims["iss"] == issuer and audience in audiences(claims), "issuer or audience")
    return claims


def is_sealed(token: str) -> bool:
    """A nested JWE: five parts, and the header says what is inside."""
    if token.count(".") != 4:
        return False
    header = json.loads(jwt.utils.base64url_decode(token.split(".", maxsplit=1)[0]))
    return bool(header["cty"] == "JWT")
