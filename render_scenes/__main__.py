"""`python -m render_scenes PARENT_PID MEMORY_MB DEVICE`: JSON requests on stdin, one a line; JSON replies on stdout.

The first reply says that the process is ready, and with what it renders. Then `{"do": "open", ...}` loads an object, or
those of a scene, which `measure` and `place` put in their places; and `{"do": "shoot", ...}` takes pictures: a few small ones
first, so that the supervisor can decide whether it is worth the large ones. `python -m render_scenes devices` prints the GPUs that Cycles can use. Blender and its importers
write to stdout as they like, so that file descriptor is theirs: replies go through a copy made before bpy loads.
"""

import ctypes
import gc
import json
import os
import resource
import signal
import sys
import time
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any


def die_with(parent: int) -> None:
    """End when the supervisor ends, however it ends. Linux only; elsewhere the closed stdin does it, later."""
    try:
        ctypes.CDLL(None, use_errno=True).prctl(1, signal.SIGKILL)
    except (OSError, AttributeError):
        return
    if os.getppid() != parent:
        sys.exit("the supervisor is gone")


@contextmanager
def one_core() -> Iterator[None]:
    """Let Blender believe that there is one core while it starts, then run on any.

    Cycles keeps to its one thread, but the denoiser and the compositor start one for each core they see, and these
    spin while they wait: half of all CPU time, for no speed.
    """
    if not hasattr(os, "sched_setaffinity"):
        yield
        return
    cores = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {sorted(cores)[os.getpid() % len(cores)]})  # not all workers on the same one
    try:
        yield
    finally:
        for thread in os.listdir("/proc/self/task"):  # those that started meanwhile would stay on that one core
            os.sched_setaffinity(int(thread), cores)


def limit_memory(megabytes: int) -> None:
    """Let the address space grow by this much from here on, so that a bomb ends this process and no other."""
    try:
        pages = int(Path("/proc/self/statm").read_text().split()[0])
    except OSError:
        return
    limit = pages * resource.getpagesize() + (megabytes << 20)
    resource.setrlimit(resource.RLIMIT_AS, (limit, limit))


def limit_cpu(seconds: float) -> None:
    """Let this process use so much more CPU time, then end it: an object that never finishes costs no more."""
    used = resource.getrusage(resource.RUSAGE_SELF)
    _, most = resource.getrlimit(resource.RLIMIT_CPU)
    resource.setrlimit(resource.RLIMIT_CPU, (int(used.ru_utime + used.ru_stime + seconds) + 1, most))


def list_devices() -> None:
    """Print one JSON line: the kind of GPU that Cycles does best on here, and the names of those."""
    replies = os.dup(1)
    os.dup2(2, 1)
    from render_scenes import scene

    found = next(([kind, names] for kind in scene.GPU_KINDS if (names := scene.gpus(kind))), ["CPU", []])
    os.write(replies, json.dumps(found).encode() + b"\n")


def main() -> None:
    if sys.argv[1:] == ["devices"]:
        list_devices()
        return
    parent, memory_mb, device = int(sys.argv[1]), int(sys.argv[2]), sys.argv[3]
    die_with(parent)
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    replies = os.fdopen(os.dup(1), "w", buffering=1)
    os.dup2(2, 1)

    with one_core():
        from render_scenes import scene

        studio = scene.Studio(device)
    gc.freeze()  # Blender's modules are many objects, and none of them will ever be garbage
    limit_memory(memory_mb)

    def reply(message: dict[str, Any]) -> None:
        replies.write(json.dumps(message) + "\n")
        replies.flush()

    hello = {"renderer": scene.renderer_name(), "device": studio.device, "cpu_s": time.process_time()}
    reply(hello)
    for line in sys.stdin:
        job = json.loads(line)
        try:
            if job["do"] == "open":
                limit_cpu(job["cpu_limit_s"])
                reply({"ok": True, **studio.open(job)})
            elif job["do"] == "forget":
                reply({"ok": True, **studio.forget()})
            elif job["do"] in ("measure", "place"):
                reply({"ok": True, **getattr(studio, job["do"])(job)})
            else:
                reply({"ok": True, **studio.shoot(job)})
        except scene.Refused as refusal:
            reply({"ok": False, "stage": refusal.stage, "reason": str(refusal)})
        except Exception as error:  # the supervisor replaces this process, whatever it was
            traceback.print_exc()
            reply({"ok": False, "stage": "render", "reason": f"{type(error).__name__}: {error}"})


if __name__ == "__main__":
    main()
