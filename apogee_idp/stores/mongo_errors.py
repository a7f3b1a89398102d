"""What the MongoDB driver raises, in this project's words.

Its messages may quote documents and connection strings, so little of them is passed on.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager

import bson.errors
import pymongo
from pymongo.errors import (
    AutoReconnect,
    ConnectionFailure,
    DocumentTooLarge,
    OperationFailure,
    PyMongoError,
    ServerSelectionTimeoutError,
    WaitQueueTimeoutError,
    WriteConcernError,
)

from ..errors import InvalidDocument, StoreUnavailable, UnreadableDocument
from ..waiting import for_store

_DOCUMENT_TOO_LARGE = (10334, 17419, 17420)
_NOT_PRIMARY = (10107, 13435, 10058)


def is_lost_reply(error: AutoReconnect) -> bool:
    """Whether a server was reached, so that a second try may succeed."""
    return not isinstance(error, ServerSelectionTimeoutError)


def is_refusal(error: AutoReconnect) -> bool:
    """Whether the server did nothing, for it is not the primary any more."""
    told = error.details
    return isinstance(told, Mapping) and not told.get("ok") and told.get("code") in _NOT_PRIMARY


@asynccontextmanager
async def answered_within(seconds: float) -> AsyncIterator[None]:
    """Raises StoreError for whatever the driver raises, StoreUnavailable after about ``seconds``.

    The driver has a little less: it knows the reason, and sends nothing after its time. What it
    never comes to, as all its threads are waiting, is given up with a little more.
    """
    with translated_errors(), pymongo.timeout(seconds * 0.9), for_store():
        async with asyncio.timeout(seconds * 1.1):
            yield


@contextmanager
def translated_errors() -> Iterator[None]:
    """Raises StoreError for whatever the driver raises."""
    try:
        yield
    except TimeoutError as error:
        raise StoreUnavailable("MongoDB did not answer in time") from error
    except DocumentTooLarge as error:
        raise InvalidDocument("the document is too large for MongoDB") from error
    except WriteConcernError as error:
        raise StoreUnavailable("MongoDB: no majority has confirmed the write") from error
    except OperationFailure as error:
        if error.code in _DOCUMENT_TOO_LARGE:
            raise InvalidDocument("the document is too large for MongoDB") from error
        raise StoreUnavailable(f"MongoDB refused: {_refusal(error)}") from error
    except bson.errors.BSONError as error:
        raise UnreadableDocument("a document in MongoDB is no valid BSON") from error
    except PyMongoError as error:
        raise StoreUnavailable(f"MongoDB: {_reason(error)}") from error


def _refusal(error: OperationFailure) -> str:
    name = (error.details or {}).get("codeName") or type(error).__name__
    return f"{name} ({error.code})"


def _reason(error: Exception) -> str:
    if isinstance(error, ServerSelectionTimeoutError):
        # The host and the error come first; what follows has a line for each host of the set.
        return f"no primary: {str(error).split(' (configured', 1)[0].split(', Timeout:', 1)[0]}"
    if isinstance(error, WaitQueueTimeoutError):
        return "all connections are busy"
    if isinstance(error, ConnectionFailure):
        return f"the connection was lost ({type(error).__name__})"
    return type(error).__name__
