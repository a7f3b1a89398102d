"""Signing keys that an operator brings in files: PEM, PKCS#12, or JSON Web Keys."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import load_pem_private_key, pkcs12
from jwcrypto import jwk
from jwcrypto.common import JWException

from ..errors import KeyringError
from ..strict_json import NotStrictJson, parse_json_object
from .public_keys import MAXIMUM_KEYS, RSA_BITS, RSA_EXPONENT, SIGNING_KINDS

_PrivateKey = rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey | ed25519.Ed25519PrivateKey

MAXIMUM_FILE_BYTES = 64 * 1024
_JWK_MEMBERS = frozenset({"kty", "crv", "x", "y", "d", "n", "e", "p", "q", "dp", "dq", "qi"})
_DER_SEQUENCE = b"\x30"
_PEM = re.compile(rb"-----BEGIN ([A-Z0-9 ]+)-----.*?-----END \1-----", re.DOTALL)
_PEM_BEGIN = b"-----BEGIN "
_PEM_KEYS = (b"PRIVATE KEY", b"ENCRYPTED PRIVATE KEY", b"RSA PRIVATE KEY", b"EC PRIVATE KEY")
_PEM_IGNORED = (b"CERTIFICATE", b"EC PARAMETERS")


@dataclass(frozen=True, slots=True)
class FileKey:
    """A private key, and the one algorithm it signs for; ``kid`` is its thumbprint (RFC 7638)."""

    algorithm: str
    kid: str
    private: jwk.JWK = field(repr=False)


class _Unusable(Exception):
    """Why a file can't be used: the end of a sentence that begins with its name."""


def read_key_files(paths: Sequence[Path], password: bytes | None) -> tuple[FileKey, ...]:
    """The keys in files, and in the files of directories, in their order; each of them once.

    In a directory, names count in alphabetical order; those with a leading dot are passed over, and
    ``*.crt``, which stands beside the key in a TLS Secret.
    Symbolic links are followed, as Kubernetes mounts Secrets by them. Raises KeyringError, which
    names the file and repeats nothing of it. Blocks: call it from a thread.
    """
    found: dict[str, FileKey] = {}
    for file in [file for path in paths for file in _files_of(path)]:
        for key in read_private_keys(_content(file), name=str(file), password=password):
            if found.setdefault(key.kid, key).algorithm != key.algorithm:
                raise KeyringError(
                    f"{file}: the same key stands elsewhere for another algorithm; leave one"
                )
    return tuple(found.values())


def read_private_keys(raw: bytes, *, name: str, password: bytes | None) -> tuple[FileKey, ...]:
    """The keys in the content of one file, in its order; at least one.

    PEM: PKCS#8, encrypted or not, PKCS#1 and SEC1; certificates beside them are ignored. PKCS#12:
    the one key in it. JSON: a private JWK, or a JWK Set of nothing else (RFC 7517). RSA keys have
    2048 to 4096 bits and the exponent 65537; the others are P-256, P-384 or Ed25519. ``password``
    is for what is encrypted.

    Raises KeyringError, which has ``name`` and repeats nothing of the content.
    """
    try:
        if raw.lstrip().startswith(b"{"):
            return tuple(_jwk_key(members) for members in _jwks(raw))
        if _PEM_BEGIN in raw:
            return tuple(_file_key(key) for key in _pem_keys(raw, password))
        if raw.startswith(_DER_SEQUENCE):
            return (_file_key(_pkcs12_key(raw, password)),)
    except _Unusable as unusable:
        raise KeyringError(f"{name}: {unusable}") from None
    raise KeyringError(f"{name}: there is no key; bring PEM, PKCS#12 or a private JWK")


def _files_of(path: Path) -> list[Path]:
    try:
        if not path.is_dir():
            return [path]
        visible = sorted(
            file
            for file in path.iterdir()
            if not file.name.startswith(".") and file.suffix != ".crt"
        )
        files = [file for file in visible if file.is_file() or not file.exists()]
    except OSError:
        raise KeyringError(f"{path}: the directory can't be read; check its permissions") from None
    if not files:
        raise KeyringError(f"{path}: the directory has no files; put a private key there")
    return files


def _content(file: Path) -> bytes:
    try:
        if not file.is_file():
            raise KeyringError(f"{file}: there is no such file; check the path")
        with file.open("rb") as stream:
            raw = stream.read(MAXIMUM_FILE_BYTES + 1)
    except OSError:
        raise KeyringError(f"{file}: the file can't be read; check its permissions") from None
    if len(raw) > MAXIMUM_FILE_BYTES:
        raise KeyringError(f"{file}: a file of keys has 64 KiB at most; is it the right one?")
    return raw


def _pem_keys(raw: bytes, password: bytes | None) -> Iterator[object]:
    blocks = list(_PEM.finditer(raw))
    if len(blocks) != raw.count(_PEM_BEGIN):
        raise _Unusable("the PEM is cut off or damaged; bring the whole file")
    keys = [block for block in blocks if block[1] not in _PEM_IGNORED]
    if any(block[1] not in _PEM_KEYS for block in keys):
        raise _Unusable(
            "something else than private keys and certificates is in it; bring private keys as"
            " PKCS#8 (openssl pkcs8 -topk8)"
        )
    if not keys:
        raise _Unusable("only certificates are in it; bring the private key that belongs to them")
    for block in keys:
        yield _pem_key(block[0], password, is_encrypted=block[1] == b"ENCRYPTED PRIVATE KEY")


def _pem_key(block: bytes, password: bytes | None, *, is_encrypted: bool) -> object:
    if is_encrypted and not password:
        raise _Unusable("the key is encrypted; set its password")
    if b"Proc-Type:" in block:
        raise _Unusable("the key is encrypted in a way that is not safe; use openssl pkcs8 -topk8")
    try:
        return load_pem_private_key(block, password if is_encrypted else None)
    except (ValueError, TypeError, UnsupportedAlgorithm):
        wrong = "the password is wrong, or the key" if is_encrypted else "the key"
        raise _Unusable(f"{wrong} is damaged or of a kind that is not supported") from None


def _pkcs12_key(raw: bytes, password: bytes | None) -> object:
    """Files without a password have none, or an empty one: their makers differ in that."""
    for attempt in dict.fromkeys((password, None, b"")):
        try:
            key = pkcs12.load_pkcs12(raw, attempt).key
        except (ValueError, TypeError, UnsupportedAlgorithm):
            continue
        if key is None:
            raise _Unusable("no private key is in it; export it together with its key")
        return key
    raise _Unusable("this is no PKCS#12 file, or the password is missing or wrong")


def _jwks(raw: bytes) -> Sequence[Mapping[str, Any]]:
    try:
        content = parse_json_object(raw.strip())
    except NotStrictJson as error:
        raise _Unusable(f"the content is {error}; bring a private JWK or JWK Set") from None
    keys = content.get("keys", [content])
    if not isinstance(keys, list) or not 0 < len(keys) <= MAXIMUM_KEYS:
        raise _Unusable(f"a JWK Set has 1 to {MAXIMUM_KEYS} keys in its member keys")
    if not all(isinstance(members, dict) for members in keys):
        raise _Unusable("a JWK is a JSON object")
    return keys


def _jwk_key(members: Mapping[str, Any]) -> FileKey:
    if members.get("use", "sig") != "sig":
        raise _Unusable('a JWK is not for signatures; bring keys whose use is absent or "sig"')
    if "d" not in members or "oth" in members:
        raise _Unusable("a JWK is public, symmetric or of more than two primes; bring private keys")
    try:
        given = jwk.JWK(**{name: members[name] for name in members.keys() & _JWK_MEMBERS})
        key = _file_key(given.get_op_key("sign"), members.get("alg"))
        fits = given.thumbprint() == key.kid
    except (JWException, ValueError, TypeError, KeyError, AttributeError, OverflowError):
        raise _Unusable("a JWK is damaged or incomplete; export it again") from None
    except NotImplementedError:
        raise _Unusable("a JWK is of a type that is not supported") from None
    if not fits:
        raise _Unusable("the public and private members of a JWK don't fit; export it again")
    return key


def _file_key(opened: object, algorithm: object = None) -> FileKey:
    """A key built anew from what was opened, so nothing else in the file has any effect."""
    private = jwk.JWK.from_pyca(_supported(opened))
    kind = (private["kty"], private.get("crv"))
    algorithms = [name for name, its in SIGNING_KINDS.items() if its == kind]
    chosen = algorithms[0] if algorithm is None else algorithm
    if chosen not in algorithms:
        raise _Unusable(f"the alg of a JWK does not fit its type: use {' or '.join(algorithms)}")
    return FileKey(str(chosen), str(private.thumbprint()), private)


def _supported(opened: object) -> _PrivateKey:
    if isinstance(opened, rsa.RSAPrivateKey):
        exponent = opened.public_key().public_numbers().e
        if opened.key_size in RSA_BITS and exponent == RSA_EXPONENT:
            return opened
    elif isinstance(opened, ec.EllipticCurvePrivateKey):
        if isinstance(opened.curve, ec.SECP256R1 | ec.SECP384R1):
            return opened
    elif isinstance(opened, ed25519.Ed25519PrivateKey):
        return opened
    raise _Unusable(
        "a key can't be used; bring RSA of 2048 to 4096 bits with the exponent 65537, P-256,"
        " P-384 or Ed25519"
    )
