"""What this machine has for making datasets, what it lacks, and what to do about it.

Red is what makes a run fail; yellow is what makes it slow, or makes a part of the toolkit fail that a run can
do without. `check_before_run` is the part that costs next to nothing; what it says is what the report says.
"""

import platform
import re
import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import viewpoint100k
from viewpoint100k.disk import check_disk, written_to
from viewpoint100k.doctor.findings import Finding, version_of
from viewpoint100k.doctor.machine import disk, memory, open_files, processor, shared_memory
from viewpoint100k.doctor.rendering import renderer
from viewpoint100k.doctor.services import hub, kubectl, ray, slurm
from viewpoint100k.errors import one_line
from viewpoint100k.interpreters import check_engine
from viewpoint100k.records import Record

# that a bug report should name
PACKAGES = ("bpy", "numpy", "pillow", "datasets", "huggingface_hub", "torch", "ray")


class Report(Record):
    """All that `doctor` shows."""

    viewpoint100k: str
    python: str
    system: str
    packages: dict[str, str]
    findings: list[Finding]

    @property
    def failed(self) -> bool:
        return any(finding.verdict == "red" for finding in self.findings)


def check_before_run(out: str, python: str | None) -> None:
    """Fail now rather than later where a run is bound to fail. Costs hundredths of a second.

    Args:
        out: where it is to be written, a folder or a URL.
        python: that renders; None: other machines do.

    Raises:
        InputError: it would fail: why, and what to do.
    """
    if python is not None:
        check_engine(python)
    for folder in written_to(out):
        check_disk(folder)


def examine(out: str = ".", engine_python: str | None = None) -> Report:
    """Look at everything.

    Args:
        out: where datasets are to be written.
        engine_python: the interpreter that renders, if it is not this one.
    """
    python = engine_python or sys.executable
    checks: Sequence[tuple[str, Callable[[], Iterator[Finding]]]] = (
        ("renderer", lambda: renderer(python)),
        ("processor", processor),
        ("memory", memory),
        ("disk", lambda: disk(out)),
        ("open files", open_files),
        ("/dev/shm", shared_memory),
        ("Hub", hub),
        ("Ray", ray),
        ("SLURM", slurm),
        ("kubectl", kubectl),
    )
    findings = [finding for name, check in checks for finding in _guarded(name, check)]
    return Report(
        viewpoint100k=viewpoint100k.__version__,
        python=platform.python_version(),
        system=_system(),
        packages={name: version for name in PACKAGES if (version := version_of(name))},
        findings=findings,
    )


def without_home(text: str) -> str:
    """A text without the user's name, as far as it is the name of the home folder."""
    home = str(Path.home())
    return re.sub(rf"{re.escape(home)}(?![\w.-])", "~", text) if len(home) > 1 else text


def _guarded(name: str, check: Callable[[], Iterator[Finding]]) -> Iterator[Finding]:
    """What a check finds; its own failure is a finding, and the others go on."""
    try:
        yield from check()
    except Exception as error:
        said = one_line(f"{type(error).__name__}: {error}")
        yield Finding(
            name=name, verdict="yellow", found=f"could not be looked at: {said}", advice="report this"
        )


def _system() -> str:
    try:
        name = platform.freedesktop_os_release().get("PRETTY_NAME", "")
    except OSError:
        name = ""
    return ", ".join(part for part in (name, platform.platform()) if part)
