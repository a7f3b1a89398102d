"""Secrets that stand in files of their own, as Kubernetes and systemd mount them."""

from __future__ import annotations

from pathlib import Path

MAXIMUM_BYTES = 4096


def read_secret_file(path: Path) -> str:
    """What stands in the file, without the ends of its lines before and behind.

    Raises ValueError, which names the file and says what to do, and holds nothing of the secret.
    """
    try:
        with path.open("rb") as opened:
            raw = opened.read(MAXIMUM_BYTES + 1)
    except OSError as error:
        told = (
            f"{path}: can't be read: {error.strerror}; put the secret there, for this user to read"
        )
        raise ValueError(told) from None
    if len(raw) > MAXIMUM_BYTES:
        told = f"has more than {MAXIMUM_BYTES} bytes; put nothing but the secret into it"
        raise ValueError(f"{path}: {told}")
    if not raw.strip():
        raise ValueError(f"{path}: is empty; put the secret into it")
    try:
        return raw.decode().strip("\r\n")
    except UnicodeDecodeError:
        raise ValueError(f"{path}: is not UTF-8 text; write the secret as such") from None
