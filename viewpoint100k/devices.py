"""The devices of render processes, and the environment that selects them."""

import glob
import importlib.util
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from render_scenes import protocol
from viewpoint100k.errors import EngineError, InputError, one_line
from viewpoint100k.interpreters import ONE_THREAD, START_S, check_import, look_at

VISIBLE = {  # what hides all GPUs but one from a process; Metal has but one
    "OPTIX": "CUDA_VISIBLE_DEVICES",
    "CUDA": "CUDA_VISIBLE_DEVICES",
    "HIP": "HIP_VISIBLE_DEVICES",
    "ONEAPI": "ZE_AFFINITY_MASK",
}
# Linux shows a GPU to programs as one of these: NVIDIA's, also under Windows, AMD's, Intel's
NODES = ("/dev/nvidiactl", "/dev/dxg", "/dev/kfd", "/dev/dri/renderD*")


@dataclass(frozen=True)
class Device:
    """The device of one worker."""

    kind: str = "CPU"  # or OPTIX, CUDA, HIP, ONEAPI, METAL
    index: int = 0
    name: str = ""

    @property
    def is_gpu(self) -> bool:
        return self.kind != "CPU"

    def environment(self) -> dict[str, str]:
        """Variables that let a process see this card alone.

        They are set before Blender loads: setting them later has no effect. What a scheduler lends is only
        narrowed: with fewer cards than this one's number, its variable stays as it is.
        """
        variable = VISIBLE.get(self.kind)
        if variable is None:
            return {}
        given = os.environ.get(variable)
        if given is None:
            return {variable: str(self.index)}
        lent = [entry.strip() for entry in given.split(",") if entry.strip()]
        return {variable: lent[self.index]} if self.index < len(lent) else {}


def environment_of(scratch: Path) -> dict[str, str]:
    """The environment of a render process: of our code, it sees `render_scenes` only."""
    home = scratch / "path"  # another interpreter must not see our site-packages
    home.mkdir(parents=True, exist_ok=True)
    link = home / "render_scenes"
    package = importlib.util.find_spec("render_scenes")
    assert package is not None and package.origin is not None
    if not link.is_symlink():
        link.symlink_to(Path(package.origin).resolve().parent)
    temporary = str(home.parent.resolve())  # Blender leaves a folder there when it is killed; ours is removed
    paths = {"PYTHONPATH": str(home.resolve()), "PYTHONDONTWRITEBYTECODE": "1", "TMPDIR": temporary}
    # for a damaged image, bpy 5.2's libheif looks for plugins where it was built: a folder of anybody's here
    paths["LIBHEIF_PLUGIN_PATH"] = str(home.resolve())
    return {**os.environ, **ONE_THREAD, **paths}


def ask_cycles(scratch: Path, python: str = sys.executable) -> tuple[str, list[str]]:
    """The fastest kind of GPU that Cycles can use here and the names of those GPUs; CPU and no names without
    one.

    A process of its own is asked.

    Raises:
        EngineError: it does not answer, and what it said last.
    """
    command = [python, "-m", "render_scenes", "devices"]
    try:
        done = subprocess.run(
            command, capture_output=True, text=True, env=environment_of(scratch), timeout=START_S
        )
        found = protocol.decode(done.stdout.splitlines()[-1])
    except subprocess.TimeoutExpired as error:
        raise EngineError(f"Cycles did not list its devices within {START_S:.0f} s") from error
    except (IndexError, ValueError) as error:
        said = done.stderr.strip().splitlines()[-1:] or [f"the process ended with code {done.returncode}"]
        raise EngineError(f"Cycles did not list its devices: {one_line(said[0])}") from error
    if not isinstance(found, protocol.Devices):
        raise EngineError(f"Cycles did not list its devices, but said {one_line(done.stdout)}")
    return found.kind, found.names


def may_have_gpu() -> bool:
    """Whether the system shows any GPU to programs. Asking Cycles takes a second or more, this takes none."""
    return sys.platform != "linux" or any(glob.glob(node) for node in NODES)


def find_devices(wanted: str, scratch: Path, python: str = sys.executable) -> list[Device]:
    """The GPUs to render on, by asking Cycles in a process of its own; the processor if there are none.

    Args:
        wanted: auto, cpu or gpu. `auto` takes the processor where there is no GPU.

    Raises:
        InputError: `gpu` was asked for and Cycles finds none; or Cycles was asked and bpy cannot be imported.
    """
    if wanted == "cpu" or (wanted == "auto" and not may_have_gpu()):
        return [Device()]
    try:
        kind, names = ask_cycles(scratch, python)
    except EngineError:
        check_import(look_at(python))
        # a fault of a driver need not keep the CPU from rendering
        kind = "CPU"
        names = []
    if not names and wanted == "gpu":
        raise InputError(
            "--device gpu: Cycles finds no GPU here (OptiX, CUDA, HIP, oneAPI, Metal); use --device cpu"
        )
    return [Device(kind, index, name) for index, name in enumerate(names)] or [Device()]
