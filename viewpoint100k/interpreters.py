"""Whether a Python can render.

It needs bpy and what goes with it, and this machine the libraries that bpy is linked to.
"""

import importlib.util
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

from viewpoint100k.errors import InputError, MissingExtra, one_line
from viewpoint100k.libraries import Lacks, explain, find_lacks, read_complaints

START_S = 120.0  # importing bpy takes 1.2 s on a calm machine
# Python -> the Blender that is on the package index for it
RENDERERS = {"3.13": "bpy 5.2 LTS", "3.11": "bpy 5.0.1"}
PYTHONS = " or ".join(f"{python} ({blender})" for python, blender in RENDERERS.items())
NEEDS = ("bpy", "numpy", "PIL")
ONE_THREAD = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")


class Interpreter(NamedTuple):
    """A Python that is to render, and what of `NEEDS` it has."""

    python: str
    version: str  # such as 3.13
    missing: tuple[str, ...]
    bpy: Path | None  # its compiled module

    @property
    def blender(self) -> str:
        """Such as 5.2.3; empty if it is not known. By what pip noted, for importing bpy takes seconds."""
        if self.bpy is None:
            return ""
        notes = sorted(self.bpy.parent.parent.glob("bpy-*.dist-info"))
        return notes[-1].name.removeprefix("bpy-").removesuffix(".dist-info") if notes else ""


def look_at(python: str = sys.executable) -> Interpreter:
    """Ask an interpreter what it has. Imports nothing of it.

    Raises:
        InputError: no such interpreter.
    """
    if python == sys.executable:
        version = f"{sys.version_info.major}.{sys.version_info.minor}"
        specs = {name: importlib.util.find_spec(name) for name in NEEDS}
        # a folder that an uninstalled package left behind has a spec, and no origin
        origins = {
            name: spec.origin for name, spec in specs.items() if spec is not None and spec.origin is not None
        }
    else:
        code = (
            "import importlib.util as u, json, sys; s = {n: u.find_spec(n) for n in "
            f"{NEEDS!r}}}; print('has', json.dumps(['%d.%d' % sys.version_info[:2], "
            "{n: s[n].origin for n in s if s[n] is not None and s[n].origin is not None}]))"
        )
        try:
            done = subprocess.run([python, "-c", code], capture_output=True, text=True, timeout=START_S)
        except OSError as error:
            raise InputError(
                f"--engine-python {python}: cannot be run ({error.strerror}); pass a Python {PYTHONS}"
            ) from error
        except subprocess.TimeoutExpired as error:
            raise InputError(
                f"--engine-python {python}: did not answer within {START_S:.0f} s; pass a Python {PYTHONS}"
            ) from error
        if done.returncode or not done.stdout.startswith("has "):
            raise InputError(
                f"--engine-python {python}: is not a Python interpreter; pass a Python {PYTHONS}"
            )
        version, origins = json.loads(done.stdout.removeprefix("has "))
    missing = tuple(name for name in NEEDS if name not in origins)
    return Interpreter(python, version, missing, Path(origins["bpy"]) if "bpy" in origins else None)


def check_parts(found: Interpreter) -> None:
    """Does it have what rendering imports?

    Raises:
        MissingExtra: it lacks bpy or what goes with it.
    """
    if not found.missing:
        return
    if "bpy" in found.missing and found.version not in RENDERERS:
        raise MissingExtra(
            f"{found.python} cannot render: it is Python {found.version}, for which Blender has no bpy on "
            f"the package index, only for {PYTHONS}. Install viewpoint100k[render] on one of these, or name "
            "it with --engine-python"
        )
    raise MissingExtra(
        f"{found.python} cannot render: it lacks {', '.join(found.missing)}. Install them with pip install "
        "'viewpoint100k[render]', or name an interpreter that has them with --engine-python"
    )


def check_libraries(found: Interpreter) -> None:
    """Does this machine have the shared libraries that bpy is linked to?

    Raises:
        InputError: it does not: which, and in which packages they are.
    """
    lacks = find_lacks(found.bpy) if found.bpy is not None else Lacks()
    # an interpreter may know places that `ldd` does not
    if lacks and _import_failure(found.python) is not None:
        raise InputError(_cannot_render(found, lacks))


def check_import(found: Interpreter) -> None:
    """The final word: import bpy in a process of its own.

    Raises:
        InputError: that fails, and why.
    """
    said = _import_failure(found.python)
    if said is not None:
        lacks = read_complaints(said)
        if lacks:
            raise InputError(_cannot_render(found, lacks))
        last = said.strip().splitlines()[-1:] or ["no reason given"]
        raise InputError(
            f"{found.python} cannot render: importing bpy fails: {one_line(last[0])}. Uninstall it, then "
            "pip install 'viewpoint100k[render]', or name another interpreter with --engine-python"
        )


def check_engine(python: str = sys.executable) -> None:
    """Fail early, with what to do, if an interpreter cannot render.

    Raises:
        InputError: no such interpreter, or shared libraries that bpy needs are missing.
        MissingExtra: it lacks bpy or what goes with it.
    """
    found = look_at(python)
    check_parts(found)
    check_libraries(found)


def _import_failure(python: str) -> str | None:
    """What importing bpy says when it fails; None: it does not fail.

    Raises:
        InputError: it takes too long to tell.
    """
    # as for a render process
    outside = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    try:
        done = subprocess.run(
            [python, "-c", "import bpy"],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            errors="replace",
            timeout=START_S,
            env={**outside, **ONE_THREAD},
        )
    except subprocess.TimeoutExpired:
        raise InputError(
            f"{python} cannot render: bpy was not imported within {START_S:.0f} s, where seconds are enough "
            "on an idle machine. Try again when this machine is less busy, or name an interpreter on a "
            "faster disk with --engine-python"
        ) from None
    if done.returncode < 0:
        return f"{done.stderr}\nended by signal {-done.returncode}"
    return done.stderr if done.returncode else None


def _cannot_render(found: Interpreter, lacks: Lacks) -> str:
    home = found.bpy.parent if found.bpy is not None else Path()
    records = "".join(path.read_text() for path in home.parent.glob("bpy-*.dist-info/RECORD"))
    bundled = [name for name in lacks.names() if f"/{name}," in records]
    return f"{found.python} cannot render: {explain(lacks, bundled)}"
