"""Malformed and hostile requests to the token endpoint: a clear 4xx, never a 5xx, no echo."""

from __future__ import annotations

import gzip
import json

import pytest

from apogee_idp.web.wire import MAXIMUM_BODY_BYTES, MAXIMUM_PARAMETERS
from tests.idp import FORM, Answer, Idp

CANARY = "zQ9canary"
GOOD = f"grant_type=client_credentials&client_id=billing&client_secret={CANARY}"
DESCRIPTION = set(map(chr, [0x20, 0x21, *range(0x23, 0x5C), *range(0x5D, 0x7F)]))


def check_refusal(answer: Answer, status: int | None = None, error: str | None = None) -> None:
    """What every OAuth error must look like (RFC 6749 §5.2): R-TE-09, R-TE-11, R-TE-12."""
    assert 400 <= answer.status < 500, (answer.status, answer.body)
    assert answer.headers["Content-Type"].startswith("application/json")
    assert (answer.headers["Cache-Control"], answer.headers["Pragma"]) == ("no-store", "no-cache")
    assert "Set-Cookie" not in answer.headers
    assert set(answer.json) == {"error", "error_description"}
    assert set(answer.json["error_description"]) <= DESCRIPTION
    assert CANARY.encode() not in answer.body
    assert not any(CANARY in value for value in answer.headers.values())
    if answer.status == 401:
        assert answer.headers["WWW-Authenticate"].startswith("Basic realm=")
    if status is not None:
        assert (status, error) == (answer.status, answer.error)


def raw(
    body: bytes,
    *headers: str,
    content_type: str | None = FORM,
    line: str = "POST /connect/token HTTP/1.1",
) -> bytes:
    """A request, byte for byte."""
    head = [line, "Host: idp.example", f"Content-Length: {len(body)}", *headers]
    if content_type is not None:
        head.append(f"Content-Type: {content_type}")
    return "\r\n".join(head).encode("latin-1") + b"\r\n\r\n" + body


BODIES = [
    pytest.param(b"", 400, "invalid_request", id="A-TE empty body"),
    pytest.param(b"&&&", 400, "invalid_request", id="separators alone"),
    pytest.param(b"=", 400, "invalid_request", id="an empty name alone"),
    pytest.param(b"\xff\xfe\x00", 400, "invalid_request", id="A-HTTP-02 raw bytes"),
    pytest.param(GOOD.encode() + b"\xff", 400, "invalid_request", id="A-HTTP-02 raw byte in value"),
    pytest.param(f"{GOOD}%ff".encode(), 400, "invalid_request", id="A-HTTP-02 escaped bad UTF-8"),
    pytest.param(
        f"{GOOD}%ed%a0%80".encode(), 400, "invalid_request", id="A-HTTP-02 lone surrogate"
    ),
    pytest.param(f"{GOOD}%c0%af".encode(), 400, "invalid_request", id="overlong UTF-8"),
    pytest.param(f"{GOOD}%".encode(), 400, "invalid_request", id="escape cut off"),
    pytest.param(f"{GOOD}%4".encode(), 400, "invalid_request", id="escape cut in half"),
    pytest.param(f"{GOOD}%zz".encode(), 400, "invalid_request", id="escape of no digits"),
    pytest.param(f"{GOOD}%u0041".encode(), 400, "invalid_request", id="escape of another kind"),
    pytest.param(f"{GOOD}%00".encode(), 400, "invalid_request", id="A-HTTP-06 NUL escaped"),
    pytest.param(GOOD.encode() + b"\0", 400, "invalid_request", id="A-HTTP-06 NUL raw"),
    pytest.param(f"{GOOD}&a%00b=1".encode(), 400, "invalid_request", id="NUL in a name"),
    pytest.param(f"{GOOD}%0d%0aX-Evil:1".encode(), 401, "invalid_client", id="A-HTTP-06 CR LF"),
    pytest.param(
        f"{GOOD}&client_id=billing".encode(), 400, "invalid_request", id="A-TE-01 client_id twice"
    ),
    pytest.param(
        f"{GOOD}&grant_type=client_credentials".encode(), 400, "invalid_request", id="A-TE-01 grant"
    ),
    pytest.param(f"{GOOD}&scope=a&scope=b".encode(), 400, "invalid_request", id="A-TE-01 scope"),
    pytest.param(f"{GOOD}&scope=&scope=".encode(), 400, "invalid_request", id="two empty ones"),
    pytest.param(
        f"{GOOD}&x=1&x=1".encode(), 400, "invalid_request", id="R-TE-03 an unknown one twice"
    ),
    pytest.param(
        GOOD.replace("grant_type", "Grant_Type").encode(), 400, "invalid_request", id="A-TE-02 case"
    ),
    pytest.param(
        GOOD.replace("client_id", "client_id[$ne]").encode(),
        401,
        "invalid_client",
        id="F-DB-01 operator in the name",
    ),
    pytest.param(
        GOOD.replace("billing", '{"$ne":null}').encode(),
        401,
        "invalid_client",
        id="F-DB-01 operator in the value",
    ),
    pytest.param(
        GOOD.replace("client_id", "client_id[]").encode(), 401, "invalid_client", id="A-TE-02 array"
    ),
    pytest.param(
        GOOD.replace("billing", "x" * 5000).encode(), 401, "invalid_client", id="F-DB-02 long id"
    ),
    pytest.param(
        GOOD.replace("billing", "usr_billing").encode(), 401, "invalid_client", id="a user's id"
    ),
    pytest.param(
        GOOD.replace("billing", "%F0%9D%95%B3").encode(), 401, "invalid_client", id="A-SEC-05 id"
    ),
    pytest.param(
        GOOD.replace(CANARY, CANARY * 1500).encode(),
        401,
        "invalid_client",
        id="A-CA-03 long secret",
    ),
    pytest.param(
        b"&".join(b"p%d=1" % n for n in range(MAXIMUM_PARAMETERS + 1)),
        413,
        "invalid_request",
        id="A-HTTP-10 too many parameters",
    ),
    pytest.param(
        b"x=" + b"a" * MAXIMUM_BODY_BYTES, 413, "invalid_request", id="A-HTTP-10 body too large"
    ),
    pytest.param(b"a" * 1_000_000, 413, "invalid_request", id="A-HTTP-10 a megabyte"),
    pytest.param(
        json.dumps({"grant_type": "client_credentials"}).encode(),
        400,
        "invalid_request",
        id="A-HTTP-05 JSON as a form",
    ),
]


@pytest.mark.parametrize(("body", "status", "error"), BODIES)
async def test_bodies(idp: Idp, body: bytes, status: int, error: str) -> None:
    """Each malformed body is refused for what it is."""
    check_refusal(await idp.send_raw(raw(body)), status, error)


@pytest.mark.parametrize(
    "content_type",
    [
        pytest.param(None, id="R-TE-02 none"),
        pytest.param("", id="empty"),
        pytest.param("application/json", id="A-HTTP-05 JSON"),
        pytest.param("text/plain", id="text"),
        pytest.param("multipart/form-data", id="A-HTTP-03 multipart without boundary"),
        pytest.param(f"multipart/form-data; boundary={'b' * 100}", id="A-HTTP-03 long boundary"),
        pytest.param("multipart/form-data; boundary=x", id="A-HTTP-03 multipart"),
        pytest.param(f"{FORM}x", id="almost a form"),
        pytest.param(f"{FORM}; charset=bogus", id="A-HTTP-01 bogus"),
        pytest.param(f"{FORM}; charset=utf-16", id="A-HTTP-01 utf-16"),
        pytest.param(f"{FORM}; charset=utf-7", id="A-HTTP-01 utf-7"),
        pytest.param(f"{FORM}; charset=idna", id="A-HTTP-01 idna"),
        pytest.param(f"{FORM}; charset=iso-8859-1", id="A-HTTP-01 latin 1"),
        pytest.param(f"{FORM}; charset", id="a charset without value"),
        pytest.param(f"{FORM}; charset=utf-8; charset=utf-7", id="two charsets"),
        pytest.param(f"{FORM}; charset*=utf-7''x", id="an extended charset"),
        pytest.param(f"{FORM}, {FORM}", id="two types in one"),
        pytest.param(f";;;={CANARY}", id="garbage"),
        pytest.param(f"{FORM}\r\nContent-Type: {FORM}", id="two headers"),
    ],
)
async def test_content_types(idp: Idp, content_type: str | None) -> None:
    """R-TE-02: a form in UTF-8 and nothing else."""
    answer = await idp.send_raw(raw(GOOD.encode(), content_type=content_type))
    check_refusal(answer, 400, "invalid_request")


@pytest.mark.parametrize(
    "content_type",
    [f"{FORM};charset=UTF-8", f'{FORM} ; charset="utf-8"', FORM.upper(), f"{FORM}; x=y"],
)
async def test_the_usual_spellings_of_the_content_type_are_taken(
    idp: Idp, content_type: str
) -> None:
    """Clients send a charset, quotes and capitals."""
    secret = await idp.add_client()
    body = f"grant_type=client_credentials&client_id=billing&client_secret={secret}"
    answer = await idp.send_raw(raw(body.encode(), content_type=content_type))
    assert answer.status == 200


@pytest.mark.parametrize("encoding", ["gzip", "deflate", "br", "zstd", "identity", "bogus"])
@pytest.mark.parametrize("body", [b"garbage", gzip.compress(GOOD.encode())], ids=["bad", "good"])
async def test_A_HTTP_04_no_content_encoding_is_taken(idp: Idp, encoding: str, body: bytes) -> None:
    """Nothing is decompressed, so nothing can explode or break in there."""
    answer = await idp.send_raw(raw(body, f"Content-Encoding: {encoding}"))
    check_refusal(answer, 415, "invalid_request")


@pytest.mark.parametrize("method", ["GET", "HEAD", "PUT", "DELETE", "PATCH", "OPTIONS", "TRACE"])
async def test_R_TE_01_other_methods(idp: Idp, method: str) -> None:
    """405 with Allow, and never a grant."""
    answer = await idp.send(method, "/connect/token")
    assert (answer.status, answer.headers["Allow"]) == (405, "POST")
    if method != "HEAD":
        check_refusal(answer, 405, "invalid_request")


async def test_a_method_that_HTTP_does_not_know_is_a_400(idp: Idp) -> None:
    """Refused below the application, and in our words all the same."""
    answer = await idp.send_raw(raw(b"", line=f"{CANARY} /connect/token HTTP/1.1"))
    check_refusal(answer, 400, "invalid_request")


@pytest.mark.parametrize(
    "head",
    [
        pytest.param("Host: b", id="A-HTTP-08 two Host headers"),
        pytest.param("Content-Length: 1", id="A-HTTP-08 two lengths"),
        pytest.param("Transfer-Encoding: chunked", id="A-HTTP-08 length and chunks"),
        pytest.param(f"X {CANARY}: 1", id="A-HTTP-08 a space in a name"),
        pytest.param(f"X: {CANARY}\0", id="A-HTTP-06 a NUL"),
        pytest.param(f"X: {CANARY * 1200}", id="A-HTTP-08 a header of ten kilobytes"),
    ],
)
async def test_malformed_heads_are_refused_in_our_words(idp: Idp, head: str) -> None:
    """aiohttp would quote the bytes back."""
    answer = await idp.send_raw(raw(GOOD.encode(), head))
    check_refusal(answer, 400, "invalid_request")
    assert answer.headers["Server"] == "apogee-idp"


@pytest.mark.parametrize("path", ["/connect/token", "/", "/nope"])
async def test_an_expectation_that_nobody_meets(idp: Idp, path: str) -> None:
    """417 in our words; 100-continue is met."""
    refused = await idp.send_raw(
        raw(GOOD.encode(), f"Expect: {CANARY}", line=f"POST {path} HTTP/1.1")
    )
    check_refusal(refused, 417, "invalid_request")


async def test_two_expectations_are_both_read(idp: Idp) -> None:
    """In either order."""
    both = ["Expect: 100-continue", "Expect: foo"]
    for headers in (both, both[::-1]):
        check_refusal(await idp.send_raw(raw(GOOD.encode(), *headers)), 417, "invalid_request")


async def test_100_continue_is_met(idp: Idp) -> None:
    """curl sends it with larger bodies."""
    secret = await idp.add_client()
    body = f"grant_type=client_credentials&client_id=billing&client_secret={secret}"
    answer = await idp.send_raw(raw(body.encode(), "Expect: 100-continue"))
    assert answer.status == 100


async def test_a_transfer_encoding_of_another_kind_is_refused(idp: Idp) -> None:
    """Only chunks are undone."""
    head = raw(b"", "Transfer-Encoding: gzip, chunked").replace(b"Content-Length: 0\r\n", b"")
    check_refusal(await idp.send_raw(head + b"0\r\n\r\n"), 400, "invalid_request")


async def test_R_TE_01_the_query_string_is_never_read(idp: Idp) -> None:
    """Parameters count in the body alone; credentials in a URL are refused outright."""
    secret = await idp.add_client()
    form = {"Content-Type": FORM}
    by_query = await idp.send("POST", f"/connect/token?{GOOD}", headers=form, data="")
    check_refusal(by_query, 400, "invalid_request")
    escaped = await idp.send_raw(
        raw(GOOD.encode(), line="POST /connect/token?client%5Fsecret=x HTTP/1.1")
    )
    check_refusal(escaped, 400, "invalid_request")
    ignored = await idp.send(
        "POST",
        "/connect/token?scope=nonsense&grant_type=x",
        headers=form,
        data=f"grant_type=client_credentials&client_id=billing&client_secret={secret}",
    )
    assert ignored.status == 200


AUTHORIZATIONS = [
    pytest.param("Basic", 401, id="A-CA-01 the scheme alone"),
    pytest.param("Basic ", 401, id="A-CA-01 nothing behind it"),
    pytest.param("Basic !!!!", 401, id="A-CA-01 not base64"),
    pytest.param("Basic YQ", 401, id="A-CA-01 base64 without padding"),
    pytest.param("Basic YQ==", 401, id="A-CA-01 no colon"),
    pytest.param("Basic Og==", 401, id="A-CA-01 a colon alone"),
    pytest.param("Basic OnNlY3JldA==", 401, id="A-CA-01 empty id"),
    pytest.param("Basic YmlsbGluZzo=", 401, id="A-CA-01 empty secret"),
    pytest.param("Basic YTolJQ==", 401, id="R-TE-08 a broken escape"),
    pytest.param("Basic YTolMDA=", 401, id="an escaped NUL"),
    pytest.param("Basic YTr/", 401, id="A-CA-01 not UTF-8"),
    pytest.param("Basic é", 401, id="A-CA-01 not ASCII"),
    pytest.param("Basic\tYTpi", 401, id="A-CA-01 a tab"),
    pytest.param("Basic YTpi YTpi", 401, id="two credentials"),
    pytest.param(f"Basic {'QUFB' * 1800}", 401, id="A-CA-01 seven kilobytes"),
    pytest.param("Bearer", 401, id="A-CA-01 bare Bearer"),
    pytest.param(f"Bearer {CANARY}", 401, id="another scheme"),
    pytest.param("", 401, id="an empty header"),
    pytest.param("Basic YTpi\r\nAuthorization: Basic YTpi", 400, id="R-TE-07 two headers"),
]


@pytest.mark.parametrize(("header", "status"), AUTHORIZATIONS)
async def test_A_CA_01_authorization_headers(idp: Idp, header: str, status: int) -> None:
    """Whatever the header holds: 401 invalid_client, or 400 when there are two of them."""
    request = raw(b"grant_type=client_credentials", f"Authorization: {header}")
    error = "invalid_client" if status == 401 else "invalid_request"
    check_refusal(await idp.send_raw(request), status, error)


@pytest.mark.parametrize("scheme", ["Basic", "basic", "BASIC", "bAsIc"])
async def test_the_scheme_has_no_case(idp: Idp, scheme: str) -> None:
    """RFC 7617 §2."""
    from base64 import b64encode

    credentials = b64encode(f"billing:{await idp.add_client()}".encode()).decode()
    request = raw(b"grant_type=client_credentials", f"Authorization: {scheme} {credentials}")
    assert (await idp.send_raw(request)).status == 200


@pytest.mark.parametrize(
    ("form", "error"),
    [
        pytest.param({"client_secret": "x"}, "invalid_request", id="secret in the body too"),
        pytest.param(
            {"client_assertion": "x", "client_assertion_type": "y"},
            "invalid_request",
            id="assertion too",
        ),
        pytest.param({"client_id": "other"}, "invalid_request", id="another client_id"),
        pytest.param({"client_id": "billing"}, None, id="the same client_id is fine"),
        pytest.param({"client_secret": ""}, None, id="R-TE-04 an empty secret is none"),
    ],
)
async def test_R_TE_07_one_way_of_authentication(
    idp: Idp, form: dict[str, str], error: str | None
) -> None:
    """Basic and anything else together is refused, even if both are right."""
    secret = await idp.add_client()
    answer = await idp.ask({"grant_type": "client_credentials"} | form, basic=("billing", secret))
    if error is None:
        assert answer.status == 200
    else:
        check_refusal(answer, 400, error)


@pytest.mark.parametrize(
    "form",
    [
        pytest.param("", id="no client at all"),
        pytest.param("&client_id=billing", id="an id without secret"),
        pytest.param("&client_secret=x", id="a secret without id"),
        pytest.param("&client_assertion=x&client_assertion_type=y", id="an assertion"),
        pytest.param("&client_id=billing&client_assertion_type=y", id="half an assertion"),
    ],
)
async def test_no_usable_authentication_is_invalid_client(idp: Idp, form: str) -> None:
    """RFC 6749 §5.2: none included, or an unsupported method."""
    await idp.add_client()
    answer = await idp.ask(f"grant_type=client_credentials{form}")
    check_refusal(answer, 401, "invalid_client")


@pytest.mark.parametrize(
    "chunks",
    [
        pytest.param(b"zz\r\nabc\r\n0\r\n\r\n", id="a chunk size that is none"),
        pytest.param(b"5\r\nab", id="a chunk cut off"),
        pytest.param(b"-5\r\nabcde\r\n0\r\n\r\n", id="a negative chunk size"),
    ],
)
async def test_broken_chunks_never_reach_a_grant(idp: Idp, chunks: bytes) -> None:
    """aiohttp or we refuse them; a healthy request works meanwhile and afterwards."""
    import asyncio

    head = (
        "POST /connect/token HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n"
        f"Content-Type: {FORM}\r\n\r\n"
    )
    reader, writer = await asyncio.open_connection("127.0.0.1", idp.port)
    writer.write(head.encode() + chunks)
    writer.write_eof()
    response = await asyncio.wait_for(reader.read(), 15)
    writer.close()
    assert response == b"" or response.startswith(b"HTTP/1.1 400 ")
    assert (await idp.grant("billing", await idp.add_client())).status == 200


async def test_a_body_that_never_comes_is_given_up(start_idp) -> None:  # type: ignore[no-untyped-def]
    """A-HTTP-12: aiohttp itself would wait for ever."""
    idp = await start_idp(request_timeout=0.2)
    request = raw(b"grant_type=client_credentials").replace(b"Length: 29", b"Length: 30")
    check_refusal(await idp.send_raw(request), 408, "invalid_request")


async def test_A_HTTP_10_a_chunked_body_is_bounded_too(idp: Idp) -> None:
    """No Content-Length announces it; the answer comes before its end, and closes."""
    chunk = b"1000\r\n" + b"a" * 4096 + b"\r\n"
    head = raw(b"", "Transfer-Encoding: chunked").replace(b"Content-Length: 0\r\n", b"")
    answer = await idp.send_raw(head + chunk * 5)
    check_refusal(answer, 413, "invalid_request")
    assert answer.headers["Connection"] == "close"


async def test_bounds_are_exact(idp: Idp) -> None:
    """The largest body and the longest list that are taken."""
    secret = await idp.add_client()
    form = f"grant_type=client_credentials&client_id=billing&client_secret={secret}"
    padding = f"{form}&p=" + "a" * (MAXIMUM_BODY_BYTES - len(form) - 3)
    many = form + "".join(f"&p{n}=1" for n in range(MAXIMUM_PARAMETERS - 3))
    assert [(await idp.ask(body)).status for body in (padding, many)] == [200, 200]
    assert [(await idp.ask(body + "&q=1")).status for body in (padding, many)] == [413, 413]


async def test_A_TE_08_a_scope_of_thousands_is_refused_at_once(idp: Idp) -> None:
    """As many as a body holds."""
    secret = await idp.add_client()
    answer = await idp.grant("billing", secret, scope=" ".join(f"s{n}" for n in range(2500)))
    check_refusal(answer, 400, "invalid_scope")


async def test_A_HTTP_09_the_host_header_decides_nothing(idp: Idp) -> None:
    """R-MD-06: issuer and endpoints come from the settings."""
    headers = {"Host": "evil.example", "X-Forwarded-Host": "evil.example"}
    answer = await idp.send("GET", "/.well-known/openid-configuration", headers=headers)
    assert b"evil" not in answer.body


@pytest.mark.parametrize(
    "path", ["/nope", "//connect/token", "/connect/token/", "/connect/token%00", "/%2e%2e/x", "/;a"]
)
async def test_A_HTTP_14_other_paths_are_not_found(idp: Idp, path: str) -> None:
    """No normalising, no redirect, no echo."""
    answer = await idp.send_raw(raw(b"", line=f"POST {path} HTTP/1.1"))
    assert answer.status in {404, 405}
    assert "Location" not in answer.headers
    assert path.encode() not in answer.body


async def test_A_SEC_06_every_response_has_the_security_headers(idp: Idp) -> None:
    """Errors and unknown paths included; the server's make is not told."""
    for path in ("/", "/nope", "/connect/token", "/.well-known/jwks", "/apogee.css"):
        headers = (await idp.send("GET", path)).headers
        assert headers["X-Content-Type-Options"] == "nosniff"
        assert headers["Referrer-Policy"] == "no-referrer"
        assert "default-src 'none'" in headers["Content-Security-Policy"]
        assert "frame-ancestors 'none'" in headers["Content-Security-Policy"]
        assert headers["Server"] == "apogee-idp"
        assert len(headers["X-Request-Id"]) == 32
