"""The routes."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from aiohttp import web
from aiohttp.typedefs import Middleware

from ..pipeline import Registry
from ..services import Services
from ..telemetry.opening import Telemetry
from .api.application import add_management_api
from .api.calls import Desk
from .client_origins import ClientOrigins
from .endpoint import Answer, FormEndpoint
from .in_flight import InFlight
from .interaction.account import AccountEndpoint
from .interaction.account_sign_in import AccountSignInEndpoint
from .interaction.authorization import AuthorizationEndpoint, Authorizer
from .interaction.external import ExternalEndpoint
from .interaction.login import InteractionEndpoint
from .interaction.logout import LogoutEndpoint
from .interaction.people import People
from .interaction.second_factor import SecondFactorEndpoint
from .interaction.sign_in import SignIn
from .introspection import IntrospectionEndpoint, RevocationEndpoint
from .middleware import log_requests, render_errors, set_security_headers, trace_requests
from .pages import Pages, set_up_templates
from .pushed_authorization import PushedAuthorizationEndpoint
from .sources import Sources
from .token import TokenEndpoint
from .user_info import UserInfoEndpoint
from .well_known import WellKnown


def create_application(desk: Desk, in_flight: InFlight, telemetry: Telemetry) -> web.Application:
    """The public application; every route stands below the path of the issuer.

    The one exception is RFC 8414 §3.1, which puts its well-known segment before that path.
    """
    services, registry = desk.services, desk.registry
    app = web.Application(
        middlewares=[*_observing(telemetry, in_flight, services.new_id), render_errors]
    )
    app.on_response_prepare.append(set_security_headers)
    set_up_templates(app, services.settings)
    base = services.settings.issuer_path
    pages = Pages(services)
    well_known = WellKnown(services, registry)
    router = app.router
    _add_forms(router, services, registry)
    router.add_get(f"{base}/.well-known/openid-configuration", well_known.configuration)
    router.add_get(f"/.well-known/oauth-authorization-server{base}", well_known.configuration)
    router.add_get(f"{base}/.well-known/jwks", well_known.jwks)
    router.add_get(f"{base}/", pages.index)
    router.add_get(f"{base}/apogee.css", pages.style)
    user_info = UserInfoEndpoint(services, registry)
    for method in ("GET", "POST", "OPTIONS"):
        router.add_route(method, f"{base}/connect/userinfo", user_info.handle)
    _add_interaction(router, desk)
    add_management_api(router, desk)
    return app


def _observing(
    telemetry: Telemetry, in_flight: InFlight, new_id: Callable[[], str]
) -> Iterator[Middleware]:
    metrics, tracing = telemetry.metrics, telemetry.tracing
    if metrics is not None:
        metrics.watch_in_flight(lambda: in_flight.count)
    yield log_requests(new_id, None if metrics is None else metrics.request_finished)
    if tracing is not None:
        yield trace_requests(tracing)


def _add_forms(router: web.UrlDispatcher, services: Services, registry: Registry) -> None:
    """Where clients send forms with their credentials."""
    origins, sources = ClientOrigins(services.clients), Sources(services.settings.trusted_proxies)
    answers: dict[str, Answer] = {
        "token": TokenEndpoint(services, registry).answer,
        "introspect": IntrospectionEndpoint(services, registry).answer,
        "revoke": RevocationEndpoint(services, registry).answer,
        "par": PushedAuthorizationEndpoint(services, registry).answer,
    }
    for name, answer in answers.items():
        endpoint = FormEndpoint(
            answer,
            sources,
            timeout=services.settings.request_timeout,
            fault=f"{name}_request_failed",
            origins=None if name == "introspect" else origins,
        )
        path = f"{services.settings.issuer_path}/connect/{name}"
        router.add_route("*", path, endpoint.handle)


def _add_interaction(router: web.UrlDispatcher, desk: Desk) -> None:
    """Where people come with their browsers."""
    services, registry = desk.services, desk.registry
    base = services.settings.issuer_path
    people, authorizer = People(services), Authorizer(services, registry)
    sign_in = SignIn(services, people)
    authorization = AuthorizationEndpoint(services, authorizer, people)
    interaction = InteractionEndpoint(services, authorizer, people, sign_in)
    logout = LogoutEndpoint(services, registry, people)
    pages = {
        "connect/authorize": authorization.handle,
        "connect/interaction/{handle}": interaction.handle,
        "connect/logout": logout.request,
        "connect/logout/{handle}": logout.confirm,
        "account": AccountEndpoint(services, desk.management, people).handle,
        "account/second-factor": SecondFactorEndpoint(services, desk.management, people).handle,
        "account/sign-in/{handle}": AccountSignInEndpoint(services, people, sign_in).handle,
    }
    external = ExternalEndpoint(services, desk.management, people, sign_in)
    router.add_get(
        f"{base}/connect/external/{{provider}}/{{handle}}", external.depart, allow_head=False
    )
    router.add_get(f"{base}/connect/callback/{{provider}}", external.arrive, allow_head=False)
    router.add_get(f"{base}/account/link/{{provider}}", external.link, allow_head=False)
    for path, handler in pages.items():
        router.add_get(f"{base}/{path}", handler, allow_head=False)
        router.add_post(f"{base}/{path}", handler)
    router.add_get(f"{base}/connect/signed-out", logout.done)
