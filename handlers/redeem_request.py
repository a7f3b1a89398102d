"""Spends a pushed authorization request for the code that it leads to."""

from __future__ import annotations

from apogee_idp import InvalidRequestUri, ProcessAuthorization, Services


class RedeemRequest:
    """RFC 9126 §4: once. Until there is a code, pages may be left and opened again."""

    def __init__(self, services: Services) -> None:
        self._requests = services.pushed_requests

    async def __call__(self, event: ProcessAuthorization) -> None:
        request_uri = event.request.request_uri
        if request_uri is not None and not await self._requests.take(request_uri):
            raise InvalidRequestUri(reason="another code was given for it")
