"""The floor: an aiohttp handler that only parses, hashes, signs and answers; no product.

Usage: lean.py ALGORITHM CLIENT_ID CLIENT_SECRET; prints its port.
"""

from __future__ import annotations

import asyncio
import base64
import hashlib
import hmac
import json
import secrets
import sys
import time
from collections.abc import Callable
from typing import Any

from aiohttp import web
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature


def signer(algorithm: str) -> Callable[[bytes], bytes]:
    if algorithm == "RS256":
        rsa_key = rsa.generate_private_key(65537, 2048)
        return lambda message: rsa_key.sign(message, padding.PKCS1v15(), hashes.SHA256())
    ec_key = ec.generate_private_key(ec.SECP256R1())

    def sign(message: bytes) -> bytes:
        r, s = decode_dss_signature(ec_key.sign(message, ec.ECDSA(hashes.SHA256())))
        return r.to_bytes(32, "big") + s.to_bytes(32, "big")

    return sign


def encoded(raw: bytes) -> bytes:
    return base64.urlsafe_b64encode(raw).rstrip(b"=")


def token_endpoint(algorithm: str, client_id: str, secret: str) -> web.Application:
    sign, known = signer(algorithm), hashlib.sha256(secret.encode()).digest()
    header = encoded(json.dumps({"alg": algorithm, "kid": algorithm, "typ": "at+jwt"}).encode())

    def claims_of(form: Any) -> dict[str, Any]:
        now = int(time.time())
        return {
            "iss": "https://idp.example.com",
            "sub": form["client_id"],
            "name": form["client_id"],
            "client_id": form["client_id"],
            "aud": "https://billing.example",
            "iat": now,
            "exp": now + 900,
            "jti": secrets.token_hex(16),
            "scope": form["scope"],
        }

    async def token(request: web.Request) -> web.Response:
        form = await request.post()
        presented = hashlib.sha256(str(form["client_secret"]).encode()).digest()
        if form["client_id"] != client_id or not hmac.compare_digest(known, presented):
            raise web.HTTPUnauthorized
        message = header + b"." + encoded(json.dumps(claims_of(form)).encode())
        value = message + b"." + encoded(sign(message))
        return web.json_response(
            {"access_token": value.decode(), "token_type": "Bearer", "expires_in": 900}
        )

    application = web.Application()
    application.router.add_post("/token", token)
    return application


async def main(*arguments: str) -> None:
    runner = web.AppRunner(token_endpoint(*arguments), access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    print(f"port {runner.addresses[0][1]}", flush=True)
    await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
