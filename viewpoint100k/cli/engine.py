"""Commands about the renderer of this machine."""

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
    """Compile Blender's kernels for the GPUs of this machine, once. `generate` does it by itself.

    The driver compiles them on first use, which takes about ten minutes where Blender ships none
    for the card. Run this when you build the image of a render node, or in a job before all others,
    so that nothing waits for it.

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
