"""Refuses what no authorization request may say; the client is told."""

from __future__ import annotations

from collections.abc import Callable

from apogee_idp import (
    InvalidRequest,
    OAuthError,
    ProcessAuthorization,
    RequestNotSupported,
    RequestUriNotSupported,
    Services,
    UnauthorizedClient,
    UnsupportedResponseType,
)

_GRANT_TYPE = "authorization_code"
_PERMISSION = "ept:authorization"
_PUSHED = "ft:par"
_MAXIMUM_CHARACTERS = 1024
_PROMPTS = frozenset({"none", "login", "consent", "select_account"})
_OBJECTS: dict[str, Callable[[str], OAuthError]] = {
    "request": RequestNotSupported,
    "request_uri": RequestUriNotSupported,
}


class ValidateParameters:
    """RFC 6749 §4.1.1, OpenID Connect Core §3.1.2.1 and §6, RFC 9126 §6."""

    def __init__(self, services: Services) -> None:
        self._is_on = _GRANT_TYPE in services.settings.grant_types

    async def __call__(self, event: ProcessAuthorization) -> None:
        # First of all how the answer travels, so that the refusals behind it travel so, too.
        _set_response_mode(event)
        request, parameters = event.request, event.request.parameters
        if request.repeated:
            raise InvalidRequest("A parameter is repeated.")
        for name, refusal in _OBJECTS.items():
            if name in parameters:
                raise refusal(f"The parameter {name} is not supported.")
        self._check_response_type(event)
        if request.request_uri is None and _PUSHED in event.known_client().requirements:
            raise InvalidRequest("This client has to push its authorization requests.")
        if len(request.state or "") > _MAXIMUM_CHARACTERS:
            raise InvalidRequest("The state is too long.")
        if len(parameters.get("nonce", "")) > _MAXIMUM_CHARACTERS:
            raise InvalidRequest("The nonce is too long.")
        _check_prompts(request.prompts)
        if not _is_seconds(parameters.get("max_age", "0")):
            raise InvalidRequest("max_age is a number of seconds.")

    def _check_response_type(self, event: ProcessAuthorization) -> None:
        client = event.known_client()
        if event.request.response_type is None:
            raise InvalidRequest("The response_type parameter is missing.")
        if event.request.response_type != "code" or not self._is_on:
            raise UnsupportedResponseType("This server does not offer that response type.")
        if not (client.permits_grant_type(_GRANT_TYPE) and client.permits_endpoint(_PERMISSION)):
            raise UnauthorizedClient("This client may not use the authorization code flow.")


def _set_response_mode(event: ProcessAuthorization) -> None:
    match event.request.response_mode:
        case None:
            pass
        case "query":
            event.response_mode = "query"
        case "form_post":
            event.response_mode = "form_post"
        case _:
            raise InvalidRequest("That response_mode is not supported.")


def _check_prompts(prompts: frozenset[str]) -> None:
    if not prompts <= _PROMPTS:
        raise InvalidRequest("A prompt is unknown.")
    if "none" in prompts and len(prompts) > 1:
        raise InvalidRequest("The prompt none stands alone.")


def _is_seconds(text: str) -> bool:
    return text.isascii() and text.isdigit() and len(text) <= 10
