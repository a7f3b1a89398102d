"""Where a client may have people sent, by what kind of application it is."""

from __future__ import annotations

import re
from collections.abc import Iterable
from urllib.parse import SplitResult, parse_qsl, urlsplit

from ..errors import CommandRefused
from ..model import ApplicationType

MAXIMUM_URIS = 50
_MAXIMUM_CHARACTERS = 2000
_LOOPBACK = ("127.0.0.1", "::1")
_PRIVATE_USE_SCHEME = re.compile(r"[a-z][a-z0-9+-]*(\.[a-z0-9+-]+)+")


def check_redirect_uris(
    uris: Iterable[str], application_type: ApplicationType, *, field: str
) -> None:
    """Raises CommandRefused for a URI that would be a danger, or could never be asked for.

    ``field`` is the member that they stand in.
    They are compared character by character later (RFC 9700 §2.1), so nothing is normalised here.
    """
    known = list(uris)
    if len(known) > MAXIMUM_URIS or len(set(known)) != len(known):
        told = f"a client has at most {MAXIMUM_URIS} redirect URIs, each once"
        raise CommandRefused(told, field=field)
    for place, uri in enumerate(known):
        problem = _problem_of(uri, application_type)
        if problem:
            # Shown as far as it can be printed: it may be anything.
            told = f"the redirect URI {uri[:200]!a} {problem}"
            raise CommandRefused(told, field=f"{field}.{place}")


def _problem_of(uri: str, application_type: ApplicationType) -> str:
    try:
        url = urlsplit(uri)
        return (
            _problem_of_text(uri)
            or _problem_of_parts(url)
            or _problem_of_place(url, application_type)
        )
    except ValueError:
        return "is no URI"


def _problem_of_text(uri: str) -> str:
    if len(uri) > _MAXIMUM_CHARACTERS or not uri.isascii() or not uri.isprintable():
        return f"needs printable ASCII, at most {_MAXIMUM_CHARACTERS} characters"
    if any(character in uri for character in ' \\*#<>"'):
        return "has a space, a quote, <, >, \\, a wildcard * or a fragment #"
    return ""


def _problem_of_parts(url: SplitResult) -> str:
    """Raises ValueError for a port that is none."""
    if url.port == 0 or url.username is not None:
        return "has a user name or the port 0 in it"
    if any(name == "iss" for name, _ in parse_qsl(url.query, keep_blank_values=True)):
        return "has the parameter iss, which only the server adds (RFC 9207)"
    return ""


def _problem_of_place(url: SplitResult, application_type: ApplicationType) -> str:
    """RFC 8252 §7: a native one also has a loopback address, or a domain's reversed name."""
    if url.scheme == "https":
        return "" if url.hostname else "needs a host"
    if application_type != "native":
        return "needs https"
    is_loopback = url.scheme == "http" and url.hostname in _LOOPBACK
    if is_loopback or _PRIVATE_USE_SCHEME.fullmatch(url.scheme):
        return ""
    return "needs https, http://127.0.0.1, http://[::1], or a scheme like com.example.app"
