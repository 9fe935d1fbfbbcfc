"""Who runs the shards, and on which devices."""

import sys
from pathlib import Path
from typing import Any

from viewpoint100k.cli.screen import err_console
from viewpoint100k.errors import InputError


def runner_named(name: str) -> Any:
    """The function that runs shards."""
    if name == "local":
        from viewpoint100k.runners.local import run_local

        return run_local
    if name == "ray":
        from viewpoint100k.runners.ray import run_ray

        return run_ray
    if name == "slurm":
        from viewpoint100k.runners.slurm import run_slurm

        return run_slurm
    raise InputError(f"--runner {name}: expected local, ray or slurm; for Kubernetes see `viewpoint100k k8s`")


def render_options(cpus: int, gpus: int) -> list[str]:
    """How a shard is rendered on a machine of a farm: what the engine there lends it, and no more."""
    return ["--device", "gpu" if gpus else "cpu", "--workers", str(gpus or cpus)]


def devices_for(scratch: Path, wanted: str, engine_python: str | None, *, quiet: bool = False) -> list[Any]:
    """What there is to render on. Says so where it had to look."""
    from viewpoint100k.devices import find_devices

    if wanted not in {"auto", "cpu", "gpu"}:
        raise InputError(f"--device {wanted}: expected auto, cpu or gpu")
    devices = find_devices(wanted, scratch, *([engine_python] if engine_python else []))
    if not quiet:
        name_devices(wanted, devices)
    return devices


def name_devices(wanted: str, devices: list[Any]) -> None:
    """Say what was found, unless it was asked for by name."""
    if wanted != "cpu":
        names = ", ".join(f"{device.kind} {device.index}: {device.name}" for device in devices if device.name)
        err_console.print(f"Rendering on {names or 'the processor: there is no GPU'}", highlight=False)


def warm(devices: list[Any], settings: Any, scratch: Path, engine_python: str | None) -> dict[Any, float]:
    """`engine.warm_up`, told on the screen: before anything has a deadline, and once for all shards."""
    from viewpoint100k.engine import warm_up

    def say(text: str) -> None:
        err_console.print(text, highlight=False)

    return warm_up(devices, settings, scratch, engine_python or sys.executable, say)


def places_on(devices: list[Any]) -> int:
    """How many processes may render at a time: one per GPU, else one per core."""
    from viewpoint100k.runners.local import default_workers

    return len(devices) if any(found.environment() for found in devices) else default_workers()
