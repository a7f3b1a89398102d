"""What is told to those for whom there is no place, at the least cost."""

from __future__ import annotations

from aiohttp import web

from ..errors import TemporarilyUnavailable
from .middleware import SECURITY_HEADERS
from .wire import render_error


def _rendered() -> tuple[bytes, bytes]:
    """Head, to which a line may be added, and body."""
    response = render_error(TemporarilyUnavailable(reason="too many requests at once"))
    response.headers.update(SECURITY_HEADERS)
    body = str(response.text).encode()
    response.headers["Content-Length"] = str(len(body))
    lines = [f"HTTP/1.1 {response.status} {response.reason}"]
    lines += [f"{name}: {value}" for name, value in response.headers.items()]
    return "\r\n".join([*lines, ""]).encode("ascii"), body


_HEAD, _BODY = _rendered()


class Refusal(web.StreamResponse):
    """A 503 that was rendered once, and is only written: a flood of refused costs little.

    By aiohttp's own way an answer costs as much again as all the rest of its request.
    """

    async def prepare(self, request: web.BaseRequest) -> None:
        """Writes it; the connection goes on only if nothing of the request is left to come."""
        if not request.keep_alive or not request.content.is_eof():
            self.force_close()
        end = b"\r\n" if self.keep_alive else b"Connection: close\r\n\r\n"
        body = b"" if request.method == "HEAD" else _BODY
        if request.transport is not None:
            request.transport.write(_HEAD + end + body)
            await request.writer.drain()

    async def write_eof(self, data: bytes = b"") -> None:
        """There is nothing more."""

    @property
    def keep_alive(self) -> bool:
        """Whether the connection goes on: yes, unless it was forced to close."""
        return super().keep_alive is not False
