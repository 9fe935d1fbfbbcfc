"""Which code this is: its version, and the commit if that is known."""

import json
import os
import re
import subprocess
from functools import cache
from importlib import metadata
from pathlib import Path

from pydantic import Field

import viewpoint100k
from viewpoint100k.records import COMMIT, Record

PACKAGE = Path(__file__).resolve().parent
MAKES_DATA = (
    "viewpoint100k",
    "render_scenes",
)  # folders of a clone: what is changed elsewhere changes no dataset
# with git, which answers within milliseconds; a file system that hangs must not keep anybody
PATIENCE_S = 5.0


class Code(Record):
    """A version of this library."""

    version: str = ""  # of a run that was planned before runs said so
    commit: str | None = Field(
        default=None,
        pattern=COMMIT,
        description="with -dirty if the clone had other changes to its code; null: not known",
    )

    def __str__(self) -> str:
        return (
            f"{self.version or 'an earlier version'} "
            f"({f'commit {self.commit}' if self.commit else 'commit unknown'})"
        )


@cache
def this_code() -> Code:
    """The code that runs. Found out once in a process; never fails.

    The commit is that of the clone this package lies in, or the one that pip noted when it installed from a
    repository.
    """
    return Code(version=viewpoint100k.__version__, commit=commit_of_clone(PACKAGE) or _installed_commit())


def code_of_shard(planned: Code, here: Code | None = None) -> Code:
    """What a shard made now says of its code: what the plan says, unless this is known to be other code.

    So the bytes do not depend on whether a machine's copy of the same code knows its commit.

    Args:
        planned: that planned the run.
        here: that makes the shard; None: this.
    """
    here = here or this_code()
    if here.version != planned.version:
        return here if planned.version else Code(version=here.version)
    both_known = here.commit is not None and planned.commit is not None
    return here if both_known and here.commit != planned.commit else planned


def commit_of_clone(package: Path) -> str | None:
    """The commit of the clone whose top folder a package lies in; None if there is no such clone, or no git.

    Changes to files of `MAKES_DATA` that git knows make it dirty. A package that only lies within somebody's
    repository, as in a virtual environment there, has not that repository's commit.
    """
    top = package.parent
    answers = _git(top, "rev-parse", "--show-toplevel", "--verify", "HEAD").splitlines()
    if len(answers) != 2 or not _same_file(Path(answers[0]), top) or not re.fullmatch(COMMIT, answers[1]):
        return None
    if not _git(top, "ls-files", "--", f"{package.name}/__init__.py"):
        return None
    changes = _git(top, "status", "--porcelain", "--untracked-files=no", "--", *MAKES_DATA)
    return f"{answers[1]}-dirty" if changes else answers[1]


def _git(folder: Path, *arguments: str) -> str:
    """What git prints; nothing if it cannot be asked."""
    # a hook's GIT_DIR would name another repository; without locks, for a clone may be read-only or in use
    env = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")} | {
        "GIT_OPTIONAL_LOCKS": "0"
    }
    try:
        done = subprocess.run(
            ["git", *arguments],
            cwd=folder,
            env=env,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=PATIENCE_S,
            check=True,
        )
    except (OSError, subprocess.SubprocessError):
        return ""
    return done.stdout.decode("utf-8", "surrogateescape").strip()


def _same_file(one: Path, other: Path) -> bool:
    try:
        return one.samefile(other)
    except OSError:
        return False


def _installed_commit() -> str | None:
    """The commit in direct_url.json, which pip writes beside what it installs from a repository."""
    try:
        installed = metadata.distribution("viewpoint100k")
        if not _same_file(Path(str(installed.locate_file("viewpoint100k"))), PACKAGE):
            return None  # another copy
        commit = json.loads(installed.read_text("direct_url.json") or "{}")["vcs_info"]["commit_id"]
        return commit if re.fullmatch(COMMIT, commit) else None
    except (metadata.PackageNotFoundError, OSError, ValueError, LookupError, TypeError):
        return None
