"""The routes of clients: a part of the table."""

from __future__ import annotations

from .calls import Route
from .client_operations import (
    create_client,
    delete_client,
    disable_client,
    enable_client,
    get_client,
    list_clients,
    list_refusals,
    patch_client,
    replace_client,
    revoke_tokens,
)
from .client_schemas import (
    ClientAnswer,
    ClientChange,
    ClientPatch,
    NewClient,
    WrittenClientAnswer,
)
from .overview import RefusalCount
from .preview_operations import preview_token
from .preview_schemas import PreviewAnswer, PreviewRequest
from .schemas import ClientsQuery

READ_CLIENTS = ("idp:read", "idp:clients")
WRITE_CLIENTS = ("idp:clients",)

PREVIEW = (
    "What a request by the client credentials grant would be answered, made by the very handlers of"
    " this server, and what each of them did. The token itself is never told, and never was valid:"
    " nothing is signed or stored. A refusal is an answer, too."
)

_CLIENT = "/clients/{client_id}"
_TAKEN_OR_IN_FILE = frozenset({409})
# Without If-Match, and yet by compare-and-set: another command may come between.
_CHANGED_MEANWHILE = frozenset({412})
_LAST_ADMINISTRATOR = frozenset({422})

CLIENT_ROUTES = (
    Route(
        "GET",
        "/clients",
        READ_CLIENTS,
        "List clients",
        list_clients,
        ClientAnswer,
        query=ClientsQuery,
        lists=True,
    ),
    Route(
        "POST",
        "/clients",
        WRITE_CLIENTS,
        "Create a client",
        create_client,
        WrittenClientAnswer,
        body=NewClient,
        status=201,
        refusals=_TAKEN_OR_IN_FILE,
    ),
    Route("GET", _CLIENT, READ_CLIENTS, "Get a client", get_client, ClientAnswer),
    Route(
        "PUT",
        _CLIENT,
        WRITE_CLIENTS,
        "Replace a registration",
        replace_client,
        WrittenClientAnswer,
        body=ClientChange,
        conditional=True,
        refusals=_TAKEN_OR_IN_FILE,
    ),
    Route(
        "PATCH",
        _CLIENT,
        WRITE_CLIENTS,
        "Change parts of a registration",
        patch_client,
        WrittenClientAnswer,
        body=ClientPatch,
        patches=True,
        conditional=True,
        refusals=_TAKEN_OR_IN_FILE,
    ),
    Route(
        "DELETE",
        _CLIENT,
        WRITE_CLIENTS,
        "Delete a client",
        delete_client,
        status=204,
        conditional=True,
        refusals=_TAKEN_OR_IN_FILE | _LAST_ADMINISTRATOR,
    ),
    Route(
        "POST",
        f"{_CLIENT}/enable",
        WRITE_CLIENTS,
        "Enable a client",
        enable_client,
        ClientAnswer,
        refusals=_TAKEN_OR_IN_FILE | _CHANGED_MEANWHILE,
    ),
    Route(
        "POST",
        f"{_CLIENT}/disable",
        WRITE_CLIENTS,
        "Disable a client",
        disable_client,
        ClientAnswer,
        refusals=_TAKEN_OR_IN_FILE | _CHANGED_MEANWHILE | _LAST_ADMINISTRATOR,
    ),
    Route(
        "POST",
        f"{_CLIENT}/revoke-tokens",
        WRITE_CLIENTS,
        "End all tokens of a client",
        revoke_tokens,
        ClientAnswer,
        refusals=_CHANGED_MEANWHILE,
    ),
    Route(
        "GET",
        f"{_CLIENT}/refusals",
        READ_CLIENTS,
        "List why a client was refused lately",
        list_refusals,
        RefusalCount,
        lists=True,
    ),
    Route(
        "POST",
        f"{_CLIENT}/preview",
        READ_CLIENTS,
        "Preview the next token of a client",
        preview_token,
        PreviewAnswer,
        body=PreviewRequest,
        description=PREVIEW,
    ),
)
