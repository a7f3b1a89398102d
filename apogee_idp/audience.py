"""For whom a token is: the one decision that the pipeline and the command line share."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from .errors import InvalidScope, InvalidTarget
from .model import Client, could_pass_for_id_token, is_resource


@dataclass(frozen=True, slots=True)
class Addressed:
    """The scopes of a token once its audience is known, and that audience; never empty."""

    scopes: tuple[str, ...]
    audience: tuple[str, ...]


def choose_audience(
    client: Client,
    resources_of: Mapping[str, Sequence[str]],
    *,
    wanted: Sequence[str] = (),
    scopes_were_asked: bool = False,
) -> Addressed:
    """The resources behind the granted scopes, narrowed by ``resource`` (RFC 8707 §2.2).

    ``resources_of`` has each granted scope with its resources, in order; ``wanted`` is what the
    request names as ``resource``. Without any resource: the client's default audience; without
    that, its client_id. Default scopes that a resource leaves no room for are dropped, scopes that
    were asked for never are.

    Raises InvalidTarget for a resource that is unknown or outside the scopes, for several where
    the client's tokens are for one, and for a token that could pass for an id_token; InvalidScope
    for a scope outside the resources.
    """
    if wanted:
        addressed = _narrowed(client, resources_of, wanted, scopes_were_asked)
    else:
        audience = _distinct(resources_of) or (client.default_audience or client.client_id,)
        addressed = Addressed(tuple(resources_of), audience)
    _check(client, addressed.audience)
    return addressed


def _narrowed(
    client: Client,
    resources_of: Mapping[str, Sequence[str]],
    wanted: Sequence[str],
    scopes_were_asked: bool,
) -> Addressed:
    known = _distinct(resources_of)
    if not known and client.default_audience:
        known = (client.default_audience,)
    if not all(is_resource(resource) and resource in known for resource in wanted):
        raise InvalidTarget("A resource is unknown, or outside the scopes of this client.")
    outside = {name for name, own in resources_of.items() if own and not {*own} & {*wanted}}
    if outside and scopes_were_asked:
        raise InvalidScope("A scope does not belong to the resource that was asked for.")
    scopes = tuple(name for name in resources_of if name not in outside)
    return Addressed(scopes, tuple(dict.fromkeys(wanted)))


def _check(client: Client, audience: tuple[str, ...]) -> None:
    profile = client.token_profile
    if profile.audience_shape == "single" and len(audience) > 1:
        raise InvalidTarget("This client's tokens are for one resource each: ask for one.")
    if could_pass_for_id_token(profile.typ, audience, client.client_id):
        raise InvalidTarget("This client's tokens need a resource: ask for a scope with one.")


def _distinct(resources_of: Mapping[str, Iterable[str]]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(r for resources in resources_of.values() for r in resources))
