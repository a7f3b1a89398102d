"""Forms in other media types, charsets and encodings, where browsers send them."""

from __future__ import annotations

import gzip

import pytest

from tests.idp import FORM

from .raw import Raw, with_body
from .target import Target

PAGES = ("/connect/authorize", "/connect/logout", "/connect/userinfo")
BODY = b"client_id=billing&access_token=%61&x=%C3%A9"


@pytest.mark.parametrize("path", PAGES)
@pytest.mark.parametrize(
    "media_type",
    [
        pytest.param("", id="A-HTTP-03 none"),
        pytest.param("multipart/form-data", id="A-HTTP-03 multipart without boundary"),
        pytest.param(f"multipart/form-data; boundary={'b' * 100}", id="A-HTTP-03 long boundary"),
        pytest.param("application/json", id="A-HTTP-05 JSON"),
        pytest.param("text/plain", id="A-HTTP-03 text"),
        pytest.param(f"{FORM}; charset=bogus", id="A-HTTP-01 bogus"),
        pytest.param(f"{FORM}; charset=utf-16", id="A-HTTP-01 utf-16"),
        pytest.param(f"{FORM}; charset=utf-7", id="A-HTTP-01 utf-7"),
        pytest.param(f"{FORM}; charset=idna", id="A-HTTP-01 idna"),
        pytest.param(f"{FORM}; charset=", id="A-HTTP-01 an empty charset"),
        pytest.param(f'{FORM}; charset="', id="A-HTTP-01 an open quote"),
        pytest.param(f"{FORM}; charset*=utf-7''x", id="A-HTTP-01 an extended charset"),
        pytest.param(f"{FORM}\r\nContent-Encoding: gzip", id="A-HTTP-04 gzip"),
        pytest.param(f"{FORM}\r\nContent-Encoding: bogus", id="A-HTTP-04 bogus"),
        pytest.param(f"{FORM}\r\nContent-Type: {FORM}", id="A-HTTP-01 two of them"),
    ],
)
@pytest.mark.parametrize("body", [BODY, b"\xff", gzip.compress(BODY)], ids=["form", "ff", "gzip"])
def test_what_is_no_form_in_utf_8(target: Target, path: str, media_type: str, body: bytes) -> None:
    """Is refused on a page, or counts for nothing; it is never taken for something else."""
    with Raw(target.port) as raw:
        start = f"POST {path} HTTP/1.1"
        raw.send(with_body(body, "Connection: close", start=start, media_type=media_type))
        (answer,) = raw.answers()
    assert answer.status in ({400, 401, 415} if path == "/connect/userinfo" else {400, 415})
    assert "Location" not in answer.headers
