"""The options of ``clients create`` that say how people come to the client and back."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, get_args

import click

from .errors import CommandRefused
from .model import AUTHORIZATION_CODE, CLIENT_CREDENTIALS, ApplicationType

CODE_FLOW_OPTIONS = (
    click.option(
        "--redirect-uri",
        "redirect_uris",
        multiple=True,
        help="Where people come back to after signing in; repeatable. Makes it a client of theirs.",
    ),
    click.option(
        "--post-logout-redirect-uri",
        "post_logout_redirect_uris",
        multiple=True,
        help="Where they may go after signing out; repeatable.",
    ),
    click.option(
        "--backchannel-logout-uri",
        help="Where it is told that somebody has signed out (OpenID Connect Back-Channel Logout).",
    ),
    click.option(
        "--public", "is_public", is_flag=True, help="It can keep no secret: a spa, a native one."
    ),
    click.option(
        "--application-type",
        type=click.Choice(get_args(ApplicationType)),
        help="native may come back to a loopback address or a scheme of its own.",
    ),
    click.option(
        "--offline-access",
        "allow_offline_access",
        is_flag=True,
        help="It may ask for refresh tokens.",
    ),
    click.option(
        "--require-second-factor",
        is_flag=True,
        help="Nobody comes to it by a password alone.",
    ),
    click.option(
        "--require-par",
        "require_pushed_authorization_requests",
        is_flag=True,
        help="It has to push its authorization requests (RFC 9126).",
    ),
    click.option("--without-pkce", is_flag=True, help="For old libraries that have a secret."),
)
_NEED_A_REDIRECT_URI = (
    *("post_logout_redirect_uris", "backchannel_logout_uri", "is_public", "application_type"),
    "require_second_factor",
    *("allow_offline_access", "require_pushed_authorization_requests", "without_pkce"),
)


def flow_of(options: Mapping[str, Any]) -> dict[str, Any]:
    """What they say of a registration; raises CommandRefused for what goes with no people."""
    if not options["redirect_uris"]:
        if any(options[name] for name in _NEED_A_REDIRECT_URI):
            raise CommandRefused("a client that people sign in to needs a --redirect-uri")
        return {"flow_type": CLIENT_CREDENTIALS}
    default = "spa" if options["is_public"] else "web"
    return {
        "flow_type": AUTHORIZATION_CODE,
        "client_type": "public" if options["is_public"] else "confidential",
        "application_type": options["application_type"] or default,
        "redirect_uris": options["redirect_uris"],
        "post_logout_redirect_uris": options["post_logout_redirect_uris"],
        "backchannel_logout_uri": options["backchannel_logout_uri"],
        "require_second_factor": options["require_second_factor"],
        "allow_offline_access": options["allow_offline_access"],
        "require_pkce": not options["without_pkce"],
        "require_pushed_authorization_requests": options["require_pushed_authorization_requests"],
    }
