"""The server as a process: starting, refusing to start, serving, stopping."""

from __future__ import annotations

import http.client
import json
import shlex
import shutil
import signal
import socket
import subprocess
import threading
import urllib.error
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from urllib.parse import urlencode

import pytest

from tests.process import Server, environment, free_port, run
from tests.waiting import wait_until

from .conftest import Cli


@contextmanager
def serving(
    *arguments: str, env: dict[str, str], cwd: Path, before: Sequence[str] = ()
) -> Iterator[Server]:
    server = Server(*arguments, env=env, cwd=cwd, before=before)
    try:
        server.wait_for("serving")
        yield server
    finally:
        server.stop()


def get(url: str) -> dict[str, object]:
    with urllib.request.urlopen(url, timeout=30) as answer:
        return dict(json.load(answer))


def granted(port: int, client_id: str, secret: str) -> int:
    form = {
        "grant_type": "client_credentials",
        "client_id": client_id,
        "client_secret": secret,
    }
    url = f"http://127.0.0.1:{port}/connect/token"
    try:
        with urllib.request.urlopen(url, urlencode(form).encode(), timeout=30) as answer:
            return int(answer.status)
    except urllib.error.HTTPError as error:
        with error:
            return error.code


def wait_until_refused(port: int) -> None:
    def is_refused() -> bool:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=5).close()
        except ConnectionRefusedError:
            return True
        except ConnectionResetError:
            pass  # it closed just then
        return False

    wait_until(is_refused, 30)


def curl_lines(server: Server) -> list[list[str]]:
    return [shlex.split(line) for line in server.output if line.strip().startswith("curl ")]


def test_dev_prints_lines_that_work_and_fresh_secrets_each_time(tmp_path: Path) -> None:
    """A JWE and a JWS client; on the second run the first run's secrets are refused."""
    seen: list[tuple[str, str]] = []
    for _ in range(2):
        port = free_port()
        with serving("--dev", "--port", str(port), env=environment(), cwd=tmp_path) as server:
            lines = curl_lines(server)
            assert len(lines) == 2
            for client_id, secret in seen:
                assert granted(port, client_id, secret) == 401
            parts = []
            for line in lines:
                client_id, _, secret = line[line.index("-u") + 1].partition(":")
                seen.append((client_id, secret))
                printed = subprocess.run(line, capture_output=True, check=True, timeout=30).stdout
                parts.append(json.loads(printed)["access_token"].count("."))
            assert parts == [4, 2]
            issuer = f"http://localhost:{port}"
            assert get(f"{issuer}/.well-known/openid-configuration")["issuer"] == issuer
    key_file = tmp_path / "apogee.db-dev.key"
    assert key_file.stat().st_mode & 0o777 == 0o600


def test_clients_made_beside_a_running_server_work_at_once(
    cli: Cli, home_env: dict[str, str], tmp_path: Path
) -> None:
    """Another process wrote them into the same store."""
    port = free_port()
    env = home_env | {"APOGEE_PORT": str(port)}
    with serving(env=env, cwd=tmp_path):
        made = json.loads(cli("clients", "create", "billing", "--json").stdout)
        assert granted(port, "billing", made["client_secret"]) == 200


REFUSALS = [
    pytest.param({"APOGEE_KEY_ENCRYPTION_KEY": ""}, "no key-encryption key", id="no key"),
    pytest.param({"APOGEE_KEY_ENCRYPTION_KEY": "secret"}, "32 bytes", id="a short key"),
    pytest.param({"APOGEE_ISSUER": "http://idp.example"}, "must be https", id="plain http"),
    pytest.param({"APOGEE_NONSENSE": "1"}, "APOGEE_NONSENSE", id="an unknown setting"),
    pytest.param({"APOGEE_PORT": "tcp://10.0.0.1:80"}, "APOGEE_PORT", id="a service link"),
    pytest.param({"APOGEE_STORE": "mongodb://x"}, "MongoDB", id="a store that is to come"),
    pytest.param({"APOGEE_PLUGINS": "nowhere"}, "plugin nowhere", id="a plugin that isn't there"),
    pytest.param({"APOGEE_PLUGINS": "handlers:register"}, "already has", id="the built-ins twice"),
    pytest.param({"APOGEE_HOST": "192.0.2.1"}, "can't listen on 192.0.2.1", id="a foreign address"),
]


@pytest.mark.parametrize(("variables", "message"), REFUSALS)
def test_what_is_wrong_stops_the_start(
    home_env: dict[str, str], tmp_path: Path, variables: dict[str, str], message: str
) -> None:
    """R-K8-05: exit code 1, a clear line, no traceback, and no secret repeated."""
    env = home_env | {"APOGEE_PORT": str(free_port())} | variables
    done = run("serve", env=env, cwd=tmp_path)
    assert done.returncode == 1
    assert message in done.stderr
    assert "Traceback" not in done.stderr + done.stdout
    assert "secret" not in done.stderr.replace("secrets", "")


def test_a_taken_port_is_named(home_env: dict[str, str], tmp_path: Path) -> None:
    """With what to do about it."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        port = str(listener.getsockname()[1])
        done = run("serve", "--port", port, env=home_env, cwd=tmp_path)
    assert done.returncode == 1
    assert f"can't listen on 127.0.0.1:{port}" in done.stderr
    assert "see host, port, admin_port and health_port" in done.stderr


def plugged(source: str, home: Path) -> dict[str, str]:
    """The variables that enable ``source`` as a plugin."""
    (home / "local_plugin.py").write_text(source)
    return {"APOGEE_PLUGINS": "local_plugin:register", "PYTHONPATH": str(home)}


SLOW_PLUGIN = """
import asyncio, pathlib
from apogee_idp import ProcessSignIn, Stage

async def wait_for_the_sign(event):
    print("handler waits", flush=True)
    while not pathlib.Path("go").exists():
        await asyncio.sleep(0.01)

def register(registry, services):
    registry.add(ProcessSignIn, wait_for_the_sign, name="wait", order=Stage.GENERATE_TOKEN - 1)
"""


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_F_PR_01_requests_in_flight_are_answered_on_a_stop(
    cli: Cli, home_env: dict[str, str], tmp_path: Path, number: int
) -> None:
    """No new connections, every begun request gets its 200, exit code 0; twice told is once."""
    secret = json.loads(cli("clients", "create", "billing", "--json").stdout)["client_secret"]
    port, begun = free_port(), 20
    env = home_env | plugged(SLOW_PLUGIN, tmp_path) | {"APOGEE_PORT": str(port)}
    env |= {"APOGEE_HANDLER_TIMEOUT": "60"}
    with serving(env=env, cwd=tmp_path) as server:
        statuses: list[int] = []
        requests = [
            threading.Thread(target=lambda: statuses.append(granted(port, "billing", secret)))
            for _ in range(begun)
        ]
        for request in requests:
            request.start()
        for _ in range(begun):
            server.wait_for("handler waits")
        server.send(number)
        server.wait_for("stopping")
        server.send(number)
        wait_until_refused(port)
        (tmp_path / "go").touch()
        for request in requests:
            request.join()
        assert server.wait() == 0
    assert statuses == [200] * begun
    assert any("stopped" in line for line in server.output)


def asked_on(kept: http.client.HTTPConnection) -> tuple[int, str | None]:
    """The status, and what is said of the connection."""
    kept.request("GET", "/.well-known/jwks")
    answer = kept.getresponse()
    answer.read()
    return answer.status, answer.headers["Connection"]


def test_F_PR_01_a_server_that_is_to_stop_is_unready_and_serves_on(
    home_env: dict[str, str], tmp_path: Path
) -> None:
    """Until it has drained, with answers that end their connections; SIGINT ends the draining."""
    port, health = free_port(), free_port()
    env = home_env | {"APOGEE_PORT": str(port), "APOGEE_HEALTH_PORT": str(health)}
    env |= {"APOGEE_DRAIN_SECONDS": "60"}
    with serving(env=env, cwd=tmp_path) as server, ExitStack() as stack:

        def connection() -> http.client.HTTPConnection:
            made = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
            stack.callback(made.close)
            return made

        kept, idle = connection(), connection()
        assert asked_on(kept) == asked_on(idle) == (200, None)
        server.send(signal.SIGTERM)
        server.wait_for("stopping")
        with pytest.raises(urllib.error.HTTPError, match="503") as unready:
            get(f"http://127.0.0.1:{health}/readyz")
        assert json.load(unready.value)["problem"] == "stopping"
        unready.value.close()
        assert get(f"http://127.0.0.1:{health}/livez")["status"] == "alive"
        assert asked_on(kept) == (200, "close")
        for _ in range(3):
            assert asked_on(connection()) == (200, "close")
        server.send(signal.SIGINT)
        assert idle.sock.recv(1) == b""  # it was between two requests
        wait_until_refused(port)
        assert server.wait() == 0


def test_a_body_that_is_on_its_way_is_waited_for(
    cli: Cli, home_env: dict[str, str], tmp_path: Path
) -> None:
    """SIGTERM between head and body: the request is answered all the same."""
    secret = json.loads(cli("clients", "create", "billing", "--json").stdout)["client_secret"]
    port = free_port()
    body = f"grant_type=client_credentials&client_id=billing&client_secret={secret}".encode()
    head = (
        "POST /connect/token HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\n"
        "Content-Type: application/x-www-form-urlencoded\r\n"
        f"Content-Length: {len(body)}\r\n\r\n"
    )
    with serving(env=home_env | {"APOGEE_PORT": str(port)}, cwd=tmp_path) as server:
        with socket.create_connection(("127.0.0.1", port), timeout=30) as connection:
            connection.sendall(head.encode())
            assert b"100 Continue" in connection.recv(4096)  # the request has begun
            connection.sendall(body[:-5])
            server.send(signal.SIGTERM)
            server.wait_for("stopping")
            wait_until_refused(port)
            connection.sendall(body[-5:])
            answer = connection.makefile("rb").read()
        assert server.wait() == 0
    assert b"HTTP/1.1 200 OK" in answer
    assert b"Connection: close" in answer


STUBBORN_PLUGIN = """
import asyncio
from apogee_idp import ProcessSignIn, Stage

async def never_end(event):
    print("handler waits", flush=True)
    while True:
        try:
            await asyncio.sleep(3600)
        except asyncio.CancelledError:
            pass

def register(registry, services):
    registry.add(ProcessSignIn, never_end, name="never_end", order=Stage.GENERATE_TOKEN - 1)
"""


SLEEPY_PLUGIN = """
import asyncio, time
from apogee_idp import ProcessSignIn, Stage

async def sleep_in_a_thread(event):
    print("handler waits", flush=True)
    await asyncio.to_thread(time.sleep, 3600)

def register(registry, services):
    registry.add(ProcessSignIn, sleep_in_a_thread, name="sleep", order=Stage.GENERATE_TOKEN - 1)
"""


@pytest.mark.parametrize(
    "plugin", [STUBBORN_PLUGIN, SLEEPY_PLUGIN], ids=["swallows cancellation", "sleeps in a thread"]
)
def test_a_handler_that_never_ends_does_not_keep_the_process(
    cli: Cli, home_env: dict[str, str], tmp_path: Path, plugin: str
) -> None:
    """The stop says so and exits with 1."""
    secret = json.loads(cli("clients", "create", "billing", "--json").stdout)["client_secret"]
    port = free_port()
    env = home_env | plugged(plugin, tmp_path) | {"APOGEE_PORT": str(port)}
    env |= {"APOGEE_SHUTDOWN_TIMEOUT": "0.1"}
    with serving(env=env, cwd=tmp_path) as server:

        def ask() -> None:
            with suppress(OSError, http.client.HTTPException):
                granted(port, "billing", secret)

        request = threading.Thread(target=ask)
        request.start()
        server.wait_for("handler waits")
        assert server.stop() == 1
        request.join()
    assert any("stopped_with_hanging_handlers" in line for line in server.output)


def test_running_out_of_file_descriptors_is_survived(
    cli: Cli, home_env: dict[str, str], tmp_path: Path
) -> None:
    """Kept connections go on, few events are logged, and all is well when the others have gone."""
    secret = json.loads(cli("clients", "create", "billing", "--json").stdout)["client_secret"]
    port = free_port()
    env = home_env | {"APOGEE_PORT": str(port)}
    limit = ["prlimit", "--nofile=64:64"] if shutil.which("prlimit") else None
    if limit is None:
        pytest.skip("no prlimit on this machine")
    with serving(env=env, cwd=tmp_path, before=limit) as server:
        kept = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
        form = {"grant_type": "client_credentials", "client_id": "billing", "client_secret": secret}
        headers = {"Content-Type": "application/x-www-form-urlencoded"}
        idle = [socket.create_connection(("127.0.0.1", port), timeout=30) for _ in range(20)]
        for n in range(200):
            kept.request("POST", "/connect/token", urlencode(form), headers)
            answer = kept.getresponse()
            assert (answer.status, bool(answer.read())) == (200, True)
            if n < 60:
                idle.append(socket.create_connection(("127.0.0.1", port), timeout=30))
        for connection in (*idle, kept.sock):
            connection.close()
        assert granted(port, "billing", secret) == 200
    assert sum("event_loop_error" in line for line in server.output) < 30


def test_F_PR_05_a_log_that_nobody_reads_does_not_stop_the_server(
    cli: Cli, home_env: dict[str, str], tmp_path: Path
) -> None:
    """More events than the pipe takes: tokens go on."""
    secret = json.loads(cli("clients", "create", "billing", "--json").stdout)["client_secret"]
    port = free_port()
    env = home_env | {"APOGEE_PORT": str(port), "APOGEE_LOG_LEVEL": "debug"}
    with serving(env=env, cwd=tmp_path):
        statuses = {granted(port, "billing", secret) for _ in range(300)}
    assert statuses == {200}


def test_two_servers_that_start_together_publish_the_same_keys(
    home_env: dict[str, str], tmp_path: Path
) -> None:
    """On an empty store."""
    ports = [free_port(), free_port()]
    servers = [Server(env=home_env | {"APOGEE_PORT": str(port)}, cwd=tmp_path) for port in ports]
    for server in servers:
        server.wait_for("serving")
    published = [get(f"http://127.0.0.1:{port}/.well-known/jwks") for port in ports]
    assert [server.stop() for server in servers] == [0, 0]
    assert published[0] == published[1]


def test_logs_are_one_JSON_event_a_request(
    cli: Cli, home_env: dict[str, str], tmp_path: Path
) -> None:
    """Request id, client, outcome, handler timings at debug; reasons stay in the log."""
    secret = json.loads(cli("clients", "create", "billing", "--json").stdout)["client_secret"]
    port = free_port()
    env = home_env | {"APOGEE_PORT": str(port), "APOGEE_LOG_LEVEL": "debug"}
    with serving(env=env, cwd=tmp_path) as server:
        assert granted(port, "billing", secret) == 200
        assert granted(port, "billing", "wrong") == 401
    good, bad = [e for e in server.events() if e["event"] == "request_finished"]
    assert (good["client_id"], good["status"], good["route"]) == ("billing", 200, "/connect/token")
    assert {"ProcessSignIn.validate_client", "GenerateToken.write_token"} <= set(
        good["handlers_ms"]
    )
    assert len({good["request_id"], bad["request_id"]}) == 2
    assert (bad["error"], bad["reason"]) == ("invalid_client", "wrong or expired secret")
    assert "client_id" not in bad


def test_the_issuers_path_is_where_everything_stands(
    home_env: dict[str, str], tmp_path: Path
) -> None:
    """R-MD-02: one well-known document behind the path, one before it (RFC 8414 §3.1)."""
    port = free_port()
    issuer = f"http://localhost:{port}/tenant/one"
    env = home_env | {"APOGEE_PORT": str(port), "APOGEE_ISSUER": issuer}
    with serving(env=env, cwd=tmp_path):
        behind = get(f"{issuer}/.well-known/openid-configuration")
        root = f"http://localhost:{port}/.well-known/oauth-authorization-server/tenant/one"
        assert behind == get(root)
        assert behind["issuer"] == issuer
        assert behind["token_endpoint"] == f"{issuer}/connect/token"
        assert get(str(behind["jwks_uri"]))["keys"]
        with urllib.request.urlopen(f"{issuer}/", timeout=30) as page:
            assert b'href="/tenant/one/apogee.css"' in page.read()
