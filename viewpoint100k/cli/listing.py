"""Commands about the objects of a source."""

import tempfile
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any, Optional

import typer
from rich.markup import escape
from rich.table import Table

from viewpoint100k.cli.options import (
    CountOption,
    DeviceOption,
    DrawSeedOption,
    JsonOption,
    ListedArgument,
    PythonOption,
    WorkersOption,
)
from viewpoint100k.cli.places import devices_for, places_on
from viewpoint100k.cli.screen import counting, err_console, out_console, print_cpu, print_findings
from viewpoint100k.errors import InputError, disk_errors

app = typer.Typer(
    no_args_is_help=True, help="The objects of a source: which would be used, which are refused, and why."
)


@app.command("list")
def objects_list(
    source: ListedArgument, count: CountOption = 24, seed: DrawSeedOption = 0, as_json: JsonOption = False
) -> None:
    """List the objects of a source that would be used, with category, licence and author.

    [bold]viewpoint100k objects list my-models/[/bold]
    [bold]viewpoint100k objects list builtin: --count 5 --json[/bold]
    """
    listing = listed(source, count, seed)
    if as_json:
        for thing in listing.objects:
            print(thing.model_dump_json())
        return
    table = Table("uid", "category", "licence", "author", "title")
    for thing in listing.objects:
        table.add_row(
            *(
                escape(text)
                for text in (
                    thing.record.uid,
                    thing.record.category,
                    thing.record.licence,
                    thing.record.author,
                    thing.record.title,
                )
            )
        )
    out_console.print(table)
    out_console.print(
        f"{len(listing.objects)} objects, {len(listing.rejects)} refused (`objects check` says why)"
    )


@app.command("check")
def objects_check(
    source: ListedArgument,
    render: Annotated[
        bool,
        typer.Option(
            "--render", help="Also look at each object from all around, and judge it as a run would."
        ),
    ] = False,
    sheet: Annotated[
        Optional[Path],
        typer.Option(
            metavar="FILE.jpg",
            help="Draw the objects and their verdicts on a contact sheet. Implies --render.",
            show_default=False,
        ),
    ] = None,
    workers: WorkersOption = None,
    device: DeviceOption = "auto",
    engine_python: PythonOption = None,
    count: CountOption = 24,
    seed: DrawSeedOption = 0,
    as_json: JsonOption = False,
) -> None:
    """Say of every file whether it can be used, and if not, why. Exit 1 if one is refused.

    Without options it only reads the files. With --render it also looks at the objects, for a second each: is
    one symmetric, flat or see-through? With --json or --render, and with trimesh installed (pip install
    "viewpoint100k\\[mesh]"), it also says whether a mesh is watertight, how many bodies it has and how
    large it is.

    [bold]viewpoint100k objects check my-models/[/bold]
    [bold]viewpoint100k objects check my-models/ --sheet sheet.jpg[/bold]
    """
    from viewpoint100k import inspection
    from viewpoint100k.config import RunConfig
    from viewpoint100k.interpreters import check_engine
    from viewpoint100k.shards import write_atomically

    probed = render or sheet is not None
    if sheet is not None and (sheet.suffix.lower() not in {".jpg", ".jpeg"} or not sheet.parent.is_dir()):
        raise InputError(f"--sheet {sheet}: expected a .jpg file in a folder that exists")
    if probed:
        check_engine(*([engine_python] if engine_python else []))
    config, listing, kept = RunConfig(source=source), listed(source, count, seed), list[inspection.Seen]()
    for seen in _probe(config, listing, workers, device, engine_python) if probed else _look(config, listing):
        if as_json:
            print(seen.finding.model_dump_json(), flush=True)
        drawn = sheet is not None and len(kept) < inspection.MOST_ON_A_SHEET
        kept.append(seen if drawn else seen._replace(picture=b""))
    findings = [seen.finding for seen in kept]
    summary = inspection.count_verdicts(findings)
    if sheet is not None:
        cut = (
            f" (drawn: the first {inspection.MOST_ON_A_SHEET})"
            if len(kept) > inspection.MOST_ON_A_SHEET
            else ""
        )
        with disk_errors(sheet):
            write_atomically(sheet, inspection.draw_sheet(kept, f"{source}: {summary}{cut}"))
    refused = [finding for finding in findings if finding.verdict != inspection.OK]
    if not as_json:
        print_findings(findings if probed else refused, config.gates.min_asymmetry)
        out_console.print(summary, soft_wrap=True, highlight=False)
        if meshes := inspection.count_meshes(findings):
            out_console.print(meshes, soft_wrap=True, highlight=False)
        if spent := [Counter(finding.cpu_s) for finding in findings if finding.cpu_s]:
            print_cpu(sum(spent, Counter[str]()), f"{len(spent)} objects")
        if sheet is not None:
            out_console.print(f"Look at them: {escape(str(sheet))}", soft_wrap=True, highlight=False)
    if refused:
        raise typer.Exit(1)


@app.command("fetch")
def objects_fetch(
    source: ListedArgument,
    folder: Annotated[
        Path, typer.Argument(help="Where to put objects that are made here.", show_default=False)
    ],
    count: CountOption = 24,
    seed: DrawSeedOption = 0,
) -> None:
    """Make or download objects ahead of a run, and print the names of their files.

    [bold]viewpoint100k objects fetch builtin: toys --count 3[/bold]
    [bold]viewpoint100k objects fetch objaverse:lvis unused --count 1000[/bold]
    """
    from viewpoint100k import objects as sources
    from viewpoint100k.config import FileBudgets
    from viewpoint100k.errors import ObjectRefused

    folder.mkdir(parents=True, exist_ok=True)
    for thing in listed(source, count, seed).objects:
        try:
            path, _ = sources.fetch_object(thing, source, folder, FileBudgets())
            print(path)
        except ObjectRefused as refusal:
            err_console.print(f"{thing.record.uid}: {escape(str(refusal))}", style="yellow", soft_wrap=True)


def listed(source: str, count: int, seed: int) -> Any:
    from viewpoint100k import objects as sources
    from viewpoint100k.config import FileBudgets

    with counting("Checking objects") as progress:
        return sources.list_objects(source, wanted=count, seed=seed, budgets=FileBudgets(), progress=progress)


def _look(config: Any, listing: Any) -> Iterator[Any]:
    """What is known of the objects of a listing without a render, with a progress bar."""
    from viewpoint100k.inspection import list_findings

    total = len(listing.objects)
    with (
        tempfile.TemporaryDirectory(prefix="viewpoint100k-") as folder,
        disk_errors(Path(folder)),
        counting("Reading meshes") as progress,
    ):
        for done, seen in enumerate(list_findings(config, listing, Path(folder)), 1):
            progress(min(done, total), total)
            yield seen


def _probe(
    config: Any, listing: Any, workers: int | None, device: str, engine_python: str | None
) -> Iterator[Any]:
    """Probe and judge the objects of a listing, with a progress bar."""
    from viewpoint100k.inspection import inspect_objects

    total = len(listing.objects)
    with tempfile.TemporaryDirectory(prefix="viewpoint100k-") as folder, disk_errors(Path(folder)):
        devices = devices_for(Path(folder), device, engine_python)
        places = workers or places_on(devices)
        seen = inspect_objects(
            config, listing, Path(folder), engine_python=engine_python, workers=places, devices=devices
        )
        with counting("Probing objects") as progress:
            progress(0, total)
            for done, each in enumerate(seen, 1):
                progress(min(done, total), total)
                yield each
