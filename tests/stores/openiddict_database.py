"""A database as OpenIddict 5, 6 and 7 leave it, and what their BSON mapping can read of one.

Both are written from OpenIddict's own model, and know nothing of our code.
"""

from __future__ import annotations

import base64
import datetime as dt
import hashlib
import uuid
from collections.abc import Callable, Mapping
from typing import Any

import pymongo
from bson import ObjectId
from bson.raw_bson import RawBSONDocument

Raw = dict[str, Any]

VECTOR_SECRET = "388D45FA-B36B-4988-BA59-B187D329C207"
VECTOR_HASH = "AQAAAAEAACcQAAAAEAABAgMEBQYHCAkKCwwNDg8APYB/YOvEd6FX6HxCJZzBeTwrPuVZuCIKcZbY/CJxuA=="
SECRETS = {
    name: f"{name}-old-secret-of-openiddict"
    for name in ("five", "six", "seven", "typeless", "text-flag", "false-flag", "api", "bare")
} | {"vector": VECTOR_SECRET}
"""What each client that is served has had as its secret all along."""

JWS_CLIENTS = frozenset({"seven", "vector"})
"""Those whose property says the boolean true; tokens of all others are encrypted."""

_WHEN = dt.datetime(2024, 5, 17, 12, 30, 15, tzinfo=dt.UTC)
_M2M = ["ept:token", "gt:client_credentials", "scp:roles"]
_WEB = ["ept:authorization", "ept:token", "gt:authorization_code", "rst:code", "scp:profile"]
PUBLIC_KEY = {"kty": "EC", "crv": "P-256", "alg": "ES256", "use": "sig", "kid": "one"} | {
    "x": "axfR8uEsQkf4vOblY6RA8ncDfYEt6zOg9KE5RdiYwpY",
    "y": "T-NC4v4af5uO5-tKfA-eFivOM1drMV7Oy7ZAaDe_UfU",
}


def hashed(secret: str, *, prf: int = 1, iterations: int = 10_000) -> str:
    """As ASP.NET Core Identity stores it."""
    name = ("sha1", "sha256", "sha512")[prf]
    salt = hashlib.sha256(secret.encode()).digest()[:16]
    subkey = hashlib.pbkdf2_hmac(name, secret.encode(), salt, iterations, 32)
    numbers = b"".join(number.to_bytes(4, "big") for number in (prf, iterations, len(salt)))
    return base64.b64encode(b"\x01" + numbers + salt + subkey).decode()


def application(client_id: str, **members: Any) -> Raw:
    """A confidential one with its secret, if it has one, and ``members``; None leaves one out."""
    document: Raw = {
        "_id": ObjectId(),
        "application_type": "web",
        "client_id": client_id,
        "client_type": "confidential",
        "concurrency_token": str(uuid.uuid4()),
        "display_name": client_id.title(),
        "permissions": list(_M2M),
    }
    if client_id in SECRETS:
        document["client_secret"] = hashed(SECRETS[client_id])
    document |= members
    return {name: value for name, value in document.items() if value is not None}


def applications() -> list[Raw]:
    """One of each kind that may be met."""
    return [
        application(
            "five",
            permissions=["ept:logout", "ept:device", *_M2M],
            requirements=[],
            redirect_uris=[],
            post_logout_redirect_uris=[],
            properties={},
            settings={},
            display_names={},
            client_type="Confidential",
            client_secret=hashed(SECRETS["five"], prf=0),
        ),
        application(
            "six",
            consent_type="systematic",
            display_names={"de-AT": "Sechs", "fr": "Six"},
            settings={"tkn_lft:act": "00:30:00"},
            permissions=[*_M2M, "scp:invoices", "gt:password"],
            redirect_uris=["https://six.example/callback"],
            post_logout_redirect_uris=["https://six.example/"],
        ),
        application(
            "seven",
            properties={
                "SkipTokenEncryption": True,
                "since": _WHEN,
                "owner": ObjectId(),
                "nested": {"list": [1, 2.5, None, "x"]},
            },
            permissions=[*_M2M, "ept:end_session", "aud:https://billing.example"],
            requirements=["ft:pkce"],
            later_field={"of": "another version"},
        ),
        application("typeless", client_type=None),
        application("text-flag", properties={"SkipTokenEncryption": "true"}),
        application("false-flag", properties={"SkipTokenEncryption": False}),
        application(
            "api",
            permissions=[*_M2M, "ept:introspection", "ept:revocation"],
            client_secret=hashed(SECRETS["api"], prf=2, iterations=100_000),
        ),
        application("bare", display_name=None, application_type=None, properties=[]),
        application("vector", client_secret=VECTOR_HASH, properties={"SkipTokenEncryption": True}),
        application("keyed", client_type=None, json_web_key_set={"keys": [PUBLIC_KEY]}),
        application("spa", client_type="PUBLIC", application_type="native", permissions=_WEB),
        application("guessed-public", client_type=None),
        application("web", client_secret=hashed("web"), permissions=_WEB),
        application(
            "portal",
            client_secret=hashed("portal"),
            permissions=_WEB,
            redirect_uris=["https://portal.example/signin-oidc"],
        ),
        application("plain", client_secret="written by hand, not hashed"),
        application("keyless"),
        application("usr_oops", client_secret=hashed("x")),
        application("damaged", permissions={"0": "ept:token"}),
    ]


def scopes() -> list[Raw]:
    """With and without what stands behind them."""
    return [
        {
            "_id": ObjectId(),
            "concurrency_token": str(uuid.uuid4()),
            "name": "invoices",
            "description": "Reads invoices",
            "descriptions": {"de": "Liest Rechnungen"},
            "display_names": {},
            "resources": ["https://billing.example"],
        },
        {"_id": ObjectId(), "concurrency_token": str(uuid.uuid4()), "name": "lonely"},
    ]


def authorizations(owner: ObjectId) -> list[Raw]:
    """Of both types."""
    return [
        {
            "_id": ObjectId(),
            "application_id": owner,
            "concurrency_token": str(uuid.uuid4()),
            "creation_date": _WHEN,
            "scopes": ["openid"],
            "status": "valid",
            "subject": "1",
            "type": kind,
        }
        for kind in ("ad-hoc", "permanent")
    ]


def tokens(owner: ObjectId) -> list[Raw]:
    """In the spelling of up to version 6, and in that of version 7."""
    kinds = (
        "access_token",
        "refresh_token",
        "authorization_code",
        "urn:ietf:params:oauth:token-type:access_token",
        "urn:openiddict:params:oauth:token-type:authorization_code",
    )
    return [
        {
            "_id": ObjectId(),
            "application_id": owner,
            "concurrency_token": str(uuid.uuid4()),
            "creation_date": _WHEN,
            "expiration_date": _WHEN + dt.timedelta(hours=1),
            "status": "valid",
            "subject": "seven",
            "type": kind,
        }
        for kind in kinds
    ]


def load(url: str, *, without: tuple[str, ...] = ()) -> None:
    """Fills the database that ``url`` names; leaves applications ``without`` these client_ids."""
    with pymongo.MongoClient[Raw](url) as client:
        database = client.get_default_database()
        chosen = [item for item in applications() if item["client_id"] not in without]
        owner = chosen[0]["_id"]
        database["openiddict.applications"].insert_many(chosen)
        database["openiddict.scopes"].insert_many(scopes())
        database["openiddict.authorizations"].insert_many(authorizations(owner))
        database["openiddict.tokens"].insert_many(tokens(owner))


def contents(url: str) -> dict[str, dict[Any, bytes]]:
    """Every document of OpenIddict's own collections, to the byte, by collection and ``_id``."""
    names = ("applications", "scopes", "authorizations", "tokens")
    with pymongo.MongoClient(url, document_class=RawBSONDocument) as client:
        database = client.get_default_database()
        return {
            name: {
                document["_id"]: document.raw for document in database[f"openiddict.{name}"].find()
            }
            for name in names
        }


def collections_of(url: str) -> set[str]:
    """The names of all collections of the database."""
    with pymongo.MongoClient[Raw](url) as client:
        return set(client.get_default_database().list_collection_names())


def _is_texts(value: object) -> bool:
    return isinstance(value, list) and all(isinstance(item, str) for item in value)


def _is_text_map(value: object) -> bool:
    return isinstance(value, Mapping) and all(isinstance(item, str) for item in value.values())


def _is(*kinds: type) -> Callable[[object], bool]:
    return lambda value: isinstance(value, kinds)


_APPLICATION: dict[str, Callable[[object], bool]] = {
    "_id": _is(ObjectId),
    "application_type": _is(str),
    "client_id": _is(str),
    "client_secret": _is(str),
    "client_type": _is(str),
    "concurrency_token": _is(str),
    "consent_type": _is(str),
    "display_name": _is(str),
    "display_names": _is_text_map,
    "json_web_key_set": _is(dict),
    "permissions": _is_texts,
    "post_logout_redirect_uris": _is_texts,
    "properties": _is(dict),
    "redirect_uris": _is_texts,
    "requirements": _is_texts,
    "settings": _is_text_map,
}


def openiddict_reads(document: Raw) -> Raw:
    """The members that the mapping of an application knows; asserts that it could read them.

    Members that it does not know it ignores.
    """
    for name, fits in _APPLICATION.items():
        assert name not in document or fits(document[name]), name
    assert document["client_type"].lower() in ("confidential", "public")
    return {name: value for name, value in document.items() if name in _APPLICATION}
