"""What every provider is asked in the same way."""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import quote, urlencode, urlsplit

from ..errors import OutgoingRefused
from ..outgoing import Outgoing
from .model import Departure, ExternalSignInFailed, IdentityProvider

_ERROR = re.compile(r"[a-z_]{1,64}")


def departure_url(
    endpoint: str, provider: IdentityProvider, departure: Departure, **more: str
) -> str:
    """An authorization request (RFC 6749 §4.1.1) with PKCE (RFC 7636 §4.3)."""
    digest = hashlib.sha256(departure.verifier.encode("ascii")).digest()
    parameters = {
        "response_type": "code",
        "client_id": provider.client_id,
        "redirect_uri": departure.redirect_uri,
        "scope": " ".join(provider.scopes),
        "state": departure.state,
        "code_challenge": base64.urlsafe_b64encode(digest).rstrip(b"=").decode("ascii"),
        "code_challenge_method": "S256",
        **more,
    }
    glue = "&" if urlsplit(endpoint).query else "?"
    return endpoint + glue + urlencode(parameters, quote_via=quote)


def code_in(parameters: Mapping[str, str]) -> str:
    """The code that came back; raises ExternalSignInFailed if something else did."""
    code = parameters.get("code", "")
    if "error" in parameters or not code:
        raise ExternalSignInFailed(f"the provider gives no code{said(parameters)}")
    return code


def said(answer: Mapping[str, Any]) -> str:
    """The ``error`` in ``answer`` (RFC 6749 §4.1.2.1, §5.2) for the log, if it is one."""
    error = answer.get("error")
    return f": {error}" if isinstance(error, str) and _ERROR.fullmatch(error) else ""


def check_issuer(parameters: Mapping[str, str], issuer: str, *, is_promised: bool) -> None:
    """RFC 9207 §2.4: an answer of another provider is none of this one."""
    if parameters.get("iss", None if is_promised else issuer) != issuer:
        raise ExternalSignInFailed("the answer is of another issuer")


async def redeem(
    outgoing: Outgoing,
    endpoint: str,
    provider: IdentityProvider,
    form: Mapping[str, str],
    *,
    basic: bool,
) -> dict[str, Any]:
    """The token response (RFC 6749 §4.1.4); raises ExternalSignInFailed."""
    whole = {"grant_type": "authorization_code", "client_id": provider.client_id, **form}
    headers = {}
    if basic:
        pair = f"{quote(provider.client_id, safe='')}:{quote(provider.client_secret, safe='')}"
        headers["Authorization"] = "Basic " + base64.b64encode(pair.encode()).decode("ascii")
    else:
        whole["client_secret"] = provider.client_secret
    return await asked(outgoing, endpoint, form=whole, headers=headers)


async def asked(
    outgoing: Outgoing,
    url: str,
    *,
    form: Mapping[str, str] | None = None,
    headers: Mapping[str, str] | None = None,
) -> dict[str, Any]:
    """The JSON object at ``url``; raises ExternalSignInFailed."""
    try:
        return await outgoing.get_json(url, form=form, headers=headers)
    except OutgoingRefused as error:
        host = urlsplit(url).hostname
        raise ExternalSignInFailed(f"{host}: {error}") from None


def bearer(token: str) -> dict[str, str]:
    """RFC 6750 §2.1."""
    return {"Authorization": f"Bearer {token}"}
