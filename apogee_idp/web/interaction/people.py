"""Which browser this is, and who is signed in there."""

from __future__ import annotations

from aiohttp import web

from ...browser_secrets import key_of, new_value
from ...interactions import Interaction, Interactions, Parameters, Purpose
from ...requests import Session, UserAuthentication
from ...services import Services
from ...sessions import Place
from ..cookies import Cookies
from ..rate_limit import RateLimit
from ..sources import Sources

_MAXIMUM_USER_AGENT = 256


class People:
    """Sessions and interactions by a browser's cookies; every method raises StoreUnavailable.

    Every method raises InvalidRequest for cookies that are there twice. ``strangers`` bounds what
    is kept for those who have not signed in yet.
    """

    def __init__(self, services: Services, strangers: RateLimit) -> None:
        self._strangers = strangers
        self._cookies = Cookies(services.settings.issuer)
        self._sessions = services.sessions
        self._interactions: Interactions = services.interactions
        self._sources = Sources(services.settings.trusted_proxies)

    async def session(self, request: web.Request) -> Session | None:
        """Who is signed in in this browser, if anyone."""
        return await self._sessions.find(self._cookies.read(request, "session"))

    async def sign_in(
        self, request: web.Request, authentication: UserAuthentication
    ) -> tuple[str, Session]:
        """A new session, for ``remember``; the one before it, if any, has ended.

        Never one that the browser came with: somebody else may have put it there.
        """
        return await self._sessions.begin(
            authentication,
            previous=await self.session(request),
            place=Place(_user_agent(request), self._sources.of(request)),
        )

    async def sign_in_again(
        self, request: web.Request, authentication: UserAuthentication, previous: Session
    ) -> tuple[str, Session]:
        """The same for who was signed in until a moment ago, in this browser."""
        place = Place(_user_agent(request), self._sources.of(request))
        return await self._sessions.begin(authentication, previous=previous, place=place)

    def remember(self, response: web.Response, value: str) -> web.Response:
        """The response, which gives the browser the value of its new session."""
        self._cookies.write(response, "session", value)
        return response

    async def sign_out(self, request: web.Request) -> None:
        """Ends the session of this browser, if there is one."""
        session = await self.session(request)
        if session is not None:
            await self._sessions.end(session)

    def forget(self, response: web.Response) -> web.Response:
        """The response, which takes the session's value from the browser."""
        self._cookies.clear(response, "session")
        return response

    def secret(self, request: web.Request) -> str:
        """What only this browser knows; a new value for one that has none, to be kept by it."""
        return self._cookies.read(request, "browser") or new_value()

    def mark(self, request: web.Request, response: web.Response, secret: str) -> web.Response:
        """The response, which gives the browser that value, unless it has it already."""
        if self._cookies.read(request, "browser") != secret:
            self._cookies.write(response, "browser", secret)
        return response

    async def park(
        self,
        request: web.Request,
        purpose: Purpose,
        parameters: Parameters,
        *,
        browser: str | None = None,
    ) -> str:
        """The handle to a request that waits from now on, as ``Interactions.park``.

        Raises TooManyRequests for a source of which too many wait.
        """
        self._strangers.admit(self._sources.of(request))
        return await self._interactions.park(purpose, parameters, browser=browser)

    async def interaction(
        self, request: web.Request, purpose: Purpose, secret: str
    ) -> Interaction | None:
        """The one in the address, if it is this browser's or nobody's yet: then it becomes its."""
        found = await self._interactions.find(request.match_info["handle"], purpose)
        browser = key_of(secret)
        if found is not None and found.browser is None:
            return await self._interactions.bind(found, browser)
        return found if found is not None and found.browser == browser else None


def _user_agent(request: web.Request) -> str:
    """What the browser says it is, as far as it can be shown."""
    said = request.headers.get("User-Agent", "")
    return "".join(filter(str.isprintable, said))[:_MAXIMUM_USER_AGENT]
