"""Whether this machine can render: its Python, bpy, the libraries that bpy needs, and the GPUs."""

import os
import re
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

from viewpoint100k.devices import ask_cycles
from viewpoint100k.doctor.findings import Finding, red
from viewpoint100k.errors import EngineError, InputError, MissingExtra
from viewpoint100k.interpreters import (
    RENDERERS,
    Interpreter,
    check_import,
    check_libraries,
    check_parts,
    look_at,
)

OPTIX_DRIVER = 535  # the oldest of NVIDIA's that Cycles of these Blenders takes
ROCM = "6.0"  # and the oldest ROCm
PCI_VENDORS = {"0x10de": "NVIDIA", "0x1002": "AMD", "0x8086": "Intel"}


def renderer(python: str) -> Iterator[Finding]:
    """Python, bpy, its libraries, what happens when it is imported, and the GPUs.

    Each needs the one before: the first that is red is the last.
    """
    try:
        found = look_at(python)
    except InputError as error:
        yield red("Python", python, error)
        return
    for check in (_python_and_bpy, _libraries, _import):
        for finding in check(found, python):
            yield finding
            if finding.verdict == "red":
                return
    yield from _gpus(python)


def _python_and_bpy(found: Interpreter, python: str) -> Iterator[Finding]:
    """Whether this Python is one that a renderer is made for, and has it."""
    named = f"{found.version}, {python}"
    has_renderer = found.version in RENDERERS
    try:
        check_parts(found)
    except MissingExtra as error:
        if "bpy" in found.missing and not has_renderer:
            yield red("Python", f"{named}: no renderer is made for it", error)
        else:
            yield Finding(name="Python", verdict="green", found=named)
            yield red("bpy", f"not there: {', '.join(found.missing)}", error)
        return
    if has_renderer:
        its_renderer = f"{named}; its renderer is {RENDERERS[found.version]}"
        yield Finding(name="Python", verdict="green", found=its_renderer)
    else:
        yield Finding(
            name="Python",
            verdict="yellow",
            found=f"{named}, with a bpy of its own",
            advice=f"tested is Python {' or '.join(RENDERERS)}",
        )
    assert found.bpy is not None
    versions = sorted(
        path.name.removeprefix("bpy-").removesuffix(".dist-info")
        for path in found.bpy.parent.parent.glob("bpy-*.dist-info")
    )
    described = f"{' and '.join(versions) or 'of unknown version'}, {found.bpy.parent}"
    yield Finding(name="bpy", verdict="green", found=described)


def _libraries(found: Interpreter, python: str) -> Iterator[Finding]:
    """The shared libraries of the system that bpy is linked to."""
    try:
        check_libraries(found)
    except InputError as error:
        yield red("shared libraries", "some that bpy needs are missing or damaged", error)
    else:
        yield Finding(name="shared libraries", verdict="green", found="all that bpy needs are here")


def _import(found: Interpreter, python: str) -> Iterator[Finding]:
    started = time.monotonic()
    try:
        check_import(found)
    except InputError as error:
        yield red("importing bpy", "fails", error)
    else:
        seconds = time.monotonic() - started
        yield Finding(name="importing bpy", verdict="green", found=f"works, in {seconds:.1f} s")


def _gpus(python: str) -> Iterator[Finding]:
    """The devices that Cycles would render on, beside the cards and drivers that the system knows of."""
    driver = _nvidia_driver()
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
    if names:
        found = "; ".join([f"{kind}: {', '.join(names)}", *about])
        yield _used_gpus(found, slower=kind == "CUDA" and _is_old(driver))
        return
    cards = _graphics_cards()
    unused = [f"{card} graphics" for card in cards]
    found = "; ".join(["Cycles finds none and renders on the processor", *unused, *about])
    yield _unused_gpus(found, driver, cards)


def _is_old(driver: str | None) -> bool:
    """Whether a driver of NVIDIA is there and is too old for OptiX."""
    return driver is not None and int(driver.split(".")[0]) < OPTIX_DRIVER


def _used_gpus(found: str, *, slower: bool) -> Finding:
    """What is said of devices that Cycles renders on; `slower` than a newer driver would let it."""
    if slower:
        advice = f"update NVIDIA's driver to {OPTIX_DRIVER} or newer: OptiX, the faster way, needs it"
        return Finding(name="GPUs", verdict="yellow", found=found, advice=advice)
    advice = "nothing to do: --device auto uses them"
    return Finding(name="GPUs", verdict="green", found=found, advice=advice)


def _unused_gpus(found: str, driver: str | None, cards: Sequence[str]) -> Finding:
    """What is said where Cycles finds no device: which driver lets it use the cards that are there."""
    if _is_old(driver):
        advice = f"update NVIDIA's driver to {OPTIX_DRIVER} or newer"
    elif driver or "NVIDIA" in cards:
        advice = (
            f"install NVIDIA's driver {OPTIX_DRIVER} or newer; in a container, have it lent one (--gpus "
            "all) with NVIDIA_DRIVER_CAPABILITIES=compute,utility,graphics"
        )
    elif "AMD" in cards and Path("/dev/kfd").exists():
        advice = f"install ROCm {ROCM} or newer, and be a member of the groups render and video"
    else:  # few integrated ones can do it
        return Finding(name="GPUs", verdict="green", found=found)
    return Finding(name="GPUs", verdict="yellow", found=found, advice=advice)


def _nvidia_driver() -> str | None:
    """Its version, if it is loaded."""
    try:
        text = Path("/proc/driver/nvidia/version").read_text()
    except OSError:
        return None
    version = re.search(r"\b\d{3}\.\d+(\.\d+)*", text)
    return version[0] if version else None


def _graphics_cards() -> list[str]:
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
