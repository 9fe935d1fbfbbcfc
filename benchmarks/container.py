"""The steps of the Containerfile in a fresh root of Debian, where no builder of images is.

    python benchmarks/container.py ROOT --python PREFIX

makes ROOT with debootstrap (as root; `apt-get install debootstrap`), lays the interpreter of the base image
into it from PREFIX (a Python of the same version that was built on the same Debian), takes each step of the
file in its order, and at last runs `viewpoint100k doctor` and makes a dataset of four pairs as the user that
the file names. It shows that the steps work on a machine that has nothing else; the base image itself is not
tested.
"""

import argparse
import os
import re
import shlex
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[1]
BASE = re.compile(r"docker\.io/library/python:(?P<python>[\d.]+)-slim-(?P<debian>\w+)")
# How this machine reaches package indexes, which is no part of an image.
NETWORK = re.compile(
    r"(?i)(https?|no)_proxy|PIP_(CERT|INDEX_URL|EXTRA_INDEX_URL|FIND_LINKS|DEFAULT_TIMEOUT)|SSL_CERT_\w+"
)
LIBRARIES_OF_PYTHON = (
    "ca-certificates",
    "libssl3",
    "libffi8",
    "libsqlite3-0",
    "libreadline8",
    "libbz2-1.0",
    "liblzma5",
)
LAST = "viewpoint100k doctor data && viewpoint100k generate data --pairs 4 --workers 1"


def steps(text: str) -> Iterator[tuple[str, str]]:
    """The instructions of a Containerfile, continued lines joined."""
    for line in text.replace("\\\n", " ").splitlines():
        word, _, rest = line.strip().partition(" ")
        if word and not word.startswith("#"):
            yield word, " ".join(rest.split())


class FreshRoot:
    """A folder that is `/` for what runs in it."""

    def __init__(self, root: Path):
        self.root = root
        self.environment = {
            "PATH": "/usr/local/bin:/usr/local/sbin:/usr/bin:/usr/sbin:/bin:/sbin",
            "LANG": "C.UTF-8",
        }
        self.network = {name: value for name, value in os.environ.items() if NETWORK.fullmatch(name)}
        self.folder = "/"
        self.user = "root"

    def begin(self, debian: str, prefix: Path) -> None:
        """A minimal Debian with an interpreter in /usr/local and this machine's way to the network."""
        libraries = ",".join(LIBRARIES_OF_PYTHON)
        command = ["debootstrap", "--variant=minbase", f"--include={libraries}", debian, str(self.root)]
        if not (self.root / "usr/bin/apt-get").exists():
            subprocess.run(command, check=True)
        installed = shutil.ignore_patterns("site-packages", "__pycache__", "test")
        local = self.root / "usr" / "local"
        shutil.rmtree(local)
        shutil.copytree(prefix, local, symlinks=True, ignore=installed)
        self.run("ldconfig && python3 -m ensurepip")
        for name in ("python", "pip"):
            link = local / "bin" / name
            link.unlink(missing_ok=True)
            link.symlink_to(f"{name}3")
        for path in ("/etc/resolv.conf", "/etc/hosts", "/etc/ssl/certs/ca-certificates.crt"):
            if Path(path).exists():
                shutil.copy(path, self.root / path.lstrip("/"))

    def run(self, command: str) -> None:
        """Run a line of shell as the present user in the present folder. /proc and /dev are mounted."""
        variables = {**self.network, **self.environment, "HOME": self.home()}
        inner = [
            "env",
            "-i",
            *(f"{name}={value}" for name, value in variables.items()),
            "sh",
            "-c",
            f"cd {self.folder} && {command}",
        ]
        chroot = ["chroot", f"--userspec={self.user}:{self.user}", str(self.root), *inner]
        mounts = "".join(
            f"mount --rbind {place} {shlex.quote(str(self.root))}{place} && " for place in ("/proc", "/dev")
        )
        subprocess.run(["unshare", "-m", "sh", "-c", f"{mounts} exec {shlex.join(chroot)}"], check=True)

    def home(self) -> str:
        return "/root" if self.user == "root" else f"/home/{self.user}"

    def copy(self, repository: Path) -> None:
        """`COPY . .`: what git knows, without what .dockerignore leaves out."""
        listed = subprocess.run(
            ["git", "ls-files"], cwd=repository, capture_output=True, text=True, check=True
        )
        for name in listed.stdout.splitlines():
            if name.startswith(("tests/", "docs/")):
                continue
            target = self.root / self.folder.lstrip("/") / name
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(repository / name, target)


def take(root: FreshRoot, word: str, rest: str) -> None:
    """Do one instruction.

    Raises:
        SystemExit: an instruction that this script does not know.
    """
    if word == "RUN":
        root.run(rest)
    elif word == "ENV":
        root.environment |= dict(part.split("=", 1) for part in shlex.split(rest))
    elif word == "WORKDIR":
        root.folder = rest
        (root.root / rest.lstrip("/")).mkdir(parents=True, exist_ok=True)
    elif word == "COPY" and rest == ". .":
        root.copy(REPOSITORY)
    elif word == "USER":
        root.user = rest
    elif word not in ("ENTRYPOINT", "CMD"):
        sys.exit(f"Containerfile: {word} {rest}: this script knows RUN, ENV, WORKDIR, COPY . . and USER")


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("root", type=Path, help="a new folder, or one that debootstrap has made")
    parser.add_argument(
        "--python", type=Path, required=True, help="prefix of the interpreter, as in sys.prefix"
    )
    arguments = parser.parse_args()
    (_, image), *others = steps((REPOSITORY / "Containerfile").read_text(encoding="utf-8"))
    base = BASE.fullmatch(image)
    if base is None:
        sys.exit(f"Containerfile: FROM {image}: expected docker.io/library/python:VERSION-slim-DEBIAN")
    if not (arguments.python / "bin" / f"python{base['python']}").exists():
        sys.exit(f"{arguments.python} has no bin/python{base['python']}, which the base image has")
    root = FreshRoot(arguments.root)
    root.begin(base["debian"], arguments.python)
    for word, rest in [*others, ("RUN", LAST)]:
        started = time.monotonic()
        take(root, word, rest)
        print(f"== {word} {rest[:70]}: {time.monotonic() - started:.0f} s", flush=True)


if __name__ == "__main__":
    main()
