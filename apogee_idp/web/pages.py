"""The few pages people see, from ``templates/``."""

from __future__ import annotations

from importlib import resources
from pathlib import Path
from types import CodeType

import aiohttp_jinja2
import jinja2
from aiohttp import web
from jinja2.bccache import Bucket

from ..errors import SettingsError
from ..services import Services
from ..settings import Settings
from .texts import Texts, load_texts


class CompiledTemplates(jinja2.BytecodeCache):
    """Keeps what was compiled, by name and content: all applications of a process have the same."""

    def __init__(self) -> None:
        self._code: dict[tuple[str, str], CodeType] = {}

    def load_bytecode(self, bucket: Bucket) -> None:
        """The code, if this source was compiled before."""
        bucket.code = self._code.get((bucket.key, bucket.checksum))

    def dump_bytecode(self, bucket: Bucket) -> None:
        """Remembers it."""
        if bucket.code is not None:
            self._code[bucket.key, bucket.checksum] = bucket.code


_COMPILED = CompiledTemplates()
_TEXTS = web.AppKey("texts", Texts)
_STYLE = "apogee.css"
_POLICY = "default-src 'none'; style-src 'self'; img-src 'self'; base-uri 'none'"


class Pages:
    """The index page and its style sheet."""

    def __init__(self, services: Services) -> None:
        self._settings = services.settings
        own = (Path(directory) / _STYLE for directory in services.settings.templates)
        shipped = resources.files("apogee_idp.templates").joinpath(_STYLE)
        self._style = next((path for path in own if path.exists()), shipped).read_text()

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


def set_up_templates(app: web.Application, settings: Settings) -> None:
    """Opens the templates that the package ships, and the operator's own before them.

    Raises SettingsError for a directory that isn't there, and for a template that is none.
    """
    own = settings.templates
    if missing := [directory for directory in own if not Path(directory).is_dir()]:
        raise SettingsError([f"templates: {name} is no directory" for name in missing])
    shipped = jinja2.PackageLoader("apogee_idp.templates", "")
    loader = jinja2.ChoiceLoader([jinja2.FileSystemLoader(own), shipped])
    environment = aiohttp_jinja2.setup(
        app, loader=loader, autoescape=True, bytecode_cache=_COMPILED
    )
    environment.undefined = jinja2.StrictUndefined
    environment.globals["base"] = settings.issuer_path
    app[_TEXTS] = environment.globals["text"] = load_texts(own)
    for name in environment.list_templates(extensions=["html"]):
        try:
            environment.get_template(name)
        except (jinja2.TemplateError, ValueError) as error:
            raise SettingsError([f"templates: {name}: {error}"]) from None


def check_templates(settings: Settings) -> None:
    """Raises SettingsError as ``set_up_templates`` does, and sets nothing up."""
    set_up_templates(web.Application(), settings)


def error_page(
    request: web.Request, status: int, title: str, explanation: str | None = None
) -> web.Response:
    """A page that says what happened, without repeating anything that was sent."""
    context = {"status": status, "title": title, "explanation": explanation}
    response = render_page(request, "error.html", context)
    response.set_status(status)
    response.headers["Cache-Control"] = "no-store"
    return response


def render_page(
    request: web.Request,
    template: str,
    context: dict[str, object],
    *,
    form_action: str = "'none'",
    script: str | None = None,
) -> web.Response:
    """A template, with the headers of every page.

    ``form_action`` says where its forms may lead (CSP Level 3 §6.4.2), ``script`` is the SHA-256 of
    the only script that it may run, in base64.
    """
    response = aiohttp_jinja2.render_template(template, request, context)
    policy = f"{_POLICY}; form-action {form_action}; frame-ancestors 'none'"
    if script is not None:
        policy += f"; script-src 'sha256-{script}'"
    response.headers["Content-Security-Policy"] = policy
    return response


def texts_of(request: web.Request) -> Texts:
    """The texts of the pages."""
    return request.app[_TEXTS]
