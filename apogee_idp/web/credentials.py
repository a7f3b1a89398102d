"""How a client says who it is: once, and in one way (RFC 6749 §2.3)."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping

from aiohttp import web

from ..errors import InvalidClient, InvalidRequest
from ..requests import Credentials, PresentedAssertion, PresentedCredentials, PresentedName
from .form import decode_component

CREDENTIAL_PARAMETERS = ("client_secret", "client_assertion", "client_assertion_type")

_JWT_BEARER = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"


def read_credentials(
    request: web.Request, parameters: Mapping[str, str], *, source: str
) -> Credentials | None:
    """What the caller at ``source`` claims to be; raises InvalidRequest or InvalidClient."""
    authorization = request.headers.getall("Authorization", [])
    by_secret = "client_secret" in parameters
    by_assertion = "client_assertion" in parameters or "client_assertion_type" in parameters
    if len(authorization) + by_secret + by_assertion > 1:
        raise InvalidRequest("More than one way of client authentication was used.")
    client_id = parameters.get("client_id")
    if by_assertion:
        return _assertion(parameters, client_id)
    if authorization:
        presented = _basic_credentials(authorization[0], source)
        if client_id and client_id != presented.client_id:
            raise InvalidRequest("The client_id differs from the one in the Authorization header.")
        return presented
    if client_id and by_secret:
        secret = parameters["client_secret"]
        return PresentedCredentials(client_id, secret, "client_secret_post", source)
    return PresentedName(client_id) if client_id else None


def _assertion(parameters: Mapping[str, str], client_id: str | None) -> PresentedAssertion:
    """RFC 7521 §4.2: both parameters, and a type that is known."""
    assertion = parameters.get("client_assertion")
    if assertion is None or parameters.get("client_assertion_type") != _JWT_BEARER:
        raise InvalidClient(reason="half an assertion, or one of an unknown type")
    return PresentedAssertion(assertion, client_id)


def _basic_credentials(header: str, source: str) -> PresentedCredentials:
    """RFC 6749 §2.3.1: id and secret are form-encoded first, then base64 (RFC 7617)."""
    scheme, _, encoded = header.partition(" ")
    if scheme.lower() != "basic":
        raise InvalidClient(reason="unsupported authentication scheme")
    try:
        user, colon, password = base64.b64decode(encoded.strip(" "), validate=True).partition(b":")
        presented = PresentedCredentials(
            decode_component(user), decode_component(password), "client_secret_basic", source
        )
    except (binascii.Error, ValueError):
        raise InvalidClient(reason="malformed Basic credentials") from None
    if not colon:
        raise InvalidClient(reason="Basic credentials without a colon")
    return presented
