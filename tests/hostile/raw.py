"""A client that sends whatever bytes it is told to, and takes answers apart by itself."""

from __future__ import annotations

import select
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Self

from multidict import CIMultiDict

from tests.idp import FORM, Answer

PATIENCE = 15.0
"""Seconds after which a server that says nothing has failed."""

_WITHOUT_BODY = frozenset({100, 204, 304})


def head(*lines: str, start: str = "POST /connect/token HTTP/1.1", media_type: str = FORM) -> bytes:
    """A head of these header lines, with Host and Content-Type before them."""
    whole = [start, "Host: idp.example", f"Content-Type: {media_type}", *lines, "", ""]
    return "\r\n".join(whole).encode("latin-1")


def with_body(body: bytes, *lines: str, **options: str) -> bytes:
    """The same with a Content-Length, and the body behind it."""
    return head(f"Content-Length: {len(body)}", *lines, **options) + body


def chunked(*chunks: bytes) -> bytes:
    """These chunks, and the one that ends them."""
    return b"".join(b"%x\r\n%b\r\n" % (len(chunk), chunk) for chunk in chunks) + b"0\r\n\r\n"


class Raw:
    """One connection."""

    def __init__(self, port: int, *, receive_buffer: int | None = None) -> None:
        self._socket = socket.socket()
        if receive_buffer is not None:
            self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
        self._socket.settimeout(PATIENCE)
        try:
            self._socket.connect(("127.0.0.1", port))
        except BaseException:
            self._socket.close()
            raise
        self._received = b""
        self.is_kept = True
        self.heard_at = 0.0

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """From this side."""
        self._socket.close()

    def send(self, data: bytes, *, within: float = PATIENCE) -> bool:
        """Whether the other side has not hung up; raises TimeoutError if it takes no more."""
        self._socket.settimeout(within)
        with suppress(ConnectionError):
            self._socket.sendall(data)
            return True
        return False

    def answer(self, *, to: str = "POST", within: float = PATIENCE) -> Answer | None:
        """The next one, to a request with this method; None if the connection ends before it."""
        self._socket.settimeout(within)
        headers = self._until(b"\r\n\r\n")
        if headers is None:
            return None
        status_line, *lines = headers.decode("latin-1").rstrip().split("\r\n")
        status = int(status_line.split()[1])
        fields: CIMultiDict[str] = CIMultiDict()
        for line in lines:
            name, _, value = line.partition(":")
            fields.add(name, value.strip())
        self.is_kept = status_line.startswith("HTTP/1.1") and fields.get("Connection") != "close"
        has_body = status not in _WITHOUT_BODY and to != "HEAD"
        size = int(fields.get("Content-Length", 0)) if has_body else 0
        while len(self._received) < size:
            if not self._receive():
                return None
        body, self._received = self._received[:size], self._received[size:]
        return Answer(status, fields, body)

    def final_answer(self, *, to: str, within: float = PATIENCE) -> Answer | None:
        """The next one that is not only interim; raises TimeoutError."""
        answer = self.answer(to=to, within=within)
        while answer is not None and answer.status < 200:
            answer = self.answer(to=to, within=within)
        return answer

    def finish(self, seconds: float) -> None:
        """Says that nothing more will come, if there is no answer after so many seconds."""
        readable, _, _ = select.select([self._socket], [], [], seconds)
        if not readable:
            self._socket.shutdown(socket.SHUT_WR)

    @property
    def has_no_more(self) -> bool:
        """Whether all that came was taken."""
        return not self._received

    def answers(self) -> list[Answer]:
        """All until the other side hangs up, which it has to."""
        return list(iter(self.answer, None))

    def seconds_until_closed(self, *, sending: bytes = b"", within: float = PATIENCE) -> float:
        """How long it takes until the other side hangs up, while ``sending`` goes on and on.

        Raises TimeoutError if it doesn't.
        """
        began = time.monotonic()
        while time.monotonic() < began + within:
            self._socket.settimeout(0.05)
            with suppress(TimeoutError):
                if not self._receive():
                    return time.monotonic() - began
            if sending:
                self.send(sending)
        raise TimeoutError("nobody has hung up")

    def _until(self, end: bytes) -> bytes | None:
        while end not in self._received:
            if not self._receive():
                return None
        found, _, self._received = self._received.partition(end)
        return found

    def _receive(self) -> bool:
        """Whether there was more; raises TimeoutError."""
        try:
            more = self._socket.recv(65536)
        except ConnectionError:
            return False
        self._received += more
        if more:
            self.heard_at = time.monotonic()
        return bool(more)


@contextmanager
def many(port: int, count: int) -> Iterator[list[Raw]]:
    """So many connections at once."""
    connections = [Raw(port) for _ in range(count)]
    try:
        yield connections
    finally:
        for connection in connections:
            connection.close()
