"""What this machine has for making datasets, what it lacks, and what to do about it.

Red is what makes a run fail; yellow is what makes it slow, or makes a part of the toolkit fail that a run can
do without. `check_before_run` is the part that costs next to nothing; what it says is what the report says.
"""

import multiprocessing
import os
import platform
import re
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from importlib import metadata
from pathlib import Path
from typing import Literal

import viewpoint100k
from viewpoint100k.devices import ask_cycles
from viewpoint100k.disk import check_disk, written_to
from viewpoint100k.errors import EngineError, InputError, MissingExtra, ViewpointError, one_line
from viewpoint100k.hub_client import look_at_hub
from viewpoint100k.interpreters import (
    RENDERERS,
    check_engine,
    check_import,
    check_libraries,
    check_parts,
    look_at,
)
from viewpoint100k.records import Record
from viewpoint100k.runners.local import ROOM_FOR_A_WORKER, default_workers, free_memory, own_cores
from viewpoint100k.storage import is_url

USUAL_RENDER_BYTES = 800_000_000  # of memory, that a render process takes
ROOMY_DISK = 2_000_000_000  # bytes: 28,000 pairs at 512 px take that
PAIR_BYTES = 70_000  # at 512 px; docs/farm.md has the measurements
# for Ray, and for loaders with several processes
ENOUGH_FILES = 1024
ENOUGH_SHM = 1 << 30
PATIENCE_S = 5.0  # with each program and each server that is asked
# the oldest that Cycles of these Blenders takes
OPTIX_DRIVER = 535
ROCM = "6.0"
PCI_VENDORS = {"0x10de": "NVIDIA", "0x1002": "AMD", "0x8086": "Intel"}
# that a bug report should name
PACKAGES = ("bpy", "numpy", "pillow", "datasets", "huggingface_hub", "torch", "--runner ray")

Verdict = Literal["green", "yellow", "red"]


class Finding(Record):
    """One line."""

    name: str
    verdict: Verdict
    found: str
    advice: str = "nothing to do"


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
        ("renderer", lambda: _renderer(python)),
        ("processor", _processor),
        ("memory", _memory),
        ("disk", lambda: _disk(out)),
        ("open files", _open_files),
        ("/dev/shm", _shared_memory),
        ("Hub", _hub),
        ("Ray", _ray),
        ("SLURM", _slurm),
        ("kubectl", _kubectl),
    )
    findings = [finding for name, check in checks for finding in _guarded(name, check)]
    return Report(
        viewpoint100k=viewpoint100k.__version__,
        python=platform.python_version(),
        system=_system(),
        packages={name: version for name in PACKAGES if (version := _version(name))},
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


# --- rendering ----------------------------------------------------------------------------------


def _renderer(python: str) -> Iterator[Finding]:
    """Python, bpy, its libraries, what happens when it is imported, and the GPUs; as far as one needs the
    other.
    """
    try:
        found = look_at(python)
    except InputError as error:
        yield _red("Python", python, error)
        return
    named = f"{found.version}, {python}"
    try:
        check_parts(found)
    except MissingExtra as error:
        if "bpy" in found.missing and found.version not in RENDERERS:
            yield _red("Python", f"{named}: no renderer is made for it", error)
        else:
            yield Finding(name="Python", verdict="green", found=named)
            yield _red("bpy", f"not there: {', '.join(found.missing)}", error)
        return
    if found.version in RENDERERS:
        yield Finding(
            name="Python", verdict="green", found=f"{named}; its renderer is {RENDERERS[found.version]}"
        )
    else:
        tested = " or ".join(RENDERERS)
        yield Finding(
            name="Python",
            verdict="yellow",
            found=f"{named}, with a bpy of its own",
            advice=f"tested is Python {tested}",
        )
    assert found.bpy is not None
    versions = sorted(
        path.name.removeprefix("bpy-").removesuffix(".dist-info")
        for path in found.bpy.parent.parent.glob("bpy-*.dist-info")
    )
    yield Finding(
        name="bpy",
        verdict="green",
        found=f"{' and '.join(versions) or 'of unknown version'}, {found.bpy.parent}",
    )
    try:
        check_libraries(found)
    except InputError as error:
        yield _red("shared libraries", "some that bpy needs are missing or damaged", error)
        return
    yield Finding(name="shared libraries", verdict="green", found="all that bpy needs are here")
    started = time.monotonic()
    try:
        check_import(found)
    except InputError as error:
        yield _red("importing bpy", "fails", error)
        return
    seconds = time.monotonic() - started
    yield Finding(name="importing bpy", verdict="green", found=f"works, in {seconds:.1f} s")
    yield from _gpus(python)


def _gpus(python: str) -> Iterator[Finding]:
    """The devices that Cycles would render on, beside the cards and drivers that the system knows of."""
    driver = _nvidia_driver()
    cards = _cards()
    about = [f"NVIDIA driver {driver}"] if driver else []
    about += [
        f"{name}={value!r}"
        for name in ("CUDA_VISIBLE_DEVICES", "HIP_VISIBLE_DEVICES")
        if (value := os.environ.get(name)) is not None
    ]
    try:
        with tempfile.TemporaryDirectory(prefix="viewpoint100k-") as scratch:
            kind, names = ask_cycles(Path(scratch), python)
    except (EngineError, OSError) as error:
        advice = "update the driver; until then use --device cpu"
        yield Finding(name="GPUs", verdict="yellow", found="; ".join([str(error), *about]), advice=advice)
        return
    old = driver is not None and int(driver.split(".")[0]) < OPTIX_DRIVER
    update = f"update NVIDIA's driver to {OPTIX_DRIVER} or newer: OptiX, the faster way, needs it"
    if names:
        found = "; ".join([f"{kind}: {', '.join(names)}", *about])
        slower = kind == "CUDA" and old
        yield Finding(
            name="GPUs",
            verdict="yellow" if slower else "green",
            found=found,
            advice=update if slower else "nothing to do: --device auto uses them",
        )
        return
    found = "; ".join(
        ["Cycles finds none and renders on the processor", *(f"{card} graphics" for card in cards), *about]
    )
    if old:
        advice = f"update NVIDIA's driver to {OPTIX_DRIVER} or newer"
    elif driver or "NVIDIA" in cards:
        advice = (
            f"install NVIDIA's driver {OPTIX_DRIVER} or newer; in a container, have it lent one (--gpus "
            "all) with "
            "NVIDIA_DRIVER_CAPABILITIES=compute,utility,graphics"
        )
    elif "AMD" in cards and Path("/dev/kfd").exists():
        advice = f"install ROCm {ROCM} or newer, and be a member of the groups render and video"
    else:  # few integrated ones can do it
        yield Finding(name="GPUs", verdict="green", found=found)
        return
    yield Finding(name="GPUs", verdict="yellow", found=found, advice=advice)


def _nvidia_driver() -> str | None:
    """Its version, if it is loaded."""
    try:
        text = Path("/proc/driver/nvidia/version").read_text()
    except OSError:
        return None
    version = re.search(r"\b\d{3}\.\d+(\.\d+)*", text)
    return version[0] if version else None


def _cards() -> list[str]:
    """Who made the graphics cards of this machine, lent to us or not."""
    makers = list[str]()
    for device in sorted(Path("/sys/bus/pci/devices").glob("*")):
        try:
            kind = (device / "class").read_text().strip()
            vendor = (device / "vendor").read_text().strip()
        except OSError:
            continue
        if kind.startswith("0x03") and vendor in PCI_VENDORS:
            makers.append(PCI_VENDORS[vendor])
    return list(dict.fromkeys(makers))


# --- the machine --------------------------------------------------------------------------------


def _processor() -> Iterator[Finding]:
    cores = own_cores()
    yield Finding(name="processor", verdict="green", found=f"{cores} cores, {platform.machine()}")


def _memory() -> Iterator[Finding]:
    free = free_memory()
    cores = own_cores()
    if free is None:
        yield Finding(name="memory", verdict="green", found="this system does not say")
        return
    found = f"{free / 1e9:.1f} GB that this process may still take"
    if free < USUAL_RENDER_BYTES:
        advice = (
            "end other programs, or raise the limit: a render process takes "
            f"{USUAL_RENDER_BYTES / 1e9:.1f} GB, some 2.5 GB"
        )
        yield Finding(name="memory", verdict="red", found=found, advice=advice)
    elif free < cores * ROOM_FOR_A_WORKER:
        advice = f"nothing, if {default_workers()} render processes on {cores} cores will do; else free some"
        yield Finding(name="memory", verdict="yellow", found=found, advice=advice)
    else:
        yield Finding(name="memory", verdict="green", found=found)


def _disk(out: str) -> Iterator[Finding]:
    for name, folder in zip(("disk", "temporary files")[is_url(out) :], written_to(out), strict=True):
        try:
            free = check_disk(folder)
        except InputError as error:
            yield _red(name, folder, error)
            continue
        tight = free < ROOMY_DISK
        pairs = free // PAIR_BYTES
        room = f"room for about {pairs:,} pairs at 512 px (100,000 take 7 GB): free space for more"
        yield Finding(
            name=name,
            verdict="yellow" if tight else "green",
            found=f"{_size(free)} free in {os.path.abspath(folder)}",
            advice=room if tight else "nothing to do",
        )


def _size(count: int) -> str:
    """A number of bytes in words."""
    return f"{count / 1e6:.0f} MB" if count < 1e9 else f"{count / 1e9:.1f} GB"


def _open_files() -> Iterator[Finding]:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    unlimited = resource.RLIM_INFINITY
    if soft == unlimited or soft >= ENOUGH_FILES:
        yield Finding(
            name="open files", verdict="green", found="no limit" if soft == unlimited else f"up to {soft}"
        )
        return
    may = hard == unlimited or hard >= ENOUGH_FILES
    raised = (
        f"`ulimit -n {ENOUGH_FILES * 4 if hard == unlimited else min(hard, ENOUGH_FILES * 4)}`"
        if may
        else "have the hard limit raised"
    )
    yield Finding(
        name="open files",
        verdict="yellow",
        found=f"up to {soft} (the hard limit is {'none' if hard == unlimited else hard})",
        advice=f"{raised} before --runner ray, training and publishing; rendering needs few",
    )


def _shared_memory() -> Iterator[Finding]:
    """Python's processes share locks in it, Ray its objects, and torch its batches."""
    name = "/dev/shm"
    folder = Path("/dev/shm")
    try:
        multiprocessing.get_context("spawn").Lock()
    except (OSError, ImportError) as error:
        advice = (
            "mount a tmpfs there that you may write to: `validate`, which ends a run, uses processes "
            "that share locks"
        )
        yield Finding(name=name, verdict="red", found=f"no locks can be made: {error}", advice=advice)
        return
    if not folder.is_dir():
        yield Finding(name=name, verdict="green", found="not there, and not needed on this system")
        return
    size = shutil.disk_usage(folder).total
    small = size < ENOUGH_SHM
    yield Finding(
        name=name,
        verdict="yellow" if small else "green",
        found=f"{size / 1e9:.2f} GB",
        advice="for --runner ray and training, start the container with --shm-size=4g"
        if small
        else "nothing to do",
    )


# --- others -------------------------------------------------------------------------------------


def _hub() -> Iterator[Finding]:
    """Nothing here is red: what needs the Hub says so itself."""

    def finding(verdict: Verdict, found: str, advice: str = "nothing to do") -> Finding:
        return Finding(name="Hub", verdict=verdict, found=found, advice=advice)

    try:
        seen = look_at_hub(PATIENCE_S)
    except MissingExtra:
        yield finding(
            "yellow",
            "no client",
            "pip install 'viewpoint100k[publish]' to publish, [objaverse] to fetch objects",
        )
        return
    token = "a token is set" if seen.has_token else "no token"
    login = (
        f"`hf auth login` with a token that may write, made at {seen.endpoint}/settings/tokens; only "
        "to publish"
    )
    if seen.offline:
        yield finding(
            "yellow",
            f"offline, as HF_HUB_OFFLINE says; {token}",
            "unset HF_HUB_OFFLINE to publish or to fetch objects",
        )
    elif seen.status is None:
        advice = (
            "check the network, proxies and HF_ENDPOINT; needed only to publish, and to fetch "
            "objects and models"
        )
        yield finding("yellow", f"{seen.endpoint} is out of reach ({seen.error}); {token}", advice)
    elif not seen.has_token:
        yield finding("yellow", f"{seen.endpoint} answers; {token}", login)
    elif seen.status in (401, 403):
        yield finding("yellow", f"{seen.endpoint} does not take the token ({seen.status})", login)
    elif seen.status != 200:
        yield finding(
            "yellow",
            f"{seen.endpoint} answers with status {seen.status}; {token}",
            "try again later; check HF_ENDPOINT",
        )
    elif seen.role == "read":
        yield finding("yellow", f"{seen.endpoint} takes the token, which may only read", login)
    else:
        yield finding(
            "green", f"{seen.endpoint} takes the token" + (f" (role {seen.role})" if seen.role else "")
        )


def _ray() -> Iterator[Finding]:
    version = _version("ray")
    if version is None:
        yield _absent("Ray", "pip install 'viewpoint100k[ray]'", "--runner ray")
    else:
        address = os.environ.get("RAY_ADDRESS")
        yield Finding(
            name="Ray", verdict="green", found=version + (f", RAY_ADDRESS={address}" if address else "")
        )


def _slurm() -> Iterator[Finding]:
    if shutil.which("sbatch") is None:
        yield _absent("SLURM", "log in to a node that has sbatch", "--runner slurm")
        return
    code, said = _ask("sinfo", "--noheader", "--format=%P")
    if code == 0:
        partitions = ", ".join(said.split()) or "none"
        yield Finding(
            name="SLURM", verdict="green", found=f"its controller answers; partitions: {one_line(partitions)}"
        )
    else:
        advice = "ask the site why `sinfo` fails; needed only for --runner slurm"
        yield Finding(
            name="SLURM", verdict="yellow", found=f"sbatch is here; sinfo fails: {said}", advice=advice
        )


def _kubectl() -> Iterator[Finding]:
    if shutil.which("kubectl") is None:
        yield _absent("kubectl", "install it", "`viewpoint100k k8s`")
        return
    code, said = _ask("kubectl", "auth", "can-i", "create", "jobs", f"--request-timeout={PATIENCE_S:.0f}s")
    if code == 0:
        yield Finding(
            name="kubectl", verdict="green", found="a cluster answers, and you may create Jobs there"
        )
    else:
        advice = "check `kubectl config current-context` and your rights; needed only for `viewpoint100k k8s`"
        yield Finding(name="kubectl", verdict="yellow", found=f"cannot create Jobs: {said}", advice=advice)


def _ask(*command: str) -> tuple[int, str]:
    """Exit code and last line of a program that may hang, or wait for somebody to log in."""
    try:
        done = subprocess.run(
            command,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            errors="replace",
            timeout=2 * PATIENCE_S,
        )
    except subprocess.TimeoutExpired:
        return -1, f"no answer in {2 * PATIENCE_S:.0f} s"
    except OSError as error:
        return -1, str(error)
    if done.returncode == 0:
        return 0, done.stdout
    lines = (done.stderr.strip() or done.stdout.strip()).splitlines() or [f"code {done.returncode}"]
    return done.returncode, one_line(lines[-1])


def _absent(name: str, how: str, wanted: str) -> Finding:
    advice = f"nothing, unless you want {wanted}: {how}"
    return Finding(name=name, verdict="green", found="not here", advice=advice)


def _red(name: str, found: str, error: ViewpointError) -> Finding:
    return Finding(name=name, verdict="red", found=found, advice=str(error))


def _version(package: str) -> str | None:
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return None


def _system() -> str:
    try:
        name = platform.freedesktop_os_release().get("PRETTY_NAME", "")
    except OSError:
        name = ""
    return ", ".join(part for part in (name, platform.platform()) if part)
