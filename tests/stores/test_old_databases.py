"""What older versions have written serves."""

from __future__ import annotations

import sqlite3
from pathlib import Path
from typing import Any

import jwt
import pymongo
import pytest
from bson import json_util
from pymongo.collection import Collection

from tests.canary import PLANTED
from tests.conftest import StartIdp
from tests.mongodb import Databases

from .old_databases.make import EMAIL, FOLDER, KEY_ENCRYPTION_KEY, PASSWORD, SECRET

DUMPS = sorted(path for path in FOLDER.iterdir() if path.suffix in (".sql", ".json"))
PLANTED.add(KEY_ENCRYPTION_KEY)
AN_HOUR = 3600


@pytest.fixture(params=DUMPS, ids=lambda path: path.name)
def dump(request: pytest.FixtureRequest) -> Path:
    """Each that there is."""
    return Path(request.param)


@pytest.fixture
def old_store(dump: Path, tmp_path: Path, request: pytest.FixtureRequest) -> str:
    """The URL of a store that holds it."""
    text = dump.read_text(encoding="utf-8")
    if dump.suffix == ".sql":
        with sqlite3.connect(tmp_path / "old.db") as db:
            db.executescript(text)
        return f"sqlite:///{tmp_path / 'old.db'}"
    databases: Databases = request.getfixturevalue("databases")
    url = databases.new()
    with pymongo.MongoClient[dict[str, Any]](url) as client:
        for name, collection in json_util.loads(text).items():
            restore(client.get_default_database()[name], **collection)
    return url


def restore(
    collection: Collection[dict[str, Any]],
    documents: list[dict[str, Any]],
    indexes: list[dict[str, Any]],
) -> None:
    if documents:
        collection.insert_many(documents)
    for index in indexes:
        options = {name: index[name] for name in ("unique", "expireAfterSeconds") if name in index}
        collection.create_index(list(index["key"].items()), **options)


def made_at(dump: Path) -> int:
    """When its client was made: its keys are in use then, and for ninety days."""
    text = dump.read_text(encoding="utf-8").replace(" ", "")
    return int(text.partition('"created_at":')[2][:10])


async def test_F_RU_01_an_old_database_serves(
    dump: Path, old_store: str, start_idp: StartIdp
) -> None:
    """Secrets are known, tokens are signed by the keys that it has, people sign in, it goes on."""
    now = made_at(dump) + AN_HOUR
    settings: dict[str, Any] = {"store": old_store, "key_encryption_key": (KEY_ENCRYPTION_KEY,)}
    idp = await start_idp(clock=lambda: now, **settings)
    granted = await idp.grant("billing", SECRET, scope="invoices.read")
    assert granted.json["scope"] == "invoices.read"
    token = (await idp.grant("plain", SECRET)).token
    assert f'"{jwt.get_unverified_header(token)["kid"]}"' in dump.read_text(encoding="utf-8")
    assert (await idp.grant("new", await idp.add_client("new"))).token
    if dump.stem == "people":
        authenticator = idp.installation.services.user_authenticator
        ann = await authenticator.authenticate(EMAIL, PASSWORD, "192.0.2.1")
        assert ann.user.roles == ("idp-admin",)
    schema = await idp.installation.store.schema()
    assert (schema.missing, schema.newer) == ((), 0)
