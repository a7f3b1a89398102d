"""Keys from files: every usual format, and nothing that the server can't sign with."""

from __future__ import annotations

import datetime as dt
import json
import os
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import dsa, ec, ed448, ed25519, rsa, x25519
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    pkcs12,
)
from jwcrypto import jwk, jws

from apogee_idp.crypto.key_files import (
    MAXIMUM_FILE_BYTES,
    FileKey,
    read_key_files,
    read_private_keys,
)
from apogee_idp.crypto.signing import generate_private_key
from apogee_idp.errors import KeyringError
from tests.canary import PLANTED

PASSWORD = b"canary-of-a-key-file-4Kp8w1"
PLANTED.add(PASSWORD.decode())
NAME = "/etc/keys/signing"
ALGORITHMS = {"rsa": "RS256", "p256": "ES256", "p384": "ES384", "ed25519": "EdDSA"}


@cache
def key(kind: str) -> Any:
    made: dict[str, Callable[[], Any]] = {
        "rsa": lambda: rsa.generate_private_key(65537, 2048),
        "rsa1024": lambda: rsa.generate_private_key(65537, 1024),
        "rsa e=3": lambda: rsa.generate_private_key(3, 2048),
        "p256": lambda: ec.generate_private_key(ec.SECP256R1()),
        "another p256": lambda: ec.generate_private_key(ec.SECP256R1()),
        "p384": lambda: ec.generate_private_key(ec.SECP384R1()),
        "p521": lambda: ec.generate_private_key(ec.SECP521R1()),
        "secp256k1": lambda: ec.generate_private_key(ec.SECP256K1()),
        "ed25519": ed25519.Ed25519PrivateKey.generate,
        "ed448": ed448.Ed448PrivateKey.generate,
        "x25519": x25519.X25519PrivateKey.generate,
        "dsa": lambda: dsa.generate_private_key(2048),
    }
    return made[kind]()


def pem(
    kind: str,
    form: PrivateFormat = PrivateFormat.PKCS8,
    password: bytes | None = None,
    encoding: Encoding = Encoding.PEM,
) -> bytes:
    encryption = BestAvailableEncryption(password) if password else NoEncryption()
    return bytes(key(kind).private_bytes(encoding, form, encryption))


def public_pem(kind: str) -> bytes:
    form = PublicFormat.SubjectPublicKeyInfo
    return bytes(key(kind).public_key().public_bytes(Encoding.PEM, form))


@cache
def certificate(kind: str) -> x509.Certificate:
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "apogee")])
    today = dt.datetime.now(dt.UTC)
    return (
        x509.CertificateBuilder(name, name, key(kind).public_key(), x509.random_serial_number())
        .not_valid_before(today)
        .not_valid_after(today + dt.timedelta(days=1))
        .sign(key("p256"), hashes.SHA256())
    )


def certificate_pem(kind: str) -> bytes:
    return certificate(kind).public_bytes(Encoding.PEM)


def pfx(kind: str | None, password: bytes | None) -> bytes:
    encryption = BestAvailableEncryption(password) if password else NoEncryption()
    return pkcs12.serialize_key_and_certificates(
        b"apogee", key(kind) if kind else None, certificate(kind or "p256"), None, encryption
    )


def members(kind: str, **changes: Any) -> dict[str, Any]:
    exported = jwk.JWK.from_pyca(key(kind)).export(as_dict=True) | changes
    return {name: value for name, value in exported.items() if value is not None}


def as_json(content: Any) -> bytes:
    return json.dumps(content).encode()


def read(raw: bytes, password: bytes | None = None) -> tuple[FileKey, ...]:
    return read_private_keys(raw, name=NAME, password=password)


def kids(*kinds: str) -> list[str]:
    return [str(jwk.JWK.from_pyca(key(kind)).thumbprint()) for kind in kinds]


TRADITIONAL = PrivateFormat.TraditionalOpenSSL


@pytest.mark.parametrize(
    ("raw", "password", "kinds"),
    [
        *(pytest.param(lambda k=k: pem(k), None, [k], id=f"PKCS#8 {k}") for k in ALGORITHMS),
        *(
            pytest.param(
                lambda k=k: pem(k, password=PASSWORD), PASSWORD, [k], id=f"encrypted PKCS#8 {k}"
            )
            for k in ALGORITHMS
        ),
        pytest.param(lambda: pem("rsa", TRADITIONAL), None, ["rsa"], id="PKCS#1"),
        pytest.param(lambda: pem("p256", TRADITIONAL), None, ["p256"], id="SEC1 P-256"),
        pytest.param(lambda: pem("p384", TRADITIONAL), None, ["p384"], id="SEC1 P-384"),
        pytest.param(
            lambda: (
                b"-----BEGIN EC PARAMETERS-----\nBggqhkjOPQMBBw==\n-----END EC PARAMETERS-----\n"
                + pem("p256", TRADITIONAL)
            ),
            None,
            ["p256"],
            id="as openssl ecparam -genkey writes it",
        ),
        pytest.param(lambda: pem("rsa"), PASSWORD, ["rsa"], id="a password that is not needed"),
        pytest.param(
            lambda: certificate_pem("rsa") + pem("rsa") + certificate_pem("p256"),
            None,
            ["rsa"],
            id="certificates beside it",
        ),
        pytest.param(
            lambda: pem("rsa") + pem("p256", password=PASSWORD) + pem("ed25519"),
            PASSWORD,
            ["rsa", "p256", "ed25519"],
            id="several, one encrypted",
        ),
        pytest.param(
            lambda: b"a note\r\n" + pem("p256").replace(b"\n", b"\r\n"), None, ["p256"], id="CRLF"
        ),
        *(
            pytest.param(lambda k=k: as_json(members(k)), None, [k], id=f"JWK {k}")
            for k in ALGORITHMS
        ),
        pytest.param(
            lambda: b"\n " + as_json(members("p256", use="sig", alg="ES256", kid="mine")) + b"\n",
            None,
            ["p256"],
            id="JWK with use, alg and kid",
        ),
        pytest.param(
            lambda: as_json({"keys": [members("rsa"), members("p256")]}),
            None,
            ["rsa", "p256"],
            id="JWK Set",
        ),
        *(
            pytest.param(lambda k=k: pfx(k, PASSWORD), PASSWORD, [k], id=f"PFX {k}")
            for k in ALGORITHMS
        ),
        pytest.param(lambda: pfx("rsa", None), None, ["rsa"], id="PFX without password"),
        pytest.param(lambda: pfx("rsa", None), b"", ["rsa"], id="PFX with an empty password"),
        pytest.param(lambda: pfx("rsa", None), PASSWORD, ["rsa"], id="PFX that needs no password"),
    ],
)
def test_the_usual_formats_are_read(
    raw: Callable[[], bytes], password: bytes | None, kinds: list[str]
) -> None:
    """Each key with its algorithm, its thumbprint, and nothing else from the file."""
    found = read(raw(), password)
    assert [key.kid for key in found] == kids(*kinds)
    assert [key.algorithm for key in found] == [ALGORITHMS[kind] for kind in kinds]
    for one in found:
        signed = jws.JWS(b"text")
        signed.add_signature(one.private, alg=one.algorithm, protected={"alg": one.algorithm})
        public = jwk.JWK(**one.private.export_public(as_dict=True))
        assert set(public) <= {"kty", "n", "e", "crv", "x", "y", "kid"}
        signed.verify(public)


@pytest.mark.parametrize("algorithm", ["RS256", "RS384", "RS512", "PS256"])
def test_a_JWK_says_what_it_is_for(algorithm: str) -> None:
    """An RSA key is good for several algorithms, but for one of them only."""
    (found,) = read(as_json(members("rsa", alg=algorithm)))
    assert found.algorithm == algorithm


JUNK = b"\x00what-is-not-to-be-seen\xff"


@pytest.mark.parametrize(
    ("raw", "password"),
    [
        pytest.param(lambda: b"", None, id="nothing"),
        pytest.param(lambda: JUNK, None, id="junk"),
        pytest.param(lambda: b"\x30\x82" + JUNK, None, id="junk in DER"),
        pytest.param(lambda: b"-----BEGIN " + JUNK, None, id="junk in PEM"),
        pytest.param(lambda: b'{"keys": ' + JUNK, None, id="junk in JSON"),
        pytest.param(lambda: pem("rsa")[:-40], None, id="PEM cut off"),
        pytest.param(lambda: pem("rsa")[:900] + pem("p256"), None, id="PEM cut off before another"),
        pytest.param(lambda: pem("p256").replace(b"M", b"N"), None, id="damaged PEM"),
        pytest.param(lambda: pem("rsa", encoding=Encoding.DER), None, id="PKCS#8 in DER"),
        pytest.param(lambda: public_pem("rsa"), None, id="a public key"),
        pytest.param(lambda: pem("rsa") + public_pem("p256"), None, id="a public key beside"),
        pytest.param(lambda: certificate_pem("rsa"), None, id="a certificate"),
        pytest.param(lambda: pem("ed25519", PrivateFormat.OpenSSH), None, id="OpenSSH"),
        pytest.param(lambda: pem("p256", password=PASSWORD), None, id="encrypted, no password"),
        pytest.param(lambda: pem("p256", password=PASSWORD), b"", id="encrypted, empty password"),
        pytest.param(lambda: pem("p256", password=PASSWORD), b"wrong", id="encrypted, wrong one"),
        pytest.param(
            lambda: pem("rsa", TRADITIONAL, PASSWORD), PASSWORD, id="encrypted as in former days"
        ),
        pytest.param(lambda: pem("rsa1024"), None, id="RSA 1024"),
        pytest.param(lambda: pem("rsa e=3"), None, id="RSA with another exponent"),
        pytest.param(lambda: pem("p521"), None, id="P-521"),
        pytest.param(lambda: pem("secp256k1"), None, id="secp256k1"),
        pytest.param(lambda: pem("ed448"), None, id="Ed448"),
        pytest.param(lambda: pem("x25519"), None, id="X25519"),
        pytest.param(lambda: pem("dsa"), None, id="DSA"),
        pytest.param(lambda: pem("rsa") + pem("p521"), None, id="one of two is P-521"),
        pytest.param(lambda: pfx("rsa", PASSWORD), None, id="PFX, no password"),
        pytest.param(lambda: pfx("rsa", PASSWORD), b"wrong", id="PFX, wrong password"),
        pytest.param(lambda: pfx("p521", PASSWORD), PASSWORD, id="PFX of P-521"),
        pytest.param(lambda: pfx(None, PASSWORD), PASSWORD, id="PFX without key"),
        pytest.param(lambda: pfx("rsa", PASSWORD)[:-9], PASSWORD, id="PFX cut off"),
        pytest.param(lambda: b"{}", None, id="an empty object"),
        pytest.param(lambda: b"[]", None, id="a list"),
        pytest.param(lambda: as_json({"keys": []}), None, id="an empty set"),
        pytest.param(lambda: as_json({"keys": {}}), None, id="a set that is none"),
        pytest.param(lambda: as_json({"keys": ["x"]}), None, id="a set of text"),
        pytest.param(lambda: as_json({"keys": [members("p256")] * 21}), None, id="too many keys"),
        pytest.param(
            lambda: as_json({"kty": "oct", "k": "d2hhdC1pcy1ub3QtdG8tYmUtc2Vlbg"}),
            None,
            id="a symmetric JWK",
        ),
        pytest.param(
            lambda: as_json({"kty": "oct", "k": "d2hhdC1pcy1ub3QtdG8tYmUtc2Vlbg", "d": "AQAB"}),
            None,
            id="a symmetric JWK with a d",
        ),
        pytest.param(lambda: as_json(members("rsa", d=None)), None, id="a public JWK"),
        pytest.param(
            lambda: as_json({"keys": [members("rsa"), members("p256", d=None)]}),
            None,
            id="a set with a public JWK",
        ),
        pytest.param(lambda: as_json(members("p256", use="enc")), None, id="use enc"),
        pytest.param(lambda: as_json(members("p256", use=["sig"])), None, id="use in a list"),
        pytest.param(lambda: as_json(members("p256", alg="RS256")), None, id="another type's alg"),
        pytest.param(lambda: as_json(members("p256", alg="ES384")), None, id="another curve's alg"),
        pytest.param(lambda: as_json(members("rsa", alg="HS256")), None, id="HS256"),
        pytest.param(lambda: as_json(members("rsa", alg="none")), None, id="none"),
        pytest.param(lambda: as_json(members("rsa", alg="PS512")), None, id="PS512"),
        pytest.param(lambda: as_json(members("rsa", alg=[])), None, id="alg in a list"),
        pytest.param(lambda: as_json(members("rsa", p=None)), None, id="RSA without a prime"),
        pytest.param(lambda: as_json(members("rsa", d="AQAB")), None, id="another RSA exponent"),
        pytest.param(lambda: as_json(members("rsa", d=7)), None, id="a number where text belongs"),
        pytest.param(lambda: as_json(members("rsa", n="!")), None, id="no base64url"),
        pytest.param(lambda: as_json(members("rsa", oth=[])), None, id="RSA of many primes"),
        pytest.param(lambda: as_json(members("rsa", kty=["RSA"])), None, id="kty in a list"),
        pytest.param(lambda: as_json(members("rsa", kty="AKP")), None, id="an unknown kty"),
        pytest.param(lambda: as_json(members("p256", crv="P-521")), None, id="another curve"),
        pytest.param(lambda: as_json(members("p521")), None, id="JWK P-521"),
        pytest.param(lambda: as_json(members("rsa1024")), None, id="JWK RSA 1024"),
        pytest.param(lambda: as_json(members("ed448")), None, id="JWK Ed448"),
        pytest.param(lambda: as_json(members("x25519")), None, id="JWK X25519"),
        pytest.param(
            lambda: as_json(members("p256", d=members("another p256")["d"])),
            None,
            id="halves of two EC keys",
        ),
        pytest.param(
            lambda: as_json(members("ed25519", x=members("p256")["x"])),
            None,
            id="halves of two Ed25519 keys",
        ),
        pytest.param(
            lambda: b'{"kty": "EC", ' + as_json(members("p256"))[1:], None, id="a repeated name"
        ),
    ],
)
def test_nothing_else_is_a_key(raw: Callable[[], bytes], password: bytes | None) -> None:
    """The error names the file, says what to do, and shows nothing of the content or password."""
    content = raw()
    with pytest.raises(KeyringError) as caught:
        read(content, password)
    text = str(caught.value)
    assert text.startswith(f"{NAME}: ")
    assert len(text.split()) > 5
    assert caught.value.__cause__ is None
    assert caught.value.__suppress_context__ or caught.value.__context__ is None
    assert "not-to-be-seen" not in text
    assert password in (None, b"", b"wrong") or password.decode() not in text
    for length in range(0, len(content) - 12, 12):
        assert content[length : length + 12].decode("latin-1") not in text


def test_A_SEC_01_no_key_is_shown() -> None:
    """Not by the repr, which is what ends up in logs and tracebacks."""
    for kind in ALGORITHMS:
        (found,) = read(pem(kind))
        shown = repr(found)
        for name in ("d", "p", "q", "dp", "dq", "qi", "x", "n"):
            assert members(kind).get(name, "absent") not in shown
        assert shown == f"FileKey(algorithm={found.algorithm!r}, kid={found.kid!r})"


def test_files_and_directories_are_read_in_order(tmp_path: Path) -> None:
    """By path, then by name, then by place; each key once; hidden files and folders not at all."""
    folder = tmp_path / "folder"
    (folder / "sub").mkdir(parents=True)
    (folder / "b.pem").write_bytes(pem("p256") + pem("rsa"))
    (folder / "a.json").write_bytes(as_json(members("p384")))
    (folder / ".hidden").write_bytes(b"junk")
    (folder / "sub" / "c.pem").write_bytes(b"junk")
    single = tmp_path / "single.pfx"
    single.write_bytes(pfx("ed25519", PASSWORD))
    again = tmp_path / "again.pem"
    again.write_bytes(pem("p384"))
    found = read_key_files([single, folder, again, single], PASSWORD)
    assert [key.kid for key in found] == kids("ed25519", "p384", "p256", "rsa")
    assert read_key_files([], None) == ()


def test_one_key_has_one_algorithm(tmp_path: Path) -> None:
    """Else its kid would name two (RFC 8725 §3.1): the second file is named."""
    (tmp_path / "a.pem").write_bytes(pem("rsa"))
    (tmp_path / "b.json").write_bytes(as_json(members("rsa", alg="PS256")))
    with pytest.raises(KeyringError, match=r"b\.json"):
        read_key_files([tmp_path], None)


def mount(folder: Path, revision: str, **files: bytes) -> None:
    """Puts files there as Kubernetes does: all change at once, when ..data does."""
    (folder / revision).mkdir(parents=True)
    for name, raw in files.items():
        (folder / revision / name).write_bytes(raw)
        if not (folder / name).is_symlink():
            (folder / name).symlink_to(Path("..data") / name)
    (folder / "..data_tmp").symlink_to(revision)
    (folder / "..data_tmp").replace(folder / "..data")


def test_a_mounted_Secret_is_read(tmp_path: Path) -> None:
    """Each file once, through its link; and anew after it was swapped."""
    folder = tmp_path / "secret"
    mount(folder, "..2026_11_01", first=pem("rsa"), second=pem("p256"))
    assert [key.kid for key in read_key_files([folder], None)] == kids("rsa", "p256")
    mount(folder, "..2026_11_02", first=pem("ed25519"), second=pem("p256"))
    assert [key.kid for key in read_key_files([folder], None)] == kids("ed25519", "p256")
    assert [key.kid for key in read_key_files([folder / "first"], None)] == kids("ed25519")


def missing(folder: Path) -> Path:
    return folder / "missing.pem"


def link_to_nothing(folder: Path) -> Path:
    (folder / "dangling.pem").symlink_to("nothing")
    return folder


def link_to_itself(folder: Path) -> Path:
    (folder / "loop.pem").symlink_to("loop.pem")
    return folder


def empty(folder: Path) -> Path:
    return folder


def pipe(folder: Path) -> Path:
    os.mkfifo(folder / "pipe.pem")
    return folder / "pipe.pem"


def too_large(folder: Path) -> Path:
    (folder / "large.pem").write_bytes(pem("p256").ljust(MAXIMUM_FILE_BYTES + 1))
    return folder


def junk(folder: Path) -> Path:
    (folder / "a.pem").write_bytes(pem("p256"))
    (folder / "b.pem").write_bytes(JUNK)
    return folder


def unreadable(folder: Path) -> Path:
    return Path("/proc/self/mem")  # whose first byte nobody can read, not even root


def below_a_file(folder: Path) -> Path:
    (folder / "a.pem").write_bytes(pem("p256"))
    return folder / "a.pem" / "b.pem"


def with_NUL(folder: Path) -> Path:
    return folder / "a\0b"


@pytest.mark.parametrize(
    ("prepare", "named"),
    [
        (missing, "missing.pem"),
        (link_to_nothing, "dangling.pem"),
        (link_to_itself, "loop.pem"),
        (empty, "has no files"),
        (pipe, "pipe.pem"),
        (too_large, "large.pem"),
        (junk, "b.pem"),
        (unreadable, "/proc/self/mem"),
        (below_a_file, "b.pem"),
        (with_NUL, "a"),
    ],
)
def test_a_path_that_has_no_keys_is_named(
    tmp_path: Path, prepare: Callable[[Path], Path], named: str
) -> None:
    """Nothing is passed over in silence: the operator meant it to be used."""
    with pytest.raises(KeyringError, match=named) as caught:
        read_key_files([prepare(tmp_path)], None)
    assert str(caught.value).startswith((str(tmp_path), "/proc/self/mem: "))


def test_a_file_of_64_KiB_is_read(tmp_path: Path) -> None:
    """Of that size exactly."""
    (tmp_path / "key.pem").write_bytes(pem("p256").ljust(MAXIMUM_FILE_BYTES))
    assert [key.kid for key in read_key_files([tmp_path], None)] == kids("p256")


def test_the_certificate_of_a_TLS_secret_is_passed_over(tmp_path: Path) -> None:
    """``kubernetes.io/tls`` has tls.crt and tls.key, and may have ca.crt."""
    key = generate_private_key("ES256")
    (tmp_path / "tls.key").write_bytes(key.export_to_pem(private_key=True, password=None))
    (tmp_path / "tls.crt").write_text(
        "-----BEGIN CERTIFICATE-----\nAA==\n-----END CERTIFICATE-----"
    )
    (found,) = read_key_files([tmp_path], None)
    assert found.kid == key.thumbprint()
