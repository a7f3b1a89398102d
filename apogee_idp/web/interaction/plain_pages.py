"""Pages on which nothing can be done but to read them."""

from __future__ import annotations

from aiohttp import web

from ...errors import OAuthError, TemporarilyUnavailable
from ...logs import annotate_request
from ..pages import error_page, render_page, texts_of


class PlainPages:
    """What is told to the person, because it can't be told to the client."""

    @staticmethod
    def refused(request: web.Request, error: OAuthError) -> web.Response:
        """The request was refused, as the log tells, too; ``error`` repeats nothing of it."""
        annotate_request(error=error.code, reason=error.reason)
        texts = texts_of(request)
        name = "forged" if error.status == 403 else "explanation"
        explanation = texts(f"refused.{name}", description=error.description)
        status = 400 if error.status == 401 else error.status
        page = error_page(request, status, texts("refused.title"), explanation)
        if isinstance(error, TemporarilyUnavailable):
            page.headers["Retry-After"] = str(error.retry_after)
        return page

    @staticmethod
    def gone(request: web.Request) -> web.Response:
        """The page was used already, has expired, or belongs to another browser."""
        words = (texts_of(request)(f"gone.{name}") for name in ("title", "explanation"))
        return error_page(request, 410, *words)

    @staticmethod
    def signed_out(request: web.Request) -> web.Response:
        """Nobody is signed in any more."""
        response = render_page(request, "signed_out.html", {})
        response.headers["Cache-Control"] = "no-store"
        return response
