"""Addresses and methods that try to be something else than they are."""

from __future__ import annotations

import pytest

from tests.idp import Answer

from .raw import Raw, head, with_body
from .target import Target

TRICKS = (
    *("//connect/token", "/connect//token", "/connect/token/", "/connect/./token"),
    *("/connect/../connect/token", "/connect/x/../token", "/connect/%2e/token", "/./connect/token"),
    *("/connect/%2e%2e/connect/token", "/connect%2ftoken", "/connect%2Ftoken", "/connect\\token"),
    *("/connect/token;jsessionid=1", "/connect/token;", "/connect/token.", "/connect/token%20"),
    *(
        "/connect/token%00",
        "/connect/token%0d%0aX-Evil:%20y",
        "/connect/token%3F",
        "/connect/t%6fken/",
    ),
    *("/CONNECT/TOKEN", "/connect/token%252f", "/connect/%74oken%2f", "/connect/token%c0%af"),
    *("/api/v1/../connect/token", "/console/../connect/token", "/.well-known/../connect/token"),
    *("/console/%2e%2e/%2e%2e/etc/passwd", "/console/..%5c..%5cetc%5cpasswd", "/../etc/passwd"),
    *("/console/....//....//etc/passwd", "/console//etc/passwd", "/console/__init__.py"),
    *("/console/.hidden", "/console/vendor", "/console/vendor/", "/apogee.css/", "/apogee.css%00"),
    *("//evil.example", "//evil.example/%2e%2e", "/https://evil.example", "/\\evil.example"),
    *("/%", "/%zz", "/%ff", "/%e0%80%af", "/%ed%a0%80", "/%00", "/%0a", "/*", "/~"),
    *(
        "/connect/interaction/..%2f..",
        "/connect/interaction/%00",
        "/connect/interaction/" + "a" * 4000,
    ),
    *(
        "/connect/callback/..%2f",
        "/connect/external/x/y",
        "/account/../console",
    ),
    *("/api/v1", "/api/v1/", "/api/v2/clients", "/api/v1//clients", "/api/v1/clients/../keys"),
    *("/metrics", "/livez", "/readyz", "/server-status", "/.git/config", "/.env", "/actuator"),
)


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_A_HTTP_14_other_addresses_lead_nowhere(target: Target, method: str) -> None:
    """No normalising, no redirect, no file, no echo; the endpoint is at its own address alone."""
    for path in TRICKS:
        answer = asked(target, f"{method} {path} HTTP/1.1", target.form())
        assert answer.status in {400, 401, 404, 405, 410}, path
        assert "Location" not in answer.headers, path
        assert "X-Evil" not in answer.headers, path
        assert b"access_token" not in answer.body, path
        assert b"root:" not in answer.body, path
        assert b"evil" not in answer.body, path


@pytest.mark.parametrize(
    "line",
    [
        "GET http://evil.example/.well-known/openid-configuration HTTP/1.1",
        "GET //evil.example/.well-known/openid-configuration HTTP/1.1",
        "GET https://evil.example:99999/.well-known/openid-configuration HTTP/1.1",
        "GET http://evil.example\\@idp.example/.well-known/openid-configuration HTTP/1.1",
        "GET http://[::1/.well-known/openid-configuration HTTP/1.1",
        "GET evil.example:80 HTTP/1.1",
        "GET * HTTP/1.1",
        "OPTIONS * HTTP/1.1",
        "CONNECT evil.example:80 HTTP/1.1",
        "CONNECT /.well-known/jwks HTTP/1.1",
        "POST http://evil.example/connect/token HTTP/1.1",
        "GET http://evil.example/console/sign-in HTTP/1.1",
        "GET http://evil.example/account HTTP/1.1",
    ],
)
def test_A_HTTP_09_targets_of_other_forms(target: Target, line: str) -> None:
    """Whatever host is named, what is told has ours (RFC 9112 §3.2)."""
    answer = asked(
        target, line, b"", "X-Forwarded-Host: evil.example", "Forwarded: host=evil.example"
    )
    assert answer.status < 500
    assert b"evil" not in answer.body
    assert "evil" not in str(answer.headers)


ENDPOINTS = {
    "/connect/token": "POST",
    "/connect/introspect": "POST",
    "/connect/revoke": "POST",
    "/connect/par": "POST",
    "/connect/authorize": "GET POST",
    "/connect/userinfo": "GET POST OPTIONS",
    "/connect/logout": "GET POST",
    "/connect/signed-out": "GET HEAD",
    "/account": "GET POST",
    "/account/second-factor": "GET POST",
    "/console": "GET HEAD",
    "/.well-known/jwks": "GET HEAD",
    "/.well-known/openid-configuration": "GET HEAD",
    "/.well-known/oauth-authorization-server": "GET HEAD",
    "/apogee.css": "GET HEAD",
    "/": "GET HEAD",
}
METHODS = (
    *("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "CONNECT"),
    *("PROPFIND", "MKCOL", "MOVE", "LOCK", "SEARCH", "PURGE", "M-SEARCH", "LINK", "REPORT"),
)


@pytest.mark.parametrize("path", ENDPOINTS)
def test_A_HTTP_13_other_methods(target: Target, path: str) -> None:
    """405, with those that there are; TRACE gives nothing back, CONNECT opens nothing."""
    allowed = ENDPOINTS[path].split()
    for method in METHODS:
        if method in allowed:
            continue
        answer = asked(target, f"{method} {path} HTTP/1.1", target.form(), "X-Canary: zQ9")
        if method == "CONNECT":
            assert answer.status == 404  # its target is no path
            continue
        assert answer.status == 405, method
        assert set(answer.headers["Allow"].replace(",", " ").split()) == set(allowed), method
        assert b"zQ9" not in answer.body


@pytest.mark.parametrize(
    "header", ["X-HTTP-Method-Override", "X-HTTP-Method", "X-Method-Override", "_method"]
)
def test_A_HTTP_13_no_header_is_a_method(target: Target, header: str) -> None:
    """Nor a parameter."""
    line = "GET /connect/token?_method=POST HTTP/1.1"
    assert asked(target, line, target.form(), f"{header}: POST").status == 405


def asked(target: Target, line: str, body: bytes, *headers: str) -> Answer:
    """The answer to a request that begins with this line."""
    with Raw(target.port) as raw:
        sent = with_body(body, *headers, start=line) if body else head(*headers, start=line)
        raw.send(sent)
        answer = raw.answer(to=line.split(maxsplit=1)[0])
    assert answer is not None, line
    assert answer.status < 500, line
    return answer
