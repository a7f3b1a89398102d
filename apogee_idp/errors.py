"""Every error this project raises on purpose.

ApogeeError
├── OAuthError                 what a client is told (RFC 6749 §5.2, RFC 8707 §2)
│   ├── InvalidRequest         400 invalid_request
│   ├── InvalidClient          401 invalid_client
│   ├── InvalidGrant           400 invalid_grant
│   ├── UnauthorizedClient     400 unauthorized_client
│   ├── UnsupportedGrantType   400 unsupported_grant_type
│   ├── InvalidScope           400 invalid_scope
│   ├── InvalidTarget          400 invalid_target
│   ├── InvalidToken           401 invalid_token (RFC 6750 §3.1)
│   ├── InsufficientScope      403 insufficient_scope (RFC 6750 §3.1)
│   ├── AccessDenied           access_denied: the person said no (RFC 6749 §4.1.2.1)
│   ├── UnsupportedResponseType  unsupported_response_type
│   ├── RequestNotSupported    request_not_supported (OpenID Connect Core §6)
│   ├── RequestUriNotSupported request_uri_not_supported
│   ├── InteractionRequired    interaction_required: a person is needed (§3.1.2.6)
│   │   ├── LoginRequired      login_required
│   │   └── ConsentRequired    consent_required
│   ├── ServerError            500 server_error
│   └── TemporarilyUnavailable 503 temporarily_unavailable
│       ├── TooManyAttempts    429 temporarily_unavailable: too many have failed
│       └── TooManyRequests    429 temporarily_unavailable: too many are kept already
├── StoreError                 what a store could not do
│   ├── StoreUnavailable       no answer: a 503 for whoever asked
│   │   └── UnreadableDocument an answer that makes no sense
│   ├── AlreadyExists          the key is taken
│   ├── Conflict               somebody else changed the document first, or it is gone
│   └── InvalidDocument        not storable in every store alike
├── RegistryError              handlers or plugins do not fit together: refuses to start
├── HandlerFault               a handler failed in a way that is no OAuth decision: a 500
├── ReservedName               a plugin tried to set what only the core may set
├── NotYetKnown                a handler asked for what a later stage decides
├── UnusableEvent              handlers left something on an event that no token can be made of
├── KeyringError               signing or encryption keys can't be had
├── OutgoingRefused            another host may not be asked, or did not answer as it should
├── CommandRefused             a management command that breaks a rule: 422
│   ├── NotFound               what it is about isn't there: 404
│   ├── Duplicate              the name is taken: 409
│   ├── ChangedMeanwhile       somebody else was first: 412
│   ├── StateConflict          not as things stand now: 409
│   ├── KeptInFile             it is changed in a file alone: 409
│   └── Forbidden              not this actor's to command: 403
├── SignInRefused              wrong e-mail address or password, for whatever reason
├── TooManyFailures            a sign-in has to wait: says how long
├── WorkersFailed              the processes that serve don't stay alive: the end of all of them
└── SettingsError              the settings are not usable: refuses to start
"""

from __future__ import annotations

import re
from typing import ClassVar

_ERROR_CODE = re.compile("[a-z_]+")
_ERROR_STATUSES = range(400, 600)


class ApogeeError(Exception):
    """The root: its text is written by us and never holds a secret."""


class OAuthError(ApogeeError):
    """Refuses the request in progress; rendered in one place.

    ``description`` is one sentence for the client and must never repeat what the client sent.
    ``reason`` is for the log alone, so that answers can be alike where causes differ.
    """

    code: ClassVar[str] = "invalid_request"
    status: int = 400
    description: str = "The request was refused."
    reason: str = "no reason given"

    def __init_subclass__(cls) -> None:
        if not _ERROR_CODE.fullmatch(cls.code):
            raise TypeError(f"{cls.__name__}.code must be a lower-case OAuth error code")

    def __init__(
        self, description: str, *, reason: str | None = None, status: int | None = None
    ) -> None:
        super().__init__(description)
        self.description = str(description)
        self.reason = str(reason or description)
        if status is not None:
            self.status = status
        if self.status not in _ERROR_STATUSES:
            raise ValueError("an OAuth error has an HTTP status from 400 to 599")


class InvalidRequest(OAuthError):
    """A parameter is missing, repeated, malformed or mixed with another (RFC 6749 §5.2)."""


class InvalidClient(OAuthError):
    """Client authentication failed, for whatever reason: always the same answer."""

    code = "invalid_client"
    status = 401

    def __init__(self, *, reason: str) -> None:
        super().__init__("Client authentication failed.", reason=reason)


class InvalidGrant(OAuthError):
    """The code, refresh token or other grant is not usable by this client."""

    code = "invalid_grant"


class UnauthorizedClient(OAuthError):
    """The authenticated client may not use this endpoint or grant type."""

    code = "unauthorized_client"


class UnsupportedGrantType(OAuthError):
    """This server does not offer the grant type."""

    code = "unsupported_grant_type"


class InvalidScope(OAuthError):
    """The scope is malformed, unknown, or not this client's to ask for."""

    code = "invalid_scope"


class InvalidTarget(OAuthError):
    """The resource is malformed, missing, unknown, or outside the scopes (RFC 8707 §2)."""

    code = "invalid_target"


class InvalidToken(OAuthError):
    """A presented token is malformed, forged, expired, revoked, or of another kind."""

    code = "invalid_token"
    status = 401

    def __init__(self, *, reason: str) -> None:
        super().__init__("The token is not valid.", reason=reason)


class InsufficientScope(OAuthError):
    """The token is good, but not for this: ``scope`` is what it lacks."""

    code = "insufficient_scope"
    status = 403

    def __init__(self, scope: str) -> None:
        super().__init__("The token lacks a scope.", reason=f"no scope {scope}")
        self.scope = scope


class AccessDenied(OAuthError):
    """The person, or a rule, said no."""

    code = "access_denied"


class UnsupportedResponseType(OAuthError):
    """The response type is not one that this server has."""

    code = "unsupported_response_type"


class RequestNotSupported(OAuthError):
    """The parameter ``request`` was used."""

    code = "request_not_supported"


class RequestUriNotSupported(OAuthError):
    """The parameter ``request_uri`` was used."""

    code = "request_uri_not_supported"


class InvalidRequestUri(OAuthError):
    """The ``request_uri`` is not that of a request which this client pushed, or was used."""

    code = "invalid_request_uri"

    def __init__(self, *, reason: str) -> None:
        told = "The request_uri is unknown, expired or used, or of another client."
        super().__init__(told, reason=reason)


class InteractionRequired(OAuthError):
    """A person is needed: a page is shown, or with ``prompt=none`` the client is told."""

    code = "interaction_required"


class LoginRequired(InteractionRequired):
    """Nobody is signed in, or not the right one, or not freshly enough."""

    code = "login_required"

    def __init__(self, *, reason: str) -> None:
        super().__init__("The user has to sign in.", reason=reason)


class ConsentRequired(InteractionRequired):
    """The user has not allowed all of it yet."""

    code = "consent_required"

    def __init__(self, *, reason: str) -> None:
        super().__init__("The user has to agree.", reason=reason)


class SecondFactorRequired(InteractionRequired):
    """The user has signed in by less than is asked for."""

    code = "interaction_required"

    def __init__(self, *, reason: str) -> None:
        super().__init__("The user has to prove a second factor.", reason=reason)


class ServerError(OAuthError):
    """Something broke on our side; says nothing about what."""

    code = "server_error"
    status = 500

    def __init__(self, *, reason: str) -> None:
        super().__init__("The server could not complete the request.", reason=reason)


class TemporarilyUnavailable(OAuthError):
    """Worth trying again: ``retry_after`` says in how many seconds."""

    code = "temporarily_unavailable"
    status = 503
    retry_after: int = 1

    def __init__(self, *, reason: str, retry_after: int = 1) -> None:
        super().__init__("The server can't answer at the moment; try again.", reason=reason)
        self.retry_after = int(retry_after)


class TooManyAttempts(TemporarilyUnavailable):
    """Too much of what this source has sent for this client was wrong: nobody looked at it."""

    status = 429

    def __init__(self, *, retry_after: int) -> None:
        super().__init__(reason="too many failed attempts", retry_after=retry_after)


class TooManyRequests(TemporarilyUnavailable):
    """So many of what this source has asked for already wait for somebody to sign in."""

    status = 429

    def __init__(self, *, retry_after: int) -> None:
        super().__init__(reason="too many requests of strangers", retry_after=retry_after)


class StoreError(ApogeeError):
    """A store could not do what it was asked."""


class StoreUnavailable(StoreError):
    """The store did not answer, or not in time: never taken for "not there"."""


class UnreadableDocument(StoreUnavailable):
    """A stored document that is damaged: never taken for "not there" or for another."""


class AlreadyExists(StoreError):
    """A unique key is taken."""

    def __init__(self, collection: str) -> None:
        super().__init__(f"{collection}: the key is taken")


class Conflict(StoreError):
    """The document is gone, or is no longer the version that was read."""

    def __init__(self, collection: str) -> None:
        super().__init__(f"{collection}: the document was changed or deleted meanwhile")


class InvalidDocument(StoreError):
    """A document that not every store could keep unchanged."""


class RegistryError(ApogeeError):
    """The handlers do not form a complete, ordered pipeline."""


class HandlerFault(ApogeeError):
    """A handler raised something unexpected, returned something, or took too long.

    The original exception, if any, is the ``__cause__``.
    """

    def __init__(self, handler: str, problem: str) -> None:
        super().__init__(f"handler {handler}: {problem}")
        self.handler = handler
        self.problem = problem


class ReservedName(ApogeeError):
    """A claim or response parameter that only the core sets."""


class NotYetKnown(ApogeeError):
    """A handler asked for something before the stage that decides it."""


class UnusableEvent(ApogeeError):
    """What handlers left on an event can't become a token, or is not genuine."""


class KeyringError(ApogeeError):
    """The key set can't be opened, or has no key for what is asked."""


class OutgoingRefused(ApogeeError):
    """A request to another host was not made, or failed; the text repeats nothing it said."""


class CommandRefused(ApogeeError):
    """A management command breaks a rule; the text says which and what to do.

    ``field`` is the member that it is about, if it is one: a path like ``redirect_uris.1``.
    """

    def __init__(self, text: str, *, field: str = "") -> None:
        super().__init__(text)
        self.field = field


class NotFound(CommandRefused):
    """A command about something that isn't there."""


class Duplicate(CommandRefused):
    """A command that would make a second thing of the same name."""


class ChangedMeanwhile(CommandRefused):
    """A command on a version of something that is no longer the current one."""


class StateConflict(CommandRefused):
    """A command with nothing wrong in it, that can't be done as things stand."""


class KeptInFile(CommandRefused):
    """A command that the next start of the server would undo, for a file says otherwise."""


class Forbidden(CommandRefused):
    """A command that its actor may not give."""


class SignInRefused(ApogeeError):
    """A person was not recognised: the same text for every ``reason``, which is for the log."""

    def __init__(self, *, reason: str) -> None:
        super().__init__("The e-mail address or the password is wrong.")
        self.reason = reason


class TooManyFailures(ApogeeError):
    """Nobody looked at the password: try again in ``retry_after`` seconds."""

    def __init__(self, retry_after: int) -> None:
        super().__init__(f"Too many failed attempts: wait {retry_after} seconds.")
        self.retry_after = retry_after


class WorkersFailed(ApogeeError):
    """A worker ended again and again, so its supervisor gave up."""


class SettingsError(ApogeeError):
    """One or more settings are wrong; ``problems`` has a line for each."""

    def __init__(self, problems: list[str]) -> None:
        super().__init__("\n".join(problems))
        self.problems = problems
