"""Carries out a Dockerfile without a container engine: in a directory that stands for ``/``.

It knows what our Dockerfile has, and a shell is not among that.
"""

from __future__ import annotations

import json
import os
import shlex
import shutil
import subprocess
import sys
import sysconfig
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

_PATH = "/usr/local/bin"
_SECONDS = 300
_UNNEEDED = shutil.ignore_patterns("__pycache__", "*-packages", "test", "idlelib", "tkinter")


class Image:
    """The last stage of a Dockerfile, laid below ``root``, which must not exist yet.

    ``root`` keeps its name through all stages: scripts have their interpreter's path in them. The
    base image is a copy of this interpreter, and pip.
    """

    def __init__(self, dockerfile: Path, context: Path, root: Path) -> None:
        self.root = root
        self._context = context
        self._stages: dict[str, Path] = {}
        self._stage = ""
        self.env: dict[str, str] = {}
        self.workdir = root
        self.user = (0, 0)
        self.command: list[str] = []
        for instruction, argument in _instructions(dockerfile):
            self._do(instruction, argument)

    def path(self, inside: str) -> Path:
        """Where a path of the image is on this machine."""
        return self.root / inside.lstrip("/")

    def environment(self) -> dict[str, str]:
        """What the image gives its processes."""
        folders = self.env.get("PATH", _PATH).split(":")
        path = os.pathsep.join(str(self.path(folder)) for folder in folders)
        # An interpreter that was moved would find its shared library at the old place, or none.
        return self.env | {"PATH": path, "LD_LIBRARY_PATH": str(self.path("/usr/local/lib"))}

    def start(self, *command: str, env: Mapping[str, str]) -> subprocess.Popen[str]:
        """The image's command, or another, by the image's user if root runs this."""
        program, *arguments = command or self.command
        uid, gid = self.user
        become: dict[str, Any] = {"user": uid, "group": gid, "extra_groups": []}
        return subprocess.Popen(
            [self._program(program), *arguments],
            env=self.environment() | env,
            cwd=self.workdir,
            stdout=subprocess.PIPE,
            text=True,
            **(become if os.geteuid() == 0 else {}),
        )

    def run(self, *command: str, env: Mapping[str, str]) -> str:
        """What ``command`` prints, which must end well."""
        process = self.start(*command, env=env)
        output, _ = process.communicate(timeout=60)
        assert process.returncode == 0
        return output

    def seal(self) -> None:
        """From now on its user can't write anywhere, whoever that is."""
        for folder, _, files in os.walk(self.root):
            for path in (Path(folder), *(Path(folder) / name for name in files)):
                if not path.is_symlink():
                    path.chmod(path.stat().st_mode & ~0o222)

    def contents(self) -> set[str]:
        """Everything there is."""
        return {str(path) for path in self.root.rglob("*")}

    def _do(self, instruction: str, argument: str) -> None:
        match instruction:
            case "FROM":
                self._begin(argument.partition(" AS ")[2])
            case "ENV":
                self.env |= dict(word.split("=", 1) for word in shlex.split(argument))
            case "WORKDIR":
                self.workdir = self.path(argument)
                self.workdir.mkdir(parents=True)
            case "COPY":
                self._copy(argument.split())
            case "RUN":
                self._build(json.loads(argument))  # fails for what would need a shell
            case "USER":
                uid, gid = argument.split(":")
                self.user = (int(uid), int(gid))
            case "ENTRYPOINT" | "CMD":
                self.command += json.loads(argument)
            case _:
                assert instruction in ("ARG", "EXPOSE", "LABEL")

    def _begin(self, stage: str) -> None:
        if self.root.exists():
            self._stages[self._stage] = self.root.rename(f"{self.root}-{self._stage}")
        self._stage, self.env, self.workdir = stage, {}, self.root
        _lay_interpreter(self.path("/usr/local"))

    def _copy(self, words: list[str]) -> None:
        source = self._context
        if words[0].startswith("--from="):
            source = self._stages[words.pop(0).removeprefix("--from=")]
        *names, target = words
        folder = self.path(target) if target.startswith("/") else self.workdir / target
        for name in names:
            place = folder / Path(name).name if target.endswith("/") else folder
            place.parent.mkdir(parents=True, exist_ok=True)
            _copy(source / name.lstrip("/"), place)

    def _build(self, command: list[str]) -> None:
        inside = [str(self.path(word)) if word.startswith("/") else word for word in command[1:]]
        subprocess.run(
            [self._program(command[0]), *inside],
            env=_way_to_packages() | self.environment(),
            cwd=self.workdir,
            check=True,
            timeout=_SECONDS,
        )

    def _program(self, name: str) -> str:
        found = shutil.which(name, path=self.environment()["PATH"])
        assert found is not None, f"{name} is not in the image"
        return found


def _instructions(dockerfile: Path) -> Iterator[tuple[str, str]]:
    for line in dockerfile.read_text(encoding="utf-8").splitlines():
        if line and not line.startswith("#"):
            instruction, _, argument = line.partition(" ")
            yield instruction, argument


def _copy(source: Path, target: Path) -> None:
    if source.is_dir():
        ignore = shutil.ignore_patterns("__pycache__", "*.egg-info")
        shutil.copytree(source, target, symlinks=True, dirs_exist_ok=True, ignore=ignore)
    else:
        shutil.copy2(source, target)


def _lay_interpreter(target: Path) -> None:
    """This interpreter, its standard library and pip, where anybody may run them."""
    base = Path(sys.base_prefix)
    library = Path(sysconfig.get_path("stdlib"))
    shutil.copytree(library, target / library.relative_to(base), ignore=_UNNEEDED, symlinks=True)
    for shared in base.glob("lib/libpython*"):
        shutil.copy2(shared, target / "lib", follow_symlinks=False)
    binary = target / "bin" / library.name
    binary.parent.mkdir()
    shutil.copy2(Path(sys.executable).resolve(), binary)
    (binary.parent / "python").symlink_to(binary.name)
    told = "import sysconfig; print(sysconfig.get_path('purelib'))"
    packages = subprocess.run([binary, "-c", told], capture_output=True, text=True, check=True)
    pip = Path(sysconfig.get_path("purelib")) / "pip"
    shutil.copytree(pip, Path(packages.stdout.strip()) / "pip")


def _way_to_packages() -> dict[str, str]:
    """What tells pip on this machine where packages come from."""
    wanted = ("PIP_", "HTTP", "http", "NO_PROXY", "no_proxy", "SSL_", "REQUESTS_", "HOME")
    return {name: value for name, value in os.environ.items() if name.startswith(wanted)}
