"""Arguments in, exit code out. The work is elsewhere.

Exit codes: 0 fine, 1 problems found or the run could not be finished, 2 wrong input.
"""

import gc
import inspect
import os
import sys
from typing import Annotated

import typer
from rich.markup import escape

import viewpoint100k
from viewpoint100k.cli import engine, farm, listing, looking, making, photographs, sharing
from viewpoint100k.cli.screen import err_console, out_console
from viewpoint100k.errors import InputError, ViewpointError, printable

app = typer.Typer(no_args_is_help=True, rich_markup_mode="rich", pretty_exceptions_enable=False)
GROUPS = (making.app, photographs.app, farm.app, looking.app, sharing.app, listing.app, engine.app)
for commands in GROUPS[:5]:
    app.add_typer(commands)
app.add_typer(listing.app, name="objects", rich_help_panel="Check and look")
app.add_typer(engine.app, name="engine", rich_help_panel="Check and look")


def unwrapped(docstring: str) -> str:
    """A docstring as help: paragraphs on one line each, for the terminal to wrap; examples keep their
    lines.
    """
    paragraphs = inspect.cleandoc(docstring).split("\n\n")
    return "\n\n".join(
        text if text.startswith("[bold]") else " ".join(text.splitlines()) for text in paragraphs
    )


for group in GROUPS:
    for command in group.registered_commands:
        command.help = unwrapped((command.callback and command.callback.__doc__) or "")


def _version(wanted: bool) -> None:
    if wanted:
        out_console.print(viewpoint100k.__version__, highlight=False)
        raise typer.Exit


@app.callback()
def _about(
    version: Annotated[
        bool, typer.Option("--version", is_eager=True, callback=_version, help="Print the version and stop.")
    ] = False,
) -> None:
    """Render, prove, publish and train on viewpoint data: how did the camera move between two views?

    Start with [bold]viewpoint100k generate my-dataset[/bold]: 48 pairs of procedural objects, minutes on two
    cores. Then [bold]viewpoint100k gallery my-dataset page.html[/bold] shows them.
    """


def collect_rarely() -> None:
    """Look for reference cycles seldom: records are trees, and walking over all of them takes a seventh of
    annotation.
    """
    gc.freeze()  # what was imported stays
    gc.set_threshold(50_000, 20, 20)


POSIX_MODULES = ("fcntl", "resource")


def main() -> None:
    """The command line. Errors that a user can fix are one line."""
    # our matrices are small: a second thread of numpy's only waits for them, and costs as much as the first
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    collect_rarely()
    try:
        app()
    except InputError as error:
        err_console.print(
            f"[red]error:[/red] {escape(printable(str(error)))}", soft_wrap=True, highlight=False
        )
        sys.exit(2)
    except ViewpointError as error:
        err_console.print(
            f"[red]error:[/red] {escape(printable(str(error)))}", soft_wrap=True, highlight=False
        )
        sys.exit(1)
    except ModuleNotFoundError as error:
        if error.name not in POSIX_MODULES:
            raise
        err_console.print(
            f"[red]error:[/red] this system has no {error.name}, with which files are locked and processes "
            "limited; expected Linux. On Windows use WSL 2 (docs/rendering.md, which systems)",
            soft_wrap=True,
            highlight=False,
        )
        sys.exit(2)
