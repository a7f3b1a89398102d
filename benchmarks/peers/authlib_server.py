"""The peer Authlib as its documentation has it: Flask, an authorization server, JWT access tokens.

Clients and tokens are in no database. Served by gunicorn, one worker with threads.
Usage: authlib_server.py ALGORITHM CLIENT_ID CLIENT_SECRET; prints its port.
"""

from __future__ import annotations

import hmac
import sys
from typing import Any

from authlib.integrations.flask_oauth2 import AuthorizationServer
from authlib.oauth2.rfc6749 import ClientMixin, grants
from authlib.oauth2.rfc9068 import JWTBearerTokenGenerator
from flask import Flask
from gunicorn.app.base import BaseApplication
from joserfc.jwk import ECKey, KeySet, RSAKey

_THREADS = 4


class Client(ClientMixin):
    def __init__(self, client_id: str, secret: str) -> None:
        self._client_id, self._secret = client_id, secret

    def get_client_id(self) -> str:
        return self._client_id

    def get_allowed_scope(self, scope: str) -> str:
        return " ".join({"invoices.read", "invoices.write"} & {*scope.split()})

    def check_client_secret(self, client_secret: str) -> bool:
        return hmac.compare_digest(self._secret, client_secret)

    def check_endpoint_auth_method(self, method: str, endpoint: str) -> bool:
        return (method, endpoint) == ("client_secret_post", "token")

    def check_grant_type(self, grant_type: str) -> bool:
        return grant_type == "client_credentials"


class ClientCredentialsGrant(grants.ClientCredentialsGrant):  # type: ignore[misc]
    TOKEN_ENDPOINT_AUTH_METHODS = ("client_secret_post",)


class TokenGenerator(JWTBearerTokenGenerator):  # type: ignore[misc]
    def __init__(self, algorithm: str) -> None:
        super().__init__("https://idp.example.com", alg=algorithm)
        facts = {"kid": algorithm, "alg": algorithm, "use": "sig"}
        ec = algorithm == "ES256"
        self._keys = KeySet(
            [ECKey.generate_key("P-256", facts) if ec else RSAKey.generate_key(2048, facts)]
        )

    def get_jwks(self) -> KeySet:
        return self._keys

    def get_audiences(self, client: Client, user: Any, scope: str) -> str:
        return "https://billing.example"

    def get_extra_claims(self, client: Client, grant_type: str, user: Any, scope: str) -> Any:
        return {"name": client.get_client_id()}


def token_endpoint(algorithm: str, client_id: str, secret: str) -> Flask:
    application, known = Flask(__name__), Client(client_id, secret)
    server = AuthorizationServer(
        application,
        query_client=lambda asked: known if asked == client_id else None,
        save_token=lambda token, request: None,
    )
    server.register_grant(ClientCredentialsGrant)
    server.register_token_generator("default", TokenGenerator(algorithm))
    application.add_url_rule("/token", view_func=server.create_token_response, methods=["POST"])
    return application


class Gunicorn(BaseApplication):  # type: ignore[misc]
    def __init__(self, application: Flask) -> None:
        self._application = application
        super().__init__()

    def load_config(self) -> None:
        options = {
            "bind": "127.0.0.1:0",
            "worker_class": "gthread",
            "threads": _THREADS,
            "keepalive": 75,
            "control_socket_disable": True,
            "when_ready": lambda arbiter: print(
                f"port {arbiter.LISTENERS[0].sock.getsockname()[1]}", flush=True
            ),
        }
        for name, value in options.items():
            self.cfg.set(name, value)

    def load(self) -> Flask:
        return self._application


if __name__ == "__main__":
    Gunicorn(token_endpoint(*sys.argv[1:])).run()
