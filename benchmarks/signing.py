"""What signing through the ``cryptography`` key saves, compared with jwcrypto's own JWS.

``make bench`` prints, for each algorithm, the median time of both and their ratio.
"""

from __future__ import annotations

import asyncio
import base64
import json
import secrets
import statistics
import time
from collections.abc import Awaitable, Callable
from typing import Any

from jwcrypto import jwk, jws

from apogee_idp.crypto.keys import generate_record, open_record
from apogee_idp.crypto.sealing import KeyEncryptionKey, unseal
from apogee_idp.crypto.tokens import sign_jwt
from apogee_idp.key_model import KeyRecord

ROUNDS = 9
SIGNATURES = 200
CLAIMS: dict[str, Any] = {
    "iss": "https://idp.example.com",
    "sub": "billing",
    "name": "billing",
    "client_id": "billing",
    "aud": "https://billing.example",
    "scope": "invoices.read invoices.write",
    "iat": 1_800_000_000,
    "exp": 1_800_000_900,
    "jti": "0" * 32,
}


async def with_jwcrypto(record: KeyRecord, key: jwk.JWK) -> str:
    token = jws.JWS(json.dumps(CLAIMS).encode())
    header = {"alg": record.algorithm, "kid": record.kid, "typ": "at+jwt"}
    token.add_signature(key, protected=json.dumps(header))
    return str(token.serialize(compact=True))


async def microseconds(sign: Callable[[], Awaitable[str]]) -> float:
    started = time.perf_counter()
    for _ in range(SIGNATURES):
        await sign()
    return (time.perf_counter() - started) / SIGNATURES * 1e6


async def main() -> None:
    key_encryption_key = KeyEncryptionKey.parse(base64.b64encode(secrets.token_bytes(32)).decode())
    print("algorithm  jwcrypto  cryptography  ratio")
    for algorithm in ("RS256", "ES256"):
        record = generate_record(algorithm, key_encryption_key, now=0, activates_at=0)
        private = unseal(record, [key_encryption_key])
        ours = open_record(record, [key_encryption_key], {}).signing
        slow, fast = [], []
        for _ in range(ROUNDS):
            slow.append(await microseconds(lambda r=record, k=private: with_jwcrypto(r, k)))
            fast.append(await microseconds(lambda k=ours: sign_jwt(CLAIMS, k, typ="at+jwt")))
        one, other = statistics.median(slow), statistics.median(fast)
        print(f"{record.algorithm:<9}  {one:6.0f} µs  {other:9.0f} µs  {other / one:5.2f}")


if __name__ == "__main__":
    asyncio.run(main())
