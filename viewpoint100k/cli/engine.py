"""What has to do with the renderer of this machine alone."""

import tempfile
from pathlib import Path

import typer

from viewpoint100k.cli.options import DeviceOption, PythonOption
from viewpoint100k.cli.places import devices_for, warm
from viewpoint100k.cli.screen import out_console

app = typer.Typer(no_args_is_help=True, help="The renderer of this machine.")


@app.callback()
def _about() -> None:
    """The renderer of this machine."""


@app.command("warm")
def engine_warm(device: DeviceOption = "auto", engine_python: PythonOption = None) -> None:
    """Compile Blender's kernels for the GPUs of this machine, once; `generate` does it by itself.

    A driver compiles them when it first meets them, for about ten minutes where Blender brings none for the
    card. In the image of a render node, or in a job that runs before all others, it is done before anything
    waits for it.

    [bold]viewpoint100k engine warm[/bold]
    [bold]CUDA_VISIBLE_DEVICES=1 viewpoint100k engine warm --device gpu[/bold]
    """
    from viewpoint100k.config import RunConfig
    from viewpoint100k.interpreters import check_engine

    check_engine(*([engine_python] if engine_python else []))
    with tempfile.TemporaryDirectory(prefix="viewpoint100k-") as scratch:
        devices = devices_for(Path(scratch), device, engine_python)
        took = warm(devices, RunConfig(source="builtin:").render, Path(scratch), engine_python)
    for each, seconds in took.items():
        out_console.print(f"{each.kind} {each.name}: ready after {seconds:.0f} s", highlight=False)
    if not took:
        out_console.print("Nothing to compile: the processor renders", highlight=False)
