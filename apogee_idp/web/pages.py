"""The few pages people see, from ``templates/``."""

from __future__ import annotations

from importlib import resources

import aiohttp_jinja2
import jinja2
from aiohttp import web

from ..services import Services

_PAGE_POLICY = (
    "default-src 'none'; style-src 'self'; base-uri 'none'; form-action 'none';"
    " frame-ancestors 'none'"
)


class Pages:
    """The index page and its style sheet."""

    def __init__(self, services: Services) -> None:
        self._settings = services.settings
        self._style = resources.files("apogee_idp.templates").joinpath("apogee.css").read_text()

    async def index(self, request: web.Request) -> web.Response:
        """What this server is, and where its documents are."""
        links = {
            name: self._settings.endpoint(path)
            for name, path in (
                ("configuration", "/.well-known/openid-configuration"),
                ("jwks", "/.well-known/jwks"),
                ("token", "/connect/token"),
            )
        }
        return render_page(request, "index.html", {"issuer": self._settings.issuer, "links": links})

    async def style(self, _: web.Request) -> web.Response:
        """The one style sheet; pages have no inline style."""
        headers = {"Cache-Control": "public, max-age=3600"}
        return web.Response(text=self._style, content_type="text/css", headers=headers)


def set_up_templates(app: web.Application, services: Services) -> None:
    """Opens the templates that the package ships."""
    loader = jinja2.PackageLoader("apogee_idp.templates", "")
    environment = aiohttp_jinja2.setup(app, loader=loader, autoescape=True)
    environment.globals["base"] = services.settings.issuer_path


def error_page(request: web.Request, status: int, title: str) -> web.Response:
    """A page that says what happened, without repeating anything that was sent."""
    response = render_page(request, "error.html", {"status": status, "title": title})
    response.set_status(status)
    response.headers["Cache-Control"] = "no-store"
    return response


def render_page(request: web.Request, template: str, context: dict[str, object]) -> web.Response:
    """A template, with the headers of every page."""
    response = aiohttp_jinja2.render_template(template, request, context)
    response.headers["Content-Security-Policy"] = _PAGE_POLICY
    return response
