"""Acme's rules: every token names the tenant, and nobody gets the retired scope."""

from apogee_idp import InvalidScope, ProcessSignIn, Registry, Services, Stage

RETIRED = "acme.legacy"


class AddTenantClaim:
    """Puts the tenant, which Acme keeps in the client's properties, into the token."""

    def __init__(self, services: Services) -> None:
        self._issuer = services.settings.issuer

    async def __call__(self, event: ProcessSignIn) -> None:
        tenant = event.known_client().properties.get("tenant", "none")
        event.claims["tenant"] = f"{self._issuer}/{tenant}"


def asks_for_retired_scope(event: ProcessSignIn) -> bool:
    return RETIRED in event.scopes


async def refuse_retired_scope(event: ProcessSignIn) -> None:
    raise InvalidScope("That scope was retired.", reason=f"retired scope {RETIRED}")


def register(registry: Registry, services: Services) -> None:
    registry.add(
        ProcessSignIn,
        AddTenantClaim(services),
        name="add_tenant_claim",
        order=Stage.GENERATE_TOKEN - 1,
    )
    registry.add(
        ProcessSignIn,
        refuse_retired_scope,
        name="refuse_retired_scope",
        order=Stage.SET_SCOPES + 1,
        when=asks_for_retired_scope,
    )
