"""A real server for every test that wants one, and a canary for secrets in all output."""

from __future__ import annotations

import asyncio
import base64
import io
import logging
import os
import secrets
import shutil
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import AsyncExitStack, contextmanager
from pathlib import Path
from typing import Any

import pytest
import structlog

from apogee_idp import Registry, Services
from apogee_idp.app import now, opened_installation, opened_store
from apogee_idp.crypto.sealing import KeyEncryptionKey
from apogee_idp.logs import configure_logging
from apogee_idp.management.scopes import ScopeCommands
from apogee_idp.model import Scope
from apogee_idp.serving import listening
from apogee_idp.settings import Settings

from . import inline
from .acting import acting
from .canary import HEARD, PLANTED, findings_at_rest, findings_in
from .idp import ISSUER, Idp
from .keys import key_keeper
from .mongodb import Databases, MongoDB, MongoProcess
from .wire_proxy import WireProxy

StartIdp = Callable[..., Awaitable[Idp]]
NewStoreUrl = Callable[[], Awaitable[str]]
Register = Callable[[Registry, Services], None]


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--torture", action="store_true", help="run the long sizes")
    parser.addoption("--torture-seed", type=int, help="repeat what was chosen under this seed")


def pytest_configure(config: pytest.Config) -> None:
    """One seed for all that is chosen at random: always the same one, but for ``--torture``.

    The workers of pytest-xdist have the options of the process that started them.
    """
    if config.getoption("--torture-seed") is None:
        is_torture = config.getoption("--torture")
        config.option.torture_seed = secrets.randbelow(2**32) if is_torture else 0


def pytest_report_header(config: pytest.Config) -> str:
    return f"torture seed: {config.getoption('--torture-seed')}"


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_auto_num_workers() -> int:
    """How many ``-n auto`` are: one more than processors, as many tests wait for processes."""
    return (os.cpu_count() or 1) + 1


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Iterator[None]:
    """Fails any test whose output (ours, libraries', logs) shows a secret or a token."""
    report = yield
    leaks = [leak for _, text in report.sections for leak in findings_in(text)]
    if leaks and report.passed:
        report.outcome = "failed"
        report.longrepr = f"{item.nodeid} printed what looks like: {', '.join(leaks)}"
    return report


@pytest.fixture(autouse=True)
def log_output(request: pytest.FixtureRequest) -> Iterator[io.StringIO]:
    """Everything that is logged during a test, as production would write it.

    The canary reads it as it was before anything was struck out, unless the test plants secrets.
    """
    HEARD.clear()
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    output, unredacted = io.StringIO(), io.StringIO()
    configure_logging(Settings(log_level="debug"), logging.StreamHandler(output), colors=False)
    witness = logging.StreamHandler(unredacted)
    witness.setFormatter(
        structlog.stdlib.ProcessorFormatter(processors=[lambda _, __, event: repr(event)])
    )
    root.addHandler(witness)
    yield output
    root.handlers[:] = handlers
    root.setLevel(level)
    # Becomes a captured section of the report.
    print(output.getvalue())
    if not request.node.get_closest_marker("plants_secrets"):
        assert findings_in(unredacted.getvalue()) == []


@pytest.fixture
def long(request: pytest.FixtureRequest) -> Callable[[int, int], int]:
    """Chooses between an everyday size and the one for ``--torture``."""
    torture = request.config.getoption("--torture")
    return lambda everyday, tortured: tortured if torture else everyday


@pytest.fixture(scope="session")
def seed(request: pytest.FixtureRequest) -> int:
    """That of everything that a test chooses at random; it is printed, and may be given."""
    return int(request.config.getoption("--torture-seed"))


@pytest.fixture(scope="session")
def key_encryption_key() -> str:
    key = base64.b64encode(secrets.token_bytes(32)).decode()
    PLANTED.add(key)
    return key


@pytest.fixture(scope="session")
def prepared_database(tmp_path_factory: pytest.TempPathFactory, key_encryption_key: str) -> Path:
    """A store with keys and scopes, made once and copied for each test."""
    path = tmp_path_factory.mktemp("prepared") / "apogee.db"

    async def prepare() -> None:
        async with opened_store(Settings(store=f"sqlite:///{path}")) as store:
            keys = [KeyEncryptionKey.parse(key_encryption_key)]
            await key_keeper(store, *keys, now=now).load()
            for scope in (
                Scope("invoices.read", ("https://billing.example",)),
                Scope("invoices.write", ("https://billing.example",)),
                Scope("stock.read", ("https://stock.example",)),
                Scope("ping"),
            ):
                await ScopeCommands(store, **acting(store)).add(scope)

    asyncio.run(prepare())
    return path


@pytest.fixture(scope="session")
def mongodb() -> Iterator[MongoDB]:
    """A MongoDB-compatible server: the one of TEST_MONGODB_URI, or a process for this session."""
    if uri := os.environ.get("TEST_MONGODB_URI"):
        yield MongoDB(uri)
        return
    with MongoProcess() as server:
        yield MongoDB(server.uri)


@pytest.fixture
def databases(mongodb: MongoDB) -> Iterator[Databases]:
    """Databases of one test on that server."""
    with mongodb.databases() as made:
        yield made


@pytest.fixture
async def proxy(mongodb: MongoDB) -> AsyncIterator[WireProxy]:
    """Stands before that server, and does it no harm until it is told to."""
    async with WireProxy(mongodb.port) as proxy:
        yield proxy


@pytest.fixture
def backend() -> str:
    """The kind of store; folders that want both parametrize it."""
    return "sqlite"


async def copy_store(prepared: Path, url: str, *names: str) -> None:
    """Fills an empty store with what the prepared one has: in these collections, or the usual."""
    source = Settings(store=f"sqlite:///{prepared}")
    async with opened_store(source) as ours, opened_store(Settings(store=url)) as theirs:
        for name in names or ("scopes", "keys"):
            for item in (await getattr(ours, name).list()).items:
                await getattr(theirs, name).insert(item.key, item.document)


@contextmanager
def lasting_store(request: pytest.FixtureRequest) -> Iterator[str]:
    """The URL of a store with keys and scopes, for a fixture that outlives a test.

    The parameter of the fixture says of which kind.
    """
    prepared: Path = request.getfixturevalue("prepared_database")
    if request.param == "sqlite":
        folders: pytest.TempPathFactory = request.getfixturevalue("tmp_path_factory")
        path = folders.mktemp("store") / "apogee.db"
        shutil.copy(prepared, path)
        yield f"sqlite:///{path}"
        return
    server: MongoDB = request.getfixturevalue("mongodb")
    with server.databases() as databases:
        asyncio.run(copy_store(prepared, url := databases.new()))
        yield url


@pytest.fixture
def empty_store_url(backend: str, tmp_path: Path, request: pytest.FixtureRequest) -> str:
    """The URL of a store that has still to be made."""
    if backend == "mongodb":
        return str(request.getfixturevalue("databases").new())
    return f"sqlite:///{tmp_path / 'apogee.db'}"


@pytest.fixture
def new_store_url(
    backend: str, tmp_path: Path, prepared_database: Path, request: pytest.FixtureRequest
) -> Iterator[NewStoreUrl]:
    """Makes a store with keys and scopes, and returns its URL."""

    async def copy_to_sqlite() -> str:
        path = tmp_path / f"{secrets.token_hex(4)}.db"
        shutil.copy(prepared_database, path)
        return f"sqlite:///{path}"

    if backend == "sqlite":
        yield copy_to_sqlite
        return

    async def copy_to_mongodb() -> str:
        url = databases.new()
        await copy_store(prepared_database, url)
        return url

    databases: Databases = request.getfixturevalue("databases")
    yield copy_to_mongodb


@pytest.fixture
async def start_idp(
    new_store_url: NewStoreUrl,
    key_encryption_key: str,
    tmp_path: Path,
    request: pytest.FixtureRequest,
) -> AsyncIterator[StartIdp]:
    """Starts servers in this process, each on a port and, if not told another, a new store.

    No secret may be found in the files of its store, unless the test plants some.
    """
    async with AsyncExitStack() as stack:

        async def start(
            *,
            clock: Callable[[], int] = now,
            register: Register | None = None,
            metrics_directory: Path | None = None,
            **settings: Any,
        ) -> Idp:
            if register is not None:
                settings["plugins"] = (inline.plugin(register),)
            chosen = {
                "issuer": ISSUER,
                "port": 0,
                "health_port": 0,
                "store": settings.pop("store", None) or await new_store_url(),
                "key_encryption_key": (key_encryption_key,),
                "handler_timeout": 10.0,
            } | settings
            installation = await stack.enter_async_context(
                opened_installation(
                    Settings(**chosen), now=clock, metrics_directory=metrics_directory
                )
            )
            port = await stack.enter_async_context(listening(installation))
            await installation.until_ready()
            return await stack.enter_async_context(Idp(installation, port, clock))

        yield start
    if not request.node.get_closest_marker("plants_secrets"):
        assert findings_at_rest(tmp_path) == []


@pytest.fixture
async def idp(start_idp: StartIdp) -> Idp:
    """A running server with the default settings."""
    return await start_idp()
