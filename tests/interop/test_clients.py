"""Third-party client libraries fetch tokens from a running server."""

from __future__ import annotations

import shutil
import subprocess

import pytest
from authlib.integrations.requests_client import OAuth2Session
from oauthlib.oauth2 import BackendApplicationClient, OAuth2Error
from requests.auth import HTTPBasicAuth
from requests_oauthlib import OAuth2Session as RequestsOAuth2Session

from .conftest import Deployment

SCOPE = "invoices.read"


@pytest.mark.parametrize("method", ["client_secret_basic", "client_secret_post"])
@pytest.mark.parametrize("client_id", ["plain", "sealed"])
def test_authlib(deployment: Deployment, method: str, client_id: str) -> None:
    """Authlib, by both authentication methods."""
    with OAuth2Session(
        client_id,
        deployment.secrets[client_id],
        token_endpoint_auth_method=method,
        scope=SCOPE,
    ) as session:
        token = session.fetch_token(deployment.token_endpoint, grant_type="client_credentials")
    assert token["token_type"] == "Bearer"
    assert token["scope"] == SCOPE
    assert token["access_token"].count(".") == (2 if client_id == "plain" else 4)


@pytest.mark.parametrize("method", ["client_secret_basic", "client_secret_post"])
def test_requests_oauthlib(
    deployment: Deployment, method: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """requests-oauthlib, by both authentication methods (plain http for loopback only)."""
    monkeypatch.setenv("OAUTHLIB_INSECURE_TRANSPORT", "1")
    secret = deployment.secrets["plain"]
    with RequestsOAuth2Session(client=BackendApplicationClient("plain", scope=[SCOPE])) as session:
        options = (
            {"auth": HTTPBasicAuth("plain", secret)}
            if method == "client_secret_basic"
            else {"client_id": "plain", "client_secret": secret, "include_client_id": True}
        )
        token = session.fetch_token(deployment.token_endpoint, **options)
    assert token["scope"] == [SCOPE]
    assert token["expires_in"] == 900


def test_a_refusal_is_understood(deployment: Deployment, monkeypatch: pytest.MonkeyPatch) -> None:
    """The error reaches the caller by its registered name."""
    monkeypatch.setenv("OAUTHLIB_INSECURE_TRANSPORT", "1")
    with (
        RequestsOAuth2Session(client=BackendApplicationClient("plain")) as session,
        pytest.raises(OAuth2Error) as caught,
    ):
        session.fetch_token(deployment.token_endpoint, auth=HTTPBasicAuth("plain", "wrong"))
    assert caught.value.error == "invalid_client"


def test_curl(deployment: Deployment) -> None:
    """The line that ``serve --dev`` prints."""
    curl = shutil.which("curl")
    if curl is None:
        pytest.skip("no curl on this machine")
    answer = subprocess.run(
        [
            *(curl, "-s", "-u", f"plain:{deployment.secrets['plain']}"),
            *("-d", "grant_type=client_credentials", deployment.token_endpoint),
        ],
        capture_output=True,
        check=True,
        timeout=30,
    )
    assert b'"access_token"' in answer.stdout
