"""A step of the schema that can't be done stops no server, and is told until it is mended."""

from __future__ import annotations

from typing import Any

import pymongo
import pytest

from apogee_idp.errors import StoreUnavailable
from tests.conftest import NewStoreUrl, StartIdp
from tests.idp import Idp
from tests.waiting import until


@pytest.fixture
def backend() -> str:
    """SQLite's keys are unique by its tables; MongoDB's by an index that may be missing."""
    return "mongodb"


async def ready(idp: Idp, problem: str | None) -> None:
    """Waits until readiness is as it should be."""
    readiness = idp.installation.readiness

    async def is_told() -> bool:
        return (readiness.problem is None) == (problem is None)

    await until(is_told, 10)
    assert readiness.is_ready
    assert problem is None or problem in str(readiness.problem)


async def test_documents_in_the_way_of_an_index_stop_no_server(
    start_idp: StartIdp, new_store_url: NewStoreUrl, log_output: Any
) -> None:
    """Nobody gets a token for an ambiguous client, nor is one added; all others go on."""
    url = await new_store_url()
    before = await start_idp(store=url)
    secrets = {name: await before.add_client(name) for name in ("once", "twice")}
    with pymongo.MongoClient[dict[str, Any]](url) as client:
        applications = client.get_default_database()["openiddict.applications"]
        applications.drop_index("client_id_1")
        twin = applications.find_one({"client_id": "twice"}, {"_id": False})
        assert twin is not None
        applications.insert_one(twin)
        idp = await start_idp(store=url)
        await ready(idp, "have the same client_id")
        assert "have the same client_id" in log_output.getvalue()
        assert (await idp.grant("once", secrets["once"])).status == 200
        assert (await idp.grant("twice", secrets["twice"])).status == 503
        with pytest.raises(StoreUnavailable, match="nothing is added"):
            await idp.add_client("new")
        applications.delete_one({"client_id": "twice"})
    housekeeper = idp.installation.housekeeper
    housekeeper._cleaned_at = float("-inf")
    await housekeeper.tidy()
    await ready(idp, None)
    assert (await idp.grant("twice", secrets["twice"])).status == 200
    assert (await idp.grant("new", await idp.add_client("new"))).status == 200
