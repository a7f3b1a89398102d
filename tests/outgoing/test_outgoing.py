"""Requests to others: nothing private is reached, and no answer costs more than it may."""

from __future__ import annotations

import asyncio
import datetime as dt
import gzip
import json
import socket
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from aiohttp.abc import AbstractResolver, ResolveResult
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from apogee_idp.errors import OutgoingRefused
from apogee_idp.outgoing import MAXIMUM_ANSWER_BYTES, Outgoing
from apogee_idp.public_addresses import is_public_address
from tests.outgoing.raw_server import Answer, RawServer, endless, http, raw_server, sending

SET = {"keys": []}
BODY = json.dumps(SET).encode()
MARK = "what-the-other-side-said"
HEAD = b"HTTP/1.1 200 OK\r\n"
CHUNKED = HEAD + b"Transfer-Encoding: chunked\r\n\r\n"
PUBLIC = "93.184.215.14"


class Names(AbstractResolver):
    """Answers every name with these addresses, and keeps count."""

    def __init__(self, *answers: list[str]) -> None:
        self.answers = list(answers)
        self.asked: list[str] = []
        self.is_closed = False

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        self.asked.append(host)
        addresses = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        return [
            ResolveResult(hostname=host, host=a, port=port, family=family, proto=0, flags=0)
            for a in addresses
        ]

    async def close(self) -> None:
        self.is_closed = True


async def refusal(
    url: str, private_hosts: tuple[str, ...] = (), *, sends: bool = False, **options: Any
) -> str:
    """Why nothing is asked at ``url``, or, for what ``sends``, nothing is told there."""
    async with Outgoing(private_hosts, **options) as outgoing:
        with pytest.raises(OutgoingRefused) as caught:
            await (outgoing.send_form(url, {"a": "b"}) if sends else outgoing.get_json(url))
    assert caught.value.__cause__ is None
    assert caught.value.__suppress_context__ or caught.value.__context__ is None
    assert MARK not in str(caught.value)
    return str(caught.value)


async def refusal_of(answer: Answer) -> tuple[str, RawServer]:
    async with raw_server(answer) as server:
        return await refusal(server.url, ("localhost",)), server


@contextmanager
def within(seconds: float) -> Iterator[None]:
    loop = asyncio.get_running_loop()
    started = loop.time()
    yield
    assert loop.time() - started < seconds


@pytest.mark.parametrize(
    "url",
    [
        pytest.param("", id="nothing"),
        pytest.param("keys", id="no URL"),
        pytest.param("https:", id="no host"),
        pytest.param("https:///keys", id="an empty host"),
        pytest.param("https:host.example/keys", id="no authority"),
        pytest.param("//host.example/keys", id="no scheme"),
        pytest.param("file:///etc/passwd", id="file"),
        pytest.param("ftp://host.example/keys", id="ftp"),
        pytest.param("gopher://host.example/", id="gopher"),
        pytest.param("http://host.example/keys", id="plain http"),
        pytest.param("https://user@host.example/keys", id="a user"),
        pytest.param("https://user:password@host.example/keys", id="a password"),
        pytest.param("https://@host.example/keys", id="an empty user"),
        pytest.param("https://private.test@127.0.0.1/keys", id="a host as user"),
        pytest.param("https://host.example/keys#one", id="a fragment"),
        pytest.param("https://host.example/keys#", id="an empty fragment"),
        pytest.param("https://host.example:0x50/keys", id="a port in hexadecimal"),
        pytest.param("https://host.example:99999/keys", id="a port too high"),
        pytest.param("https://host.example\\@127.0.0.1/keys", id="a backslash"),
        pytest.param("https://host.example/a b", id="a space"),
        pytest.param("https://host.example/keys\r\nX: y", id="CR and LF"),
        pytest.param("https://host.example/keys\n", id="LF at the end"),
        pytest.param("https://host.example/\0", id="NUL"),
        pytest.param("https://höst.example/keys", id="an IDN in Unicode"),
        pytest.param("https://\uff11\uff12\uff17.0.0.1/keys", id="digits in full width"),
        pytest.param("https://127%2e0.0.1/keys", id="an escaped dot"),
        pytest.param("https://host.example/" + "k" * 2048, id="too long"),
        pytest.param("https://127.0.0.1/keys", id="loopback"),
        pytest.param("https://127.0.0.1./keys", id="loopback with a dot"),
        pytest.param("https://127.1/keys", id="loopback, shortened"),
        pytest.param("https://2130706433/keys", id="loopback as one number"),
        pytest.param("https://0x7f.1/keys", id="loopback, half hexadecimal"),
        pytest.param("https://0x7f000001/keys", id="loopback in hexadecimal"),
        pytest.param("https://0177.0.0.1/keys", id="loopback in octal"),
        pytest.param("https://127.0.0.0x1/keys", id="loopback, the end hexadecimal"),
        pytest.param("https://1.1.1.01/keys", id="a leading zero"),
        pytest.param("https://0.0.0.0/keys", id="unspecified"),
        pytest.param("https://10.0.0.1/keys", id="10/8"),
        pytest.param("https://172.16.0.1/keys", id="172.16/12"),
        pytest.param("https://192.168.0.1/keys", id="192.168/16"),
        pytest.param("https://169.254.169.254/latest/", id="link-local: metadata of a cloud"),
        pytest.param("https://100.64.0.1/keys", id="carrier-grade NAT"),
        pytest.param("https://192.0.0.9/keys", id="IETF assignments"),
        pytest.param("https://192.88.99.1/keys", id="6to4 relay"),
        pytest.param("https://198.18.0.1/keys", id="benchmarks"),
        pytest.param("https://224.0.0.1/keys", id="multicast"),
        pytest.param("https://240.0.0.1/keys", id="reserved"),
        pytest.param("https://255.255.255.255/keys", id="broadcast"),
        pytest.param("https://[::1]/keys", id="IPv6 loopback"),
        pytest.param("https://[::]/keys", id="IPv6 unspecified"),
        pytest.param("https://[::ffff:127.0.0.1]/keys", id="mapped loopback"),
        pytest.param("https://[::ffff:7f00:1]/keys", id="mapped loopback, hexadecimal"),
        pytest.param("https://[::127.0.0.1]/keys", id="compatible loopback"),
        pytest.param("https://[64:ff9b::7f00:1]/keys", id="NAT64"),
        pytest.param("https://[64:ff9b:1::7f00:1]/keys", id="local NAT64"),
        pytest.param("https://[2002:7f00:1::]/keys", id="6to4"),
        pytest.param("https://[2001:0:7f00:1::]/keys", id="Teredo"),
        pytest.param("https://[2001:db8::1]/keys", id="IPv6 documentation"),
        pytest.param("https://[3fff::1]/keys", id="newer IPv6 documentation"),
        pytest.param("https://[fe80::1]/keys", id="IPv6 link-local"),
        pytest.param("https://[fe80::1%25eth0]/keys", id="a zone"),
        pytest.param("https://[fec0::1]/keys", id="IPv6 site-local"),
        pytest.param("https://[fd00::1]/keys", id="IPv6 private"),
        pytest.param("https://[ff0e::1]/keys", id="IPv6 multicast"),
        pytest.param("https://[v1.fe80]/keys", id="an address of the future"),
    ],
)
async def test_A_CA_06_urls_that_are_never_asked(url: str) -> None:
    """Refused before any name is looked up; and nothing is sent there."""
    names = Names([PUBLIC])
    for sends in (False, True):
        await refusal(url, ("private.test",), sends=sends, resolver=lambda: names)
    assert names.asked == []


@pytest.mark.parametrize("address", [PUBLIC, "1.1.1.1", "2606:4700::1111", "2a00:1450::1"])
def test_public_addresses_are_public(address: str) -> None:
    """Else nobody could be asked at all."""
    assert is_public_address(address)


@pytest.mark.parametrize("text", ["", "localhost", "1.1.1", "01.1.1.1", "2606:4700::1111%1"])
def test_what_is_no_usual_address_is_not_public(text: str) -> None:
    """Zones and other spellings included."""
    assert not is_public_address(text)


async def test_a_private_host_may_be_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    """Over plain HTTP, by a plain request: no proxy, no cookie, nothing compressed."""
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    async with (
        raw_server(http(BODY, "200 OK", "Set-Cookie: a=b", "Content-Type: text/html")) as server,
        Outgoing({"localhost"}) as outgoing,
    ):
        assert await outgoing.get_json(server.url + "?a=%20b") == SET
        assert await outgoing.get_json(server.url) == SET
    first, second = server.heads
    assert first.startswith("GET /keys?a=%20b HTTP/1.1\r\n")
    headers = dict(line.split(": ", 1) for line in second.splitlines()[1:] if line)
    assert headers.pop("Host") == f"localhost:{server.port}"
    assert headers.pop("Connection") == "close"
    assert headers == {
        "Accept": "application/json",
        "Accept-Encoding": "identity",
        "User-Agent": "apogee-idp",
    }


async def test_a_private_address_may_be_asked() -> None:
    """If the operator names it as it stands in the URL, and for no other spelling."""
    async with raw_server(http(BODY)) as server, Outgoing({"127.0.0.1"}) as outgoing:
        assert await outgoing.get_json(f"http://127.0.0.1:{server.port}/") == SET
        for host in ("localhost", "127.1", "[::ffff:127.0.0.1]", "127.0.0.1.", "0.0.0.0"):
            with pytest.raises(OutgoingRefused):
                await outgoing.get_json(f"http://{host}:{server.port}/")
    assert server.connections == 1


@pytest.mark.parametrize("host", ["localhost", "LOCALHOST", "localhost."])
async def test_A_CA_06_a_name_for_loopback_is_not_connected_to(host: str) -> None:
    """As the system resolves it."""
    async with raw_server(http(BODY)) as server:
        await refusal(f"https://{host}:{server.port}/keys")
    assert server.connections == 0


@pytest.mark.parametrize(
    "addresses",
    [
        pytest.param(["127.0.0.1"], id="loopback"),
        pytest.param(["169.254.169.254"], id="metadata of a cloud"),
        pytest.param([PUBLIC, "127.0.0.1"], id="a private one after a public one"),
        pytest.param(["127.0.0.1", PUBLIC], id="a private one before a public one"),
        pytest.param([PUBLIC, "::1"], id="a private one of the other family"),
        pytest.param(["::ffff:127.0.0.1"], id="a mapped one"),
        pytest.param(["fe80::1%lo"], id="one with a zone"),
        pytest.param(["localhost"], id="another name"),
        pytest.param([], id="none"),
    ],
)
async def test_A_CA_06_a_name_with_any_private_address_is_refused(addresses: list[str]) -> None:
    """Decided by what is connected to, so the URL may look as it likes."""
    names = Names(addresses)
    async with raw_server(http(BODY)) as server:
        for sends in (False, True):
            await refusal(
                f"https://keys.example:{server.port}/", sends=sends, resolver=lambda: names
            )
    assert (names.asked, server.connections) == (["keys.example"] * 2, 0)
    assert names.is_closed


async def test_A_CA_06_rebinding_does_not_help(monkeypatch: pytest.MonkeyPatch) -> None:
    """One look-up for a connection, and none is remembered: its addresses are the ones used."""
    names = Names([PUBLIC], ["127.0.0.1"])
    connected: list[Any] = []

    async def unreachable(loop: Any, sock: socket.socket, address: Any) -> None:
        connected.append(address)
        raise ConnectionRefusedError

    loop = asyncio.get_running_loop()
    monkeypatch.setattr(type(loop), "sock_connect", unreachable)
    async with Outgoing((), resolver=lambda: names) as outgoing:
        for _ in range(2):
            with pytest.raises(OutgoingRefused):
                await outgoing.get_json("https://keys.example/")
    assert connected == [(PUBLIC, 443)]
    assert len(names.asked) == 2


@pytest.mark.parametrize("status", [201, 204, 301, 302, 303, 307, 308, 304, 400, 404, 500, 503])
async def test_A_CA_06_no_status_but_200_will_do(status: int) -> None:
    """Redirects least of all: they are not followed."""
    async with raw_server(http(BODY)) as target:
        text, server = await refusal_of(
            http(
                b"" if status in (204, 304) else BODY, f"{status} {MARK}", f"Location: {target.url}"
            )
        )
    assert str(status) in text
    assert (server.connections, target.connections) == (1, 0)


async def test_A_CA_06_a_form_is_not_sent_on() -> None:
    """Whoever is told where else it could go only hears that it was a redirect."""
    async with raw_server(http(BODY)) as target:
        redirect = http(b"", "307 Elsewhere", f"Location: {target.url}")
        async with raw_server(redirect) as server, Outgoing({"localhost"}) as outgoing:
            assert await outgoing.send_form(server.url, {"a": "b"}) == 307
    assert (server.connections, target.connections) == (1, 0)


async def test_A_CA_06_a_chain_of_early_hints_ends() -> None:
    """Answers before the answer take from the same 3 seconds."""
    early = b"HTTP/1.1 103 Early Hints\r\n\r\n"
    with within(6):
        text, _ = await refusal_of(endless(early, early, pause=0.01))
    assert "3 seconds" in text


@pytest.mark.parametrize(
    "answer",
    [
        pytest.param(endless(CHUNKED, b"4000\r\n" + b"a" * 0x4000 + b"\r\n"), id="chunked"),
        pytest.param(endless(HEAD + b"\r\n", b"a" * 0x4000), id="until the connection ends"),
        pytest.param(
            endless(HEAD + b"Content-Length: 1073741824\r\n\r\n", b"a" * 0x4000), id="1 GiB"
        ),
        pytest.param(http(b"a" * (MAXIMUM_ANSWER_BYTES + 1)), id="one byte too many"),
    ],
)
async def test_A_CA_06_an_answer_is_read_to_64_KiB(answer: Answer) -> None:
    """Then the connection is closed, whatever length it claims."""
    with within(3):
        text, _ = await refusal_of(answer)
    assert str(MAXIMUM_ANSWER_BYTES) in text


async def test_an_answer_of_64_KiB_is_read() -> None:
    """Of that size exactly, in one chunk."""
    body = b'{"keys": []}'.ljust(MAXIMUM_ANSWER_BYTES)
    answer = sending(CHUNKED + b"10000\r\n" + body + b"\r\n0\r\n\r\n")
    async with raw_server(answer) as server, Outgoing({"localhost"}) as outgoing:
        assert await outgoing.get_json(server.url) == SET


@pytest.mark.parametrize(
    "answer",
    [
        pytest.param(endless(b"", b"", pause=0.05), id="nothing"),
        pytest.param(endless(HEAD, b"X: y\r\n", pause=0.05), id="headers"),
        pytest.param(endless(HEAD + b"\r\n", b" ", pause=0.05), id="the body"),
        pytest.param(endless(CHUNKED, b"1\r\n \r\n", pause=0.05), id="chunks"),
    ],
)
async def test_A_CA_06_an_answer_in_drops_is_given_up(answer: Answer) -> None:
    """After 3 seconds in all, however steadily it drips."""
    with within(6):
        text, _ = await refusal_of(answer)
    assert "3 seconds" in text


@pytest.mark.parametrize(
    "answer",
    [
        pytest.param(http(b""), id="nothing"),
        pytest.param(http(MARK.encode()), id="no JSON"),
        pytest.param(http(json.dumps([MARK]).encode()), id="a list"),
        pytest.param(http(b'{"keys": [], "keys": ["%s"]}' % MARK.encode()), id="a repeated name"),
        pytest.param(http(b'{"%s": NaN}' % MARK.encode()), id="NaN"),
        pytest.param(http(b"\xff\xfe{\0}\0"), id="UTF-16"),
        pytest.param(http(b"[" * 60_000), id="deep"),
        pytest.param(http(gzip.compress(BODY), "200 OK", "Content-Encoding: gzip"), id="gzip"),
        pytest.param(http(BODY, "200 OK", "Content-Encoding: identity"), id="identity"),
        pytest.param(http(gzip.compress(BODY)), id="gzip in disguise"),
        pytest.param(sending(b""), id="an end"),
        pytest.param(sending(MARK.encode() + b"\r\n\r\n"), id="no HTTP"),
        pytest.param(sending(HEAD + b"Content-Length: 99\r\n\r\n{}"), id="less than was said"),
        pytest.param(sending(HEAD + b"Content-Length: x\r\n\r\n{}"), id="a broken length"),
        pytest.param(sending(CHUNKED + b"x\r\n{}\r\n0\r\n\r\n"), id="broken chunks"),
        pytest.param(sending(CHUNKED + b"2\r\n{}\r\n"), id="chunks without end"),
        pytest.param(sending(HEAD + b"X: " + b"a" * 100_000 + b"\r\n\r\n{}"), id="a long header"),
    ],
)
async def test_A_CA_06_garbage_is_refused_without_repeating_it(answer: Answer) -> None:
    """Whatever comes back, the caller sees one kind of error."""
    await refusal_of(answer)


async def test_a_host_that_is_not_there_is_refused() -> None:
    """Nobody listens, or the name does not exist."""
    async with raw_server(http(BODY)) as server:
        pass
    assert "connection" in await refusal(server.url, ("localhost",))
    host = "nobody.invalid"
    assert "name" in await refusal(f"http://{host}/", (host,))
    long = "a" * 70 + ".example"
    await refusal(f"http://{long}/", (long,))


async def test_at_most_8_requests_go_out_at_once() -> None:
    """The others wait their turn, and get it."""
    arrived, proceed = asyncio.Semaphore(0), asyncio.Event()
    now, most = 0, 0

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal now, most
        now += 1
        most = max(now, most)
        arrived.release()
        await proceed.wait()
        now -= 1
        await http(BODY)(reader, writer)

    async with raw_server(answer) as server, Outgoing({"localhost"}) as outgoing:
        gets = [asyncio.ensure_future(outgoing.get_json(server.url)) for _ in range(20)]
        for _ in range(8):
            await arrived.acquire()
        proceed.set()
        assert await asyncio.gather(*gets) == [SET] * 20
    assert most == 8


async def test_nothing_is_asked_after_the_end() -> None:
    """And what is on its way ends."""
    arrived = asyncio.Event()

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        arrived.set()
        await endless(b"", b"", pause=0.05)(reader, writer)

    async with raw_server(answer) as server:
        outgoing = Outgoing({"localhost"})
        on_its_way = asyncio.ensure_future(outgoing.get_json(server.url))
        await arrived.wait()
        await outgoing.close()
        await outgoing.close()
        for get in (on_its_way, outgoing.get_json(server.url)):
            with pytest.raises(OutgoingRefused):
                await get
    assert server.connections == 1


async def test_a_caller_who_gives_up_is_not_told_it_was_refused() -> None:
    """Cancellation stays what it is."""
    silence = endless(b"", b"", pause=0.05)
    async with raw_server(silence) as server, Outgoing({"localhost"}) as outgoing:
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(outgoing.get_json(server.url), 0.05)


def self_signed(folder: Path, name: str) -> Path:
    """A certificate for ``name`` with its key, in one PEM file."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)])
    today = dt.datetime.now(dt.UTC)
    certificate = (
        x509.CertificateBuilder(subject, subject, key.public_key(), x509.random_serial_number())
        .not_valid_before(today - dt.timedelta(days=1))
        .not_valid_after(today + dt.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), critical=False)
        .sign(key, hashes.SHA256())
    )
    file = folder / "server.pem"
    file.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
        + certificate.public_bytes(serialization.Encoding.PEM)
    )
    return file


@pytest.mark.parametrize("name", ["localhost", "elsewhere.example"])
async def test_https_needs_a_certificate_of_that_host(tmp_path: Path, name: str) -> None:
    """From an authority that is trusted: private hosts are no exception."""
    file = self_signed(tmp_path, name)
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(file)
    trusting = ssl.create_default_context(cafile=str(file))
    async with raw_server(http(BODY), tls) as server:
        url = f"https://localhost:{server.port}/keys"
        assert "certificate" in await refusal(url, ("localhost",))
        if name == "localhost":
            async with Outgoing({"localhost"}, tls=trusting) as outgoing:
                assert await outgoing.get_json(url) == SET
        else:
            assert "certificate" in await refusal(url, ("localhost",), tls=trusting)


async def test_plain_http_where_https_is_expected_is_refused() -> None:
    """Never the other way round in silence."""
    async with raw_server(http(BODY)) as server:
        text = await refusal(f"https://localhost:{server.port}/", ("localhost",))
    assert "TLS" in text
