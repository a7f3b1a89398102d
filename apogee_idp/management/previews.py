"""What a client's next token will look like: made by the handlers themselves, and good for nothing.

The request that they see has no credentials but a ``PreviewedClient``, for which the minter signs
and keeps nothing. What comes of it is described here, and thrown away.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from ..crypto.reading import parse_token
from ..errors import HandlerFault, InvalidToken, NotFound, OAuthError, UnusableEvent
from ..events import RESERVED_CLAIMS, ProcessSignIn
from ..model import CLIENT_CREDENTIALS
from ..pipeline import Registry
from ..presets import PRESETS, Preset, Subject, violations
from ..requests import PreviewedClient, PreviewedToken, TokenRequest
from ..services import Services
from .explanation import ExplainedStep, Explanation, readable

_Facts = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Preview:
    """A token as it would be, or why there would be none; and who did what for it."""

    token: _Facts | None
    refusal: _Facts | None
    verdicts: Sequence[_Facts]
    steps: Sequence[ExplainedStep]

    def facts(self) -> _Facts:
        """The same, for JSON."""
        return {
            "token": self.token,
            "refusal": self.refusal,
            "verdicts": list(self.verdicts),
            "handlers": [step.facts() for step in self.steps],
        }


class Previews:
    """Dispatches token requests that change nothing, as clients would send them."""

    def __init__(self, services: Services, registry: Registry) -> None:
        self._clients = services.clients
        self._registry = registry

    async def of(
        self, client_id: str, scopes: Sequence[str] = (), resources: Sequence[str] = ()
    ) -> Preview:
        """The preview of a request for these ``scopes`` and ``resources``, by its own grant.

        Raises NotFound for an unknown client, and StoreUnavailable.
        """
        if await self._clients.get(client_id) is None:
            raise NotFound(f"there is no client {client_id}")
        request = TokenRequest(
            CLIENT_CREDENTIALS,
            PreviewedClient(client_id),
            scope=" ".join(scopes) or None,
            resources=tuple(resources),
        )
        event, explanation = ProcessSignIn(request), Explanation()
        try:
            with self._registry.watched_by(explanation):
                await self._registry.dispatch(event)
            token, facts = _described(event)
        except (OAuthError, HandlerFault, UnusableEvent) as error:
            return Preview(None, _refusal(error, explanation), (), explanation.steps)
        subject = _subject(event, token, facts)
        verdicts = [_verdict(preset, subject) for preset in PRESETS.values()]
        return Preview(facts, None, verdicts, explanation.steps)


def _described(event: ProcessSignIn) -> tuple[PreviewedToken, _Facts]:
    token = event.access_token
    if not isinstance(token, PreviewedToken) or event.response is None:
        raise UnusableEvent("no token that was minted for a preview")
    layers = _layers(event, token)
    response = {"token_type": "Bearer", "expires_in": token.expires_in}
    if token.scope:
        response["scope"] = token.scope
    facts = {
        "format": layers[0]["kind"] if layers else "opaque",
        "size": len(token.value.encode()),
        "lifetime": token.expires_in,
        "scope": token.scope,
        "layers": layers,
        "claims": dict(token.claims),
        "response": response | readable(event.response.parameters),
    }
    return token, facts


def _layers(event: ProcessSignIn, token: PreviewedToken) -> list[_Facts]:
    """The outermost first; none for an opaque token."""
    if not token.signed:
        return []
    try:
        signed = {"kind": "jws", "header": dict(parse_token(token.signed).header)}
        if token.value == token.signed:
            return [signed]
        header = dict(parse_token(token.value).header)
    except InvalidToken as error:
        raise UnusableEvent(f"the token could not be read: {error.reason}") from None
    target = event.token_profile.encrypt_to
    return [{"kind": "jwe", "header": header, "encrypted_to": target}, signed]


def _subject(event: ProcessSignIn, token: PreviewedToken, facts: _Facts) -> Subject:
    """What the rules of the presets are asked about; of an opaque token, by its profile."""
    profile, claims, layers = event.token_profile, token.claims, facts["layers"]
    header = layers[-1]["header"] if layers else {}
    audience = claims["aud"]
    return Subject(
        issuer=claims["iss"],
        client_id=claims["sub"],
        audience=(audience,) if isinstance(audience, str) else tuple(audience),
        lifetime=token.expires_in,
        algorithm=header.get("alg", profile.signing_algorithm),
        typ=header.get("typ", profile.typ),
        encrypted_to=profile.encrypt_to if facts["format"] == "jwe" else None,
        reference=not layers,
        claims={name: value for name, value in claims.items() if name not in RESERVED_CLAIMS},
    )


def _verdict(preset: Preset, subject: Subject) -> _Facts:
    broken = violations(preset, subject)
    return {
        "preset": preset.name,
        "title": preset.title,
        "holds": not any(violation.rule.binding for violation in broken),
        "violations": [
            {
                "rule": violation.rule.name,
                "sentence": violation.rule.sentence,
                "is_binding": violation.rule.binding,
                "why": violation.why,
            }
            for violation in broken
        ],
    }


def _refusal(error: OAuthError | HandlerFault | UnusableEvent, by: Explanation) -> _Facts:
    told = {"error": "server_error", "description": str(error), "reason": ""}
    if isinstance(error, OAuthError):
        reason = error.reason or ""
        told = {"error": error.code, "description": error.description, "reason": reason}
    row = None if by.refused_by is None else by.refused_by.row
    handler, event = (row.name, row.event.__name__) if row else ("", "")
    return told | {"event": event, "handler": handler}
