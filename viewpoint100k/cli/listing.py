"""Commands about the objects of a source."""

import re
import tempfile
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any, Optional

import typer
from rich.markup import escape
from rich.table import Table

from viewpoint100k.cli.options import (
    AllowOption,
    CountOption,
    DeviceOption,
    DrawSeedOption,
    JsonOption,
    ListedArgument,
    PythonOption,
    SetOption,
    WorkersOption,
    resolved_config,
)
from viewpoint100k.cli.places import devices_for, places_on
from viewpoint100k.cli.screen import counting, err_console, out_console, print_cpu, print_findings
from viewpoint100k.errors import InputError, disk_errors

app = typer.Typer(
    no_args_is_help=True, help="The objects of a source: which would be used, which are refused, and why."
)


@app.command("list")
def objects_list(
    source: ListedArgument,
    count: CountOption = 24,
    seed: DrawSeedOption = 0,
    allow: AllowOption = None,
    overrides: SetOption = None,
    why: Annotated[
        bool, typer.Option("--why", help="How many objects are left after each filter, instead of the list.")
    ] = False,
    as_json: JsonOption = False,
) -> None:
    """List the objects of a source that would be used, with category, licence and author.

    [bold]viewpoint100k objects list my-models/[/bold]
    [bold]viewpoint100k objects list builtin: --count 5 --json[/bold]
    [bold]viewpoint100k objects list objaverse:lvis --why --set objects.min_likes=1[/bold]
    """
    listing = listed(source, count, seed, allow, overrides, everything=why)
    if why:
        print_funnel(listing, as_json)
        return
    if as_json:
        for thing in listing.objects:
            print(thing.model_dump_json())
        return
    table = Table("uid", "category", "licence", "author", "title")
    for thing in listing.objects:
        record = thing.record
        texts = (record.uid, record.category, record.licence, record.author, record.title)
        table.add_row(*map(escape, texts))
    out_console.print(table)
    out_console.print(
        f"{len(listing.objects)} objects, {len(listing.rejects)} refused (`objects check` says why)"
    )


LookOption = Annotated[
    bool,
    typer.Option("--render", help="Also look at each object from all around, and judge it as a run would."),
]
SheetOption = Annotated[
    Optional[Path],
    typer.Option(
        metavar="FILE.jpg",
        help="Draw the objects and their verdicts on a contact sheet. Implies --render.",
        show_default=False,
    ),
]


@app.command("check")
def objects_check(
    source: ListedArgument,
    render: LookOption = False,
    sheet: SheetOption = None,
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

    probed = render or sheet is not None
    _check_sheet(sheet)
    if probed:
        check_engine(*([engine_python] if engine_python else []))
    config = RunConfig(source=source)
    listing = listed(source, count, seed)
    looked = _probe(config, listing, workers, device, engine_python) if probed else _look(config, listing)
    kept = list[inspection.Seen]()
    for seen in looked:
        if as_json:
            print(seen.finding.model_dump_json(), flush=True)
        drawn = sheet is not None and len(kept) < inspection.MOST_ON_A_SHEET
        kept.append(seen if drawn else seen._replace(picture=b""))
    findings = [seen.finding for seen in kept]
    refused = [finding for finding in findings if finding.verdict != inspection.OK]
    if sheet is not None:
        _draw(sheet, source, kept)
    if not as_json:
        print_findings(findings if probed else refused, config.gates.min_asymmetry)
        _print_summary(findings, sheet)
    if refused:
        raise typer.Exit(1)


def _check_sheet(sheet: Path | None) -> None:
    if sheet is not None and (sheet.suffix.lower() not in {".jpg", ".jpeg"} or not sheet.parent.is_dir()):
        raise InputError(f"--sheet {sheet}: expected a .jpg file in a folder that exists")


def _draw(sheet: Path, source: str, kept: list[Any]) -> None:
    """The contact sheet of the objects of a source, as many as fit."""
    from viewpoint100k import inspection
    from viewpoint100k.shards import write_atomically

    title = f"{source}: {inspection.count_verdicts([seen.finding for seen in kept])}"
    if len(kept) > inspection.MOST_ON_A_SHEET:
        title += f" (drawn: the first {inspection.MOST_ON_A_SHEET})"
    with disk_errors(sheet):
        write_atomically(sheet, inspection.draw_sheet(kept, title))


def _print_summary(findings: list[Any], sheet: Path | None) -> None:
    """How many objects there are of each verdict, what their meshes are like, and what looking has cost."""
    from viewpoint100k import inspection

    out_console.print(inspection.count_verdicts(findings), soft_wrap=True, highlight=False)
    if meshes := inspection.count_meshes(findings):
        out_console.print(meshes, soft_wrap=True, highlight=False)
    if spent := [Counter(finding.cpu_s) for finding in findings if finding.cpu_s]:
        print_cpu(sum(spent, Counter[str]()), f"{len(spent)} objects")
    if sheet is not None:
        out_console.print(f"Look at them: {escape(str(sheet))}", soft_wrap=True, highlight=False)


@app.command("fetch")
def objects_fetch(
    target: Annotated[
        str,
        typer.Argument(metavar="RUN|SOURCE", help="A planned run, or a source as above.", show_default=False),
    ],
    folder: Annotated[
        Optional[Path],
        typer.Argument(help="For a source: the folder for generated files.", show_default=False),
    ] = None,
    part: Annotated[
        str,
        typer.Option(
            "--shard", metavar="K/N", help="For a run: which of N parts of its objects to fetch, from 0."
        ),
    ] = "0/1",
    connections: Annotated[
        int, typer.Option(min=1, max=64, help="For a run: how many objects to fetch at a time.")
    ] = 4,
    count: CountOption = 24,
    seed: DrawSeedOption = 0,
) -> None:
    """Make or download objects ahead of a run.

    For a run, it fetches what the shards are going to visit into the cache that they share; several machines
    may do so at once. For a source, it prints the files.

    [bold]viewpoint100k objects fetch OUT --shard 0/4 --connections 8[/bold]
    [bold]viewpoint100k objects fetch builtin: my-models/ --count 12[/bold]
    [bold]srun viewpoint100k objects fetch OUT --shard $SLURM_PROCID/$SLURM_NTASKS[/bold]
    """
    from viewpoint100k.storage import is_url

    if (Path(target) / ".run" / "plan.json").is_file() or is_url(target):
        _fetch_run(target, part, connections)
        return
    if folder is None:
        raise InputError(
            f"{target} is not a planned run (it has no .run/plan.json); if it is a source, name a FOLDER too"
        )
    _fetch_source(target, folder, count, seed)


def _fetch_run(out: str, part: str, connections: int) -> None:
    from viewpoint100k.config import read_config
    from viewpoint100k.fetching import fetch_run
    from viewpoint100k.run import Run
    from viewpoint100k.run_state import RunPaths

    match = re.fullmatch(r"([0-9]{1,6})/([1-9][0-9]{0,5})", part)
    if match is None or int(match[1]) >= int(match[2]):
        raise InputError(f"--shard {part}: expected K/N with K from 0 to N - 1, for instance 0/8")
    with Run(out) as run, disk_errors(out), counting("Fetching objects") as progress:
        config = read_config(RunPaths(run.folder).config)
        numbers = (int(match[1]), int(match[2]))
        rejects = fetch_run(run.folder, config, run.read_plan(), numbers, connections, progress)
    for reject in rejects:
        err_console.print(f"{reject.uid}: {escape(reject.reason)}", style="yellow", soft_wrap=True)
    out_console.print(f"part {part} is fetched; {len(rejects)} objects cannot be fetched", highlight=False)


def _fetch_source(source: str, folder: Path, count: int, seed: int) -> None:
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


@app.command("groups")
def objects_groups(
    source: ListedArgument,
    file: Annotated[
        Path, typer.Argument(metavar="FILE.csv", help="Where to write them.", show_default=False)
    ],
    count: CountOption = 24,
    seed: DrawSeedOption = 0,
    allow: AllowOption = None,
    overrides: SetOption = None,
) -> None:
    """Fetch objects, compare their shapes, and write which are copies of which, for objects.groups.

    [bold]viewpoint100k objects groups objaverse:lvis groups.csv --count 20000[/bold]
    [bold]viewpoint100k objects groups my-models/ groups.csv[/bold]

    Then pass `--set objects.groups=groups.csv` to `generate`.
    """
    from viewpoint100k.fetching import group_copies
    from viewpoint100k.shards import write_atomically

    if file.suffix != ".csv" or not file.absolute().parent.is_dir():
        raise InputError(f"{file}: expected a .csv file in a folder that exists")
    config = resolved_config(
        "smoke", [*(overrides or []), "objects.duplicates=together"], allow, source=source
    )
    listing = listed(source, count, seed, allow, [*(overrides or []), "objects.duplicates=together"])
    with (
        tempfile.TemporaryDirectory(prefix="viewpoint100k-") as scratch,
        disk_errors(file),
        counting("Comparing shapes") as progress,
    ):
        groups, refused = group_copies(config, listing.objects, Path(scratch), progress)
        rows = [f"{uid},{first}" for uid, first in groups.items()]
        write_atomically(file, "\n".join(["uid,group", *rows, ""]).encode())
    copies = len(groups) - len(set(groups.values()))
    out_console.print(
        f"{len(groups)} objects, {copies} of them copies of others, {refused} refused: {escape(str(file))}",
        soft_wrap=True,
        highlight=False,
    )


def print_funnel(listing: Any, as_json: bool) -> None:
    """How many objects are left after each filter, and what the first dropped ones were dropped for."""
    steps = listing.selection.steps
    if as_json:
        print(listing.selection.model_dump_json())
        return
    table = Table("filter", "objects left", "share of the step before")
    for (_, before), (name, left) in zip([steps[0], *steps], steps, strict=False):
        table.add_row(escape(name), f"{left:,}", f"{left / before:.1%}" if before else "")
    out_console.print(table)
    out_console.print(f"selection {listing.selection.sha256[:12]}", highlight=False)


def listed(
    source: str,
    count: int,
    seed: int,
    allow: str | None = None,
    overrides: list[str] | None = None,
    everything: bool = False,
) -> Any:
    """The objects of a source, with a progress bar.

    Args:
        everything: look at all objects of Objaverse, not only until there are enough.
    """
    from viewpoint100k import objects as sources

    config = resolved_config("smoke", overrides, allow, source=source)
    with counting("Checking objects") as progress:
        return sources.list_objects(
            config.source,
            wanted=max(count, sources.MANY) if everything else count,
            seed=seed,
            budgets=config.files,
            allow=None if config.licences is None else tuple(config.licences),
            choice=config.objects,
            progress=progress,
        )


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
