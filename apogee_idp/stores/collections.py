"""What every store has: the same collections, by the same names."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Generic, TypeVar

Kind = TypeVar("Kind")


class Collections(Generic[Kind]):
    """One attribute for each of ``COLLECTIONS``, as ``made`` by the store for it."""

    def __init__(self, made: Mapping[str, Kind]) -> None:
        self.applications = made["applications"]
        self.scopes = made["scopes"]
        self.keys = made["keys"]
        self.resources = made["resources"]
        self.revocations = made["revocations"]
        self.tokens = made["tokens"]
        self.assertions = made["assertions"]
        self.idempotency = made["idempotency"]
        self.audit = made["audit"]
        self.secrets = made["secrets"]
        self.refusals = made["refusals"]
        self.users = made["users"]
        self.logins = made["logins"]
        self.sessions = made["sessions"]
        self.consents = made["consents"]
        self.interactions = made["interactions"]
        self.authorizations = made["authorizations"]
