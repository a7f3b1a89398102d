"""Requests to hosts that somebody else names: whom they may reach, and what an answer may cost."""

from __future__ import annotations

import asyncio
import re
import socket
import ssl
from collections.abc import Callable, Collection, Mapping
from typing import Any, Self

from aiohttp import (
    ClientConnectorCertificateError,
    ClientConnectorDNSError,
    ClientConnectorError,
    ClientError,
    ClientResponse,
    ClientSession,
    ClientSSLError,
    ClientTimeout,
    DummyCookieJar,
    TCPConnector,
    ThreadedResolver,
)
from aiohttp.abc import AbstractResolver, ResolveResult
from aiohttp.http_exceptions import HttpProcessingError
from yarl import URL

from .errors import OutgoingRefused
from .public_addresses import is_public_address, looks_like_address
from .strict_json import NotStrictJson, parse_json

MAXIMUM_ANSWER_BYTES = 64 * 1024
_MAXIMUM_URL_CHARACTERS = 2048
_REQUESTS_AT_ONCE = 8
_SECONDS = 3.0
_HEADERS = {
    "Accept": "application/json",
    "Accept-Encoding": "identity",
    "User-Agent": "apogee-idp",
}
_URL = re.compile(
    r"https?://(?:[A-Za-z0-9._-]+|\[[0-9A-Fa-f:.]+\])(?::[0-9]{1,5})?"
    r"(?:[/?][!$-;=?-\[\]_a-z~]*)?"
)
_NOT_PUBLIC = "the host has an address that is not public"
_CAUSES: tuple[tuple[type[Exception], str], ...] = (
    (TimeoutError, f"there was no whole answer within {_SECONDS:g} seconds"),
    (ClientConnectorDNSError, "the name of the host can't be resolved"),
    (ClientConnectorCertificateError, "the certificate of the host is not trusted"),
    (ClientSSLError, "the host does not speak TLS that is secure enough"),
    (ClientConnectorError, "no connection to the host can be made"),
)


class Outgoing:
    """Asks hosts over HTTPS that are on the internet, not in a network of ours.

    ``private_hosts`` are the names and addresses, in lower case, that an operator exempts: they
    may have any address, and be asked over plain HTTP. ``resolver`` makes what resolves all other
    names; its answers are checked, and exactly those addresses are connected to. ``tls`` replaces
    the trust in the certificate authorities of the system.

    To be closed, or used as a context.
    """

    def __init__(
        self,
        private_hosts: Collection[str],
        *,
        resolver: Callable[[], AbstractResolver] = ThreadedResolver,
        tls: ssl.SSLContext | None = None,
    ) -> None:
        self._private_hosts = frozenset(private_hosts)
        self._new_resolver = resolver
        self._resolver: AbstractResolver | None = None
        self._tls = tls
        self._session: ClientSession | None = None
        self._is_closed = False

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    async def close(self) -> None:
        """Ends the requests in progress; later ones are refused."""
        self._is_closed = True
        if self._session is not None:
            await self._session.close()
        if self._resolver is not None:
            await self._resolver.close()

    async def get_json(
        self,
        url: str,
        *,
        form: Mapping[str, str] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> dict[str, Any]:
        """The JSON object that a GET of ``url``, or a POST of ``form``, is answered with.

        Raises OutgoingRefused, whose text says why and repeats nothing of the answer: for every
        status but 200, for redirects, for more than 64 KiB, and if there is no whole answer within
        3 seconds.
        """
        value = await self._json(url, form=form, headers=headers)
        if not isinstance(value, dict):
            raise OutgoingRefused("the answer is no JSON object")
        return value

    async def get_json_list(self, url: str, *, headers: Mapping[str, str]) -> list[Any]:
        """The same for a list."""
        value = await self._json(url, headers=headers)
        if not isinstance(value, list):
            raise OutgoingRefused("the answer is no JSON list")
        return value

    async def _json(self, url: str, **request: Any) -> Any:
        checked = checked_url(url, self._private_hosts)
        try:
            async with asyncio.timeout(_SECONDS):
                body = await self._body_of(checked, **request)
        except (ClientError, HttpProcessingError, OSError, ValueError) as error:
            raise OutgoingRefused(_cause(error)) from None
        try:
            return parse_json(body)
        except NotStrictJson as error:
            raise OutgoingRefused(f"the answer is {error}") from None

    async def send_form(self, url: str, form: Mapping[str, str]) -> int:
        """The status that a POST of ``form`` to ``url`` is answered with; nothing else is read.

        Raises OutgoingRefused as ``get_json`` does.
        """
        checked = checked_url(url, self._private_hosts)
        try:
            async with (
                asyncio.timeout(_SECONDS),
                self._opened().post(checked, data=form, allow_redirects=False) as answer,
            ):
                return answer.status
        except (ClientError, HttpProcessingError, OSError, ValueError) as error:
            raise OutgoingRefused(_cause(error)) from None

    async def _body_of(
        self,
        url: URL,
        *,
        form: Mapping[str, str] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> bytes:
        method = "GET" if form is None else "POST"
        async with self._opened().request(
            method, url, data=form, headers=headers, allow_redirects=False
        ) as answer:
            if answer.status != 200:
                raise OutgoingRefused(f"the status of the answer is {answer.status}, not 200")
            if "Content-Encoding" in answer.headers:
                raise OutgoingRefused("the answer is compressed, which was not asked for")
            return await _body(answer)

    def _opened(self) -> ClientSession:
        """The session, which belongs to the running loop: so it is not made before."""
        if self._is_closed:
            raise OutgoingRefused("the server is about to stop")
        if self._session is None:
            self._session = ClientSession(
                connector=self._connector(),
                cookie_jar=DummyCookieJar(),
                headers=_HEADERS,
                auto_decompress=False,
                trust_env=False,
                timeout=ClientTimeout(total=None),
            )
        return self._session

    def _connector(self) -> TCPConnector:
        """Every connection is a new one, to an address that was just checked."""
        self._resolver = self._new_resolver()
        return TCPConnector(
            resolver=_PublicResolver(self._resolver, self._private_hosts),
            use_dns_cache=False,
            force_close=True,
            limit=_REQUESTS_AT_ONCE,
            ssl=self._tls or True,
        )


def is_url(text: object) -> bool:
    """Whether ``text`` has the form of an address for browsers or for requests of ours."""
    if not isinstance(text, str) or len(text) > _MAXIMUM_URL_CHARACTERS:
        return False
    return bool(_URL.fullmatch(text))


def checked_url(text: str, private_hosts: Collection[str]) -> URL:
    """``text`` if it may be asked; raises OutgoingRefused.

    What its host resolves to is checked when it is.
    """
    if not is_url(text):
        raise OutgoingRefused("the URL is not of the form https://host:port/path?query")
    try:
        url = URL(text)
    except ValueError:
        raise OutgoingRefused("the URL is malformed") from None
    host = url.raw_host or ""
    if host in private_hosts:
        return url
    if url.scheme != "https":
        raise OutgoingRefused("the URL is not https")
    if looks_like_address(host) and not is_public_address(host):
        raise OutgoingRefused(_NOT_PUBLIC)
    return url


class _PublicResolver(AbstractResolver):
    """Answers with public addresses alone, but for private hosts."""

    def __init__(self, resolver: AbstractResolver, private_hosts: Collection[str]) -> None:
        self._resolver = resolver
        self._private_hosts = private_hosts

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_UNSPEC
    ) -> list[ResolveResult]:
        """Raises OutgoingRefused if any address is not public: who mixes them means no good."""
        found = await self._resolver.resolve(host, port, family)
        if not found:
            raise OutgoingRefused("the host has no address")
        if host not in self._private_hosts and not all(is_public_address(r["host"]) for r in found):
            raise OutgoingRefused(_NOT_PUBLIC)
        return found

    async def close(self) -> None:
        """Leaves what it asks to whoever made that."""


async def _body(answer: ClientResponse) -> bytes:
    body = bytearray()
    async for piece in answer.content.iter_any():
        body += piece
        if len(body) > MAXIMUM_ANSWER_BYTES:
            raise OutgoingRefused(f"the answer has more than {MAXIMUM_ANSWER_BYTES} bytes")
    return bytes(body)


def _cause(error: Exception) -> str:
    for kind, text in _CAUSES:
        if isinstance(error, kind):
            return text
    return "the answer broke off, or is no HTTP"
