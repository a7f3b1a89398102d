"""The web console's files: read once, and served from memory by their names alone."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from importlib import resources
from importlib.resources.abc import Traversable
from types import MappingProxyType

from aiohttp import web
from aiohttp.helpers import ETag

from ..settings import Settings

INDEX = "index.html"
MEDIA_TYPES = MappingProxyType(
    {
        ".css": "text/css",
        ".html": "text/html",
        ".ico": "image/vnd.microsoft.icon",
        ".js": "text/javascript",
        ".png": "image/png",
        ".svg": "image/svg+xml",
        ".woff2": "font/woff2",
    }
)
"""What is served, by how its name ends; tests of scripts are not."""

_TEXTS = frozenset({".css", ".html", ".js"})
_TEST = ".test.js"
_BASE = '<base href="/console/">'
_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:;"
    " font-src 'self'; connect-src 'self'; base-uri 'self'; form-action 'self';"
    " frame-ancestors 'none'; require-trusted-types-for 'script'; trusted-types vue"
)
_HEADERS = {"Cache-Control": "no-cache"}
_INDEX_HEADERS = _HEADERS | {
    "Content-Security-Policy": _POLICY,
    "Cross-Origin-Opener-Policy": "same-origin",
    "Referrer-Policy": "same-origin",
}


@dataclass(frozen=True, slots=True)
class ConsoleFile:
    """One file, as it is sent."""

    content: bytes
    media_type: str
    charset: str | None
    etag: str


class Console:
    """The index at every address that a browser is led to, the other files at their own.

    Names stay what they are from version to version, so browsers ask each time, and are told that
    nothing has changed.
    """

    def __init__(self, settings: Settings) -> None:
        self._files = _shipped(f'<base href="{settings.issuer_path}/console/">')

    async def handle(self, request: web.Request) -> web.Response:
        """A file; for who wants a page, the index; raises HTTPNotFound."""
        name = request.match_info.get("name", "")
        found = self._files.get(name)
        if found is None and (not name or "text/html" in request.headers.get("Accept", "")):
            name, found = INDEX, self._files[INDEX]
        if found is None:
            raise web.HTTPNotFound
        response = _unchanged() if _is_known(request, found.etag) else _sent(found)
        response.headers.update(_INDEX_HEADERS if name == INDEX else _HEADERS)
        response.etag = ETag(found.etag)
        return response


@cache
def _shipped(base: str) -> Mapping[str, ConsoleFile]:
    """In memory once, whichever ports it is served at."""
    return read_files(resources.files("apogee_idp.console"), base=base)


def read_files(directory: Traversable, *, base: str) -> Mapping[str, ConsoleFile]:
    """Every file that may be served, by its name below ``directory``; the index with ``base``."""
    files = {}
    for name, file in _found(directory):
        content = file.read_bytes()
        if name == INDEX:
            content = content.replace(_BASE.encode(), base.encode())
        ending = _ending(name)
        charset = "utf-8" if ending in _TEXTS else None
        digest = hashlib.sha256(content).hexdigest()
        files[name] = ConsoleFile(content, MEDIA_TYPES[ending], charset, digest)
    return MappingProxyType(files)


def _found(directory: Traversable, above: str = "") -> Iterator[tuple[str, Traversable]]:
    for item in directory.iterdir():
        name = above + item.name
        if item.name.startswith((".", "_")):
            continue
        if item.is_dir():
            yield from _found(item, f"{name}/")
        elif _ending(name) in MEDIA_TYPES and not name.endswith(_TEST):
            yield name, item


def _ending(name: str) -> str:
    return "." + name.rpartition(".")[2]


def _is_known(request: web.Request, etag: str) -> bool:
    """RFC 9110 §13.1.2; weak or not is all the same there."""
    known = request.if_none_match or ()
    return any(tag.value in (etag, "*") for tag in known)


def _unchanged() -> web.Response:
    return web.Response(status=304)


def _sent(file: ConsoleFile) -> web.Response:
    return web.Response(body=file.content, content_type=file.media_type, charset=file.charset)
