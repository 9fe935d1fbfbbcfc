"""`python -m render_scenes PARENT_PID MEMORY_MB DEVICE` (0 MB: no limit) carries out render requests.

Requests come on stdin, one per line, and answers go to stdout (protocol.py). The first line says that the
process is ready, and names its renderer. The process then loads an object or the objects of a scene and takes
pictures: a few small ones first, so that the supervisor can decide whether large ones are worth their cost.
`python -m render_scenes devices` prints the GPUs that Cycles can use. Blender and its importers write to
stdout as they like, so that file descriptor is theirs: answers go through a copy made before bpy loads.
"""

import ctypes
import gc
import os
import resource
import signal
import sys
import time
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from render_scenes import protocol

if TYPE_CHECKING:
    from render_scenes.scene import Studio


def die_with(parent: int) -> None:
    """End when the supervisor ends, however it ends.

    Works on Linux only; elsewhere the closed stdin ends the process a little later.
    """
    try:
        ctypes.CDLL(None, use_errno=True).prctl(1, signal.SIGKILL)
    except (OSError, AttributeError):
        return
    if os.getppid() != parent:
        sys.exit("the supervisor is gone")


@contextmanager
def one_core() -> Iterator[None]:
    """Make Blender see a single core while it starts, then run on all of them.

    Cycles keeps to its one thread, but the denoiser and the compositor start a thread for each core they see.
    Those spin while they wait, which takes half of all CPU time and gains no speed.
    """
    if not hasattr(os, "sched_setaffinity"):
        yield
        return
    cores = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {sorted(cores)[os.getpid() % len(cores)]})  # spread workers over the cores
    try:
        yield
    finally:
        # threads started meanwhile would otherwise stay on that one core
        for thread in os.listdir("/proc/self/task"):
            os.sched_setaffinity(int(thread), cores)


def limit_memory(megabytes: int) -> None:
    """Limit the growth of the address space from here on, so that a bomb ends this process and no other."""
    try:
        pages = int(Path("/proc/self/statm").read_text().split()[0])
    except OSError:
        return
    limit = pages * resource.getpagesize() + (megabytes << 20)
    resource.setrlimit(resource.RLIMIT_AS, (limit, limit))


def limit_cpu(seconds: float) -> None:
    """End this process once it has used this much more CPU time, because an object may never finish."""
    used = resource.getrusage(resource.RUSAGE_SELF)
    _, most = resource.getrlimit(resource.RLIMIT_CPU)
    resource.setrlimit(resource.RLIMIT_CPU, (int(used.ru_utime + used.ru_stime + seconds) + 1, most))


def list_devices() -> None:
    """Print one JSON line: the fastest kind of GPU that Cycles can use here, and the names of those GPUs."""
    replies = os.dup(1)
    os.dup2(2, 1)
    from render_scenes import scene

    kind, names = next(
        ((kind, names) for kind in scene.GPU_KINDS if (names := scene.gpus(kind))), ("CPU", [])
    )
    os.write(replies, protocol.encode(protocol.Devices(kind=kind, names=names)).encode() + b"\n")


def answer(studio: "Studio", request: protocol.Message) -> protocol.Answer:
    """Carry out one request."""
    match request:
        case protocol.Open():
            limit_cpu(request.cpu_limit_s)
            return studio.open(request)
        case protocol.Measure():
            return studio.measure(request)
        case protocol.Place():
            return studio.place(request)
        case protocol.Shoot():
            return studio.shoot(request)
        case protocol.Forget():
            return studio.forget()
    raise TypeError(f"expected a request, got the message {type(request).__name__}")


def main() -> None:
    if sys.argv[1:] == ["devices"]:
        list_devices()
        return
    parent = int(sys.argv[1])
    memory_mb = int(sys.argv[2])
    device = sys.argv[3]
    die_with(parent)
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    replies = os.fdopen(os.dup(1), "w", buffering=1)
    os.dup2(2, 1)

    with one_core():
        from render_scenes import loading, scene

        studio = scene.Studio(device)
        if device in scene.GPU_KINDS:
            studio.warm_up()
    gc.freeze()  # Blender's modules are many objects, none of which will ever be garbage
    if memory_mb:
        limit_memory(memory_mb)

    def reply(message: protocol.Message) -> None:
        replies.write(protocol.encode(message) + "\n")
        replies.flush()

    reply(protocol.Ready(renderer=scene.renderer_name(), device=studio.device, cpu_s=time.process_time()))
    for line in sys.stdin:
        request = protocol.decode(line)
        try:
            reply(answer(studio, request))
        except loading.RefusedError as refusal:
            reply(protocol.Refusal(stage=refusal.stage, reason=str(refusal)))
        except Exception as error:  # whatever went wrong, the supervisor replaces this process
            traceback.print_exc()
            reply(protocol.Refusal(stage="render", reason=f"{type(error).__name__}: {error}"))


if __name__ == "__main__":
    main()
