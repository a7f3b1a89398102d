"""The routes."""

from __future__ import annotations

from aiohttp import web

from .api.application import add_management_api
from .api.calls import Desk
from .client_origins import ClientOrigins
from .console import Console
from .endpoint import Answer, FormEndpoint
from .interaction.account import AccountEndpoint
from .interaction.account_sign_in import AccountSignInEndpoint
from .interaction.authorization import AuthorizationEndpoint, Authorizer
from .interaction.console_sign_in import ConsoleSignInEndpoint
from .interaction.external import ExternalEndpoint
from .interaction.login import InteractionEndpoint
from .interaction.logout import LogoutEndpoint
from .interaction.people import People
from .interaction.second_factor import SecondFactorEndpoint
from .interaction.sign_in import SignIn
from .introspection import IntrospectionEndpoint, RevocationEndpoint
from .pages import Pages, set_up_templates
from .pushed_authorization import PushedAuthorizationEndpoint
from .rate_limit import limit_for_strangers
from .sources import Sources
from .token import TokenEndpoint
from .user_info import UserInfoEndpoint
from .well_known import WellKnown


def create_application(desk: Desk) -> web.Application:
    """The public application; every route stands below the path of the issuer.

    The one exception is RFC 8414 §3.1, which puts its well-known segment before that path. With
    ``admin_port``, nothing here manages anything.
    """
    services, registry = desk.services, desk.registry
    base = services.settings.issuer_path
    app = _application_with_pages(desk)
    well_known = WellKnown(services, registry)
    router = app.router
    people = People(services, limit_for_strangers())
    _add_forms(router, desk)
    router.add_get(f"{base}/.well-known/openid-configuration", well_known.configuration)
    router.add_get(f"/.well-known/oauth-authorization-server{base}", well_known.configuration)
    router.add_get(f"{base}/.well-known/jwks", well_known.jwks)
    user_info = UserInfoEndpoint(services, registry)
    for method in ("GET", "POST", "OPTIONS"):
        router.add_route(method, f"{base}/connect/userinfo", user_info.handle)
    _add_interaction(router, desk, people)
    has_console = not services.settings.admin_port
    _add_sign_in(router, desk, people, has_console=has_console)
    if has_console:
        _add_console(router, desk, people)
    return app


def create_admin_application(desk: Desk) -> web.Application:
    """What ``admin_port`` serves: management API and console, and the pages to sign in there."""
    app = _application_with_pages(desk)
    people = People(desk.services, limit_for_strangers())
    _add_sign_in(app.router, desk, people, has_console=True)
    _add_console(app.router, desk, people)
    return app


def _application_with_pages(desk: Desk) -> web.Application:
    services = desk.services
    app = web.Application()
    set_up_templates(app, services.settings)
    base, pages = services.settings.issuer_path, Pages(services)
    app.router.add_get(f"{base}/", pages.index)
    app.router.add_get(f"{base}/apogee.css", pages.style)
    return app


def _add_console(router: web.UrlDispatcher, desk: Desk, people: People) -> None:
    """The console, and the API that it stands on."""
    services = desk.services
    base, console = services.settings.issuer_path, Console(services.settings)
    sign_in = ConsoleSignInEndpoint(services, people)
    router.add_get(f"{base}/console/sign-in", sign_in.handle, allow_head=False)
    router.add_get(f"{base}/console", console.handle)
    router.add_get(f"{base}/console/{{name:.*}}", console.handle)
    add_management_api(router, desk)


def _add_sign_in(
    router: web.UrlDispatcher, desk: Desk, people: People, *, has_console: bool
) -> None:
    """Where somebody proves who she is, for what is not a client's."""
    services, base = desk.services, desk.services.settings.issuer_path
    sign_in = SignIn(services, people)
    page = AccountSignInEndpoint(services, people, sign_in, is_at_console=has_console)
    router.add_get(f"{base}/account/sign-in/{{handle}}", page.handle, allow_head=False)
    router.add_post(f"{base}/account/sign-in/{{handle}}", page.handle)
    external = ExternalEndpoint(services, desk.management, people, sign_in)
    router.add_get(
        f"{base}/connect/external/{{provider}}/{{handle}}", external.depart, allow_head=False
    )
    router.add_get(f"{base}/connect/callback/{{provider}}", external.arrive, allow_head=False)


def _add_forms(router: web.UrlDispatcher, desk: Desk) -> None:
    """Where clients send forms with their credentials."""
    services, registry = desk.services, desk.registry
    origins, sources = ClientOrigins(services.clients), Sources(services.settings.trusted_proxies)
    answers: dict[str, Answer] = {
        "token": TokenEndpoint(services, registry, desk.management.refusals).answer,
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
            strangers=limit_for_strangers() if name == "par" else None,
        )
        path = f"{services.settings.issuer_path}/connect/{name}"
        router.add_route("*", path, endpoint.handle)


def _add_interaction(router: web.UrlDispatcher, desk: Desk, people: People) -> None:
    """Where people come with their browsers."""
    services, registry = desk.services, desk.registry
    base = services.settings.issuer_path
    authorizer = Authorizer(services, registry)
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
    }
    external = ExternalEndpoint(services, desk.management, people, sign_in)
    router.add_get(f"{base}/account/link/{{provider}}", external.link, allow_head=False)
    for path, handler in pages.items():
        router.add_get(f"{base}/{path}", handler, allow_head=False)
        router.add_post(f"{base}/{path}", handler)
    router.add_get(f"{base}/connect/signed-out", logout.done)
