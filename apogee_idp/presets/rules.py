"""Rules that several presets share."""

from __future__ import annotations

from urllib.parse import urlsplit

from ..model import SESSION_TAGS_CLAIM
from .rule import Rule, Subject
from .session_tags import problem_of

_REGISTERED = frozenset({"iss", "sub", "aud", "exp", "nbf", "iat", "jti"})
_SOURCE_IDENTITY = "https://aws.amazon.com/source_identity"


def signed_with(*algorithms: str) -> Rule:
    """The signature is by one of ``algorithms``."""
    offered = " or ".join(algorithms)

    def check(subject: Subject) -> str | None:
        if subject.algorithm in algorithms:
            return None
        return f"it is signed with {subject.algorithm}: choose {offered} with --signing-alg"

    return Rule("algorithm", f"The token is signed with {offered}.", check)


def _plain(subject: Subject) -> str | None:
    if subject.reference:
        return "it is opaque, and the other side can't ask what it stands for: use --self-contained"
    if subject.encrypted_to is None:
        return None
    return "it is encrypted, and the other side can't decrypt: use --skip-token-encryption"


PLAIN = Rule("plain", "The token is a plain signed JWT.", _plain)


def _encrypted(subject: Subject) -> str | None:
    if subject.encrypted_to is not None and not subject.reference:
        return None
    return "anyone who gets hold of it can read it: leave --skip-token-encryption away"


ENCRYPTED = Rule("encrypted", "The token is encrypted.", _encrypted)


def typed(typ: str, *, binding: bool = True) -> Rule:
    """The header's ``typ``."""

    def check(subject: Subject) -> str | None:
        if subject.typ == typ:
            return None
        return f"its typ is {subject.typ}: choose --token-typ {typ}"

    return Rule("typ", f"The header's typ is {typ}.", check, binding)


def one_audience(*, binding: bool = True) -> Rule:
    """Exactly one audience."""

    def check(subject: Subject) -> str | None:
        if len(subject.audience) == 1:
            return None
        many = ", ".join(subject.audience)
        return f"it has {len(subject.audience)} audiences ({many}): ask for scopes of one resource"

    return Rule("one-audience", "The token has exactly one audience.", check, binding)


def audience_characters(maximum: int) -> Rule:
    """The length of each audience."""

    def check(subject: Subject) -> str | None:
        longest = max(map(len, subject.audience), default=0)
        if longest <= maximum:
            return None
        return f"an audience has {longest} characters: give the API a URI of {maximum} at most"

    sentence = f"An audience has {maximum} characters at most."
    return Rule("audience-length", sentence, check)


def usual_audience(prefix: str) -> Rule:
    """What is expected unless the other side was told something else; no more than advice."""

    def check(subject: Subject) -> str | None:
        if all(audience.startswith(prefix) for audience in subject.audience):
            return None
        got = ", ".join(subject.audience)
        return (
            f"the audience is {got}: tell the other side to expect that, or make {prefix} the"
            " default audience with --default-audience"
        )

    return Rule("usual-audience", f"The audience is {prefix}.", check, binding=False)


def https_issuer(*, maximum: int = 2048, port_allowed: bool = True) -> Rule:
    """The issuer's URL, from which the other side fetches our keys."""
    port = "" if port_allowed else ", without a port"

    def check(subject: Subject) -> str | None:
        url = urlsplit(subject.issuer)
        if url.scheme != "https":
            return f"the issuer {subject.issuer} is not https: set APOGEE_ISSUER"
        if url.query or url.fragment or "@" in url.netloc:
            return f"the issuer {subject.issuer} has a query, fragment or user: set APOGEE_ISSUER"
        if ":" in url.netloc.rpartition("]")[2] and not port_allowed:
            return f"the issuer {subject.issuer} has a port: serve it on 443, set APOGEE_ISSUER"
        if len(subject.issuer) > maximum:
            return f"the issuer has more than {maximum} characters: set a shorter APOGEE_ISSUER"
        return None

    sentence = f"The issuer is an https URL of {maximum} characters at most{port}."
    return Rule("issuer", sentence, check)


def subject_bytes(maximum: int) -> Rule:
    """The length of ``sub``, which for clients is the client_id."""

    def check(subject: Subject) -> str | None:
        size = len(subject.client_id.encode())
        if size <= maximum:
            return None
        return f"sub has {size} bytes: create a client whose id has {maximum} at most"

    return Rule("subject", f"The subject has {maximum} bytes at most.", check)


def lifetime_at_most(seconds: int, *, name: str = "lifetime", binding: bool = True) -> Rule:
    """How long the token lives."""

    def check(subject: Subject) -> str | None:
        if subject.lifetime <= seconds:
            return None
        return f"it lives {subject.lifetime} seconds: set --lifetime {seconds} or less"

    return Rule(name, f"The token lives {seconds} seconds at most.", check, binding)


def _no_collision(subject: Subject) -> str | None:
    collisions = sorted(name for name in subject.claims if name.casefold() in _REGISTERED)
    if not collisions:
        return None
    return f"claims collide with registered ones but for case: rename {', '.join(collisions)}"


NO_COLLISION = Rule("claim-names", "No claim is a registered one in another case.", _no_collision)

SESSION_TAGS = Rule(
    "session-tags",
    "Session tags are at most 50, with texts in lists of one that AWS allows in tags.",
    lambda subject: problem_of(subject.claims.get(SESSION_TAGS_CLAIM)),
)


def _source_identity(subject: Subject) -> str | None:
    value = subject.claims.get(_SOURCE_IDENTITY)
    allowed = isinstance(value, str) and all(c.isalnum() or c in "_+=,.@-" for c in value)
    if value is None or (allowed and value.isascii() and 2 <= len(value) <= 64):
        return None
    return "the claim needs 2 to 64 characters of A-Z a-z 0-9 _ + = , . @ -: mend it with --claim"


SOURCE_IDENTITY = Rule(
    "source-identity",
    "A source identity has 2 to 64 letters, digits and _ + = , . @ -.",
    _source_identity,
)
