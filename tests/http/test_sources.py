"""Where a request comes from, for whoever counts by that."""

from __future__ import annotations

import pytest
from aiohttp.test_utils import make_mocked_request
from multidict import CIMultiDict

from apogee_idp.web.sources import Sources

PROXIES = ("10.0.0.0/8", "2001:db8::/32")


@pytest.mark.parametrize(
    ("peer", "said", "expected"),
    [
        pytest.param("192.0.2.1", [], "192.0.2.1", id="nobody between"),
        pytest.param("192.0.2.1", ["1.1.1.1"], "192.0.2.1", id="no proxy of ours"),
        pytest.param("10.0.0.1", ["1.1.1.1"], "1.1.1.1", id="a proxy of ours"),
        pytest.param("10.0.0.1", ["6.6.6.6, 1.1.1.1"], "1.1.1.1", id="what the sender made up"),
        pytest.param("10.0.0.1", ["6.6.6.6", "1.1.1.1,10.0.0.2"], "1.1.1.1", id="two proxies"),
        pytest.param("10.0.0.1", ["10.0.0.3"], "10.0.0.3", id="a service behind the proxy"),
        pytest.param("10.0.0.1", [], "10.0.0.1", id="the proxy itself"),
        pytest.param("10.0.0.1", ["1.1.1.1, unknown"], "10.0.0.1", id="no address"),
        pytest.param("10.0.0.1", ["1.1.1.1:80"], "10.0.0.1", id="an address with a port"),
        pytest.param("::ffff:10.0.0.1", ["1.1.1.1"], "1.1.1.1", id="a mapped address"),
        pytest.param("2001:db8::1", ["2001:4860::1"], "2001:4860::1", id="IPv6"),
        pytest.param("", ["1.1.1.1"], "", id="no address at all"),
    ],
)
def test_A_AZ_14_a_source(peer: str, said: list[str], expected: str) -> None:
    """From the right, as far as proxies of ours have written it."""
    headers = CIMultiDict(("X-Forwarded-For", value) for value in said)
    request = make_mocked_request("GET", "/", headers=headers).clone(remote=peer)
    assert Sources(PROXIES).of(request) == expected
