"""Which pages may read an answer (CORS): those of the public client that asks, and no others."""

from __future__ import annotations

from urllib.parse import urlsplit

from aiohttp import web

from ..errors import StoreError
from ..model import Client
from ..stores.directory import Directory
from .wire import Form


class ClientOrigins:
    """Compares the origin of a page with those of the redirect URIs of the client it names.

    The client has proven nothing, and needn't: the header opens to one of its own pages an answer
    that the page's browser has got already. No cookie counts at these endpoints.
    """

    def __init__(self, clients: Directory[Client]) -> None:
        self._clients = clients

    async def open_to(self, request: web.Request, form: Form, response: web.Response) -> None:
        """Adds ``Access-Control-Allow-Origin``, if there is to be one."""
        origin = request.headers.get("Origin")
        if origin is None:
            return
        response.headers["Vary"] = "Origin"
        if await self._is_of_client(origin, form):
            response.headers["Access-Control-Allow-Origin"] = origin
            response.headers["Cross-Origin-Resource-Policy"] = "cross-origin"

    async def _is_of_client(self, origin: str, form: Form) -> bool:
        client_id = None if form.credentials is None else form.credentials.client_id
        try:
            client = None if client_id is None else await self._clients.get(client_id)
        except StoreError:
            return False  # nobody can tell: the page learns nothing
        if client is None or client.client_type != "public":
            return False
        return origin in map(_origin_of, client.redirect_uris)


def _origin_of(uri: str) -> str:
    """RFC 6454 §6.2, of a URI that was registered, and so is one."""
    url = urlsplit(uri)
    return f"{url.scheme}://{url.netloc}".lower()
