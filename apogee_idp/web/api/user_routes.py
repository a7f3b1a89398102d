"""The routes of people: a part of the table.

They have a scope of their own, to read as well: addresses and places of people are no
configuration, and who may see that sees none of them by it.
"""

from __future__ import annotations

from .calls import Route
from .user_operations import (
    disable_user,
    enable_user,
    end_user_session,
    end_user_sessions,
    get_user,
    grant_role,
    list_sessions,
    list_users,
    remove_second_factor,
    revoke_role,
)
from .user_schemas import UserAnswer, UserSessionAnswer, UsersQuery

USERS = ("idp:users",)

_USER = "/users/{subject}"
_ROLE = f"{_USER}/roles/{{role}}"
# Without If-Match, and yet by compare-and-set: another command may come between.
_CHANGED_MEANWHILE = frozenset({412})
_REFUSED = frozenset({412, 422})

USER_ROUTES = (
    Route(
        "GET",
        "/users",
        USERS,
        "List people",
        list_users,
        UserAnswer,
        query=UsersQuery,
        lists=True,
    ),
    Route("GET", _USER, USERS, "Get a person", get_user, UserAnswer),
    Route(
        "POST",
        f"{_USER}/enable",
        USERS,
        "Enable a person",
        enable_user,
        UserAnswer,
        refusals=_CHANGED_MEANWHILE,
    ),
    Route(
        "POST",
        f"{_USER}/disable",
        USERS,
        "Disable a person",
        disable_user,
        UserAnswer,
        refusals=_REFUSED,
    ),
    Route("PUT", _ROLE, USERS, "Give a person a role", grant_role, UserAnswer, refusals=_REFUSED),
    Route(
        "DELETE",
        _ROLE,
        USERS,
        "Take a role from a person",
        revoke_role,
        UserAnswer,
        refusals=_REFUSED,
    ),
    Route(
        "DELETE",
        f"{_USER}/second-factor",
        USERS,
        "Remove the second factor of a person",
        remove_second_factor,
        UserAnswer,
        refusals=_CHANGED_MEANWHILE,
    ),
    Route(
        "GET",
        f"{_USER}/sessions",
        USERS,
        "List the sessions of a person",
        list_sessions,
        UserSessionAnswer,
        lists=True,
    ),
    Route(
        "DELETE",
        f"{_USER}/sessions",
        USERS,
        "End all that a person has begun",
        end_user_sessions,
        UserAnswer,
        refusals=_CHANGED_MEANWHILE,
    ),
    Route(
        "DELETE",
        f"{_USER}/sessions/{{sid}}",
        USERS,
        "End a session of a person",
        end_user_session,
        status=204,
    ),
)
