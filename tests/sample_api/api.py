"""Takes plain access tokens (JWS) of one issuer for one audience, and refuses all else."""

import asyncio

import jwt
from aiohttp import web


def create_api(issuer: str, audience: str, scope: str) -> web.Application:
    keys = jwt.PyJWKClient(f"{issuer}/.well-known/jwks")

    async def verified(request: web.Request) -> dict[str, object]:
        scheme, _, token = request.headers.get("Authorization", "").partition(" ")
        try:
            if scheme.lower() != "bearer" or jwt.get_unverified_header(token)["typ"] != "at+jwt":
                raise jwt.InvalidTokenError("no access token")
            key = await asyncio.to_thread(keys.get_signing_key_from_jwt, token)
            required = {"require": ["exp", "iat", "iss", "aud", "sub", "client_id", "jti"]}
            return jwt.decode(
                token, key, ["RS256", "ES256"], required, issuer=issuer, audience=audience
            )
        except (jwt.PyJWTError, KeyError):
            challenge = {"WWW-Authenticate": 'Bearer error="invalid_token"'}
            raise web.HTTPUnauthorized(headers=challenge) from None

    async def invoices(request: web.Request) -> web.Response:
        claims = await verified(request)
        if scope not in str(claims.get("scope", "")).split():
            raise web.HTTPForbidden(text="insufficient_scope")
        return web.json_response({"hello": claims["sub"]})

    app = web.Application()
    app.router.add_get("/invoices", invoices)
    return app
