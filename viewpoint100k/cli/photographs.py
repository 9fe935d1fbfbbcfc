"""The command that makes a dataset of photographs with known poses."""

import math
from collections import Counter
from pathlib import Path
from typing import Annotated, Any, Optional

import typer
from rich.markup import escape

from viewpoint100k.cli.options import AllowOption, SetOption
from viewpoint100k.cli.screen import err_console, out_console, print_problems
from viewpoint100k.errors import InputError, disk_errors, shell_line

app = typer.Typer()


PhotosArgument = Annotated[
    str,
    typer.Argument(
        metavar="SOURCE",
        help="The sets: DIR or photos:DIR (the form is recognised), colmap:DIR, or transforms:DIR.",
        show_default=False,
    ),
]
PhotosOutArgument = Annotated[
    Path,
    typer.Argument(
        metavar="OUT",
        help="The dataset folder. Run the command again to go on where it stopped.",
        show_default=False,
    ),
]
AtMostOption = Annotated[
    Optional[int],
    typer.Option(min=1, help="The largest number of pairs in all.", show_default="48 of each set"),
]
LookersOption = Annotated[
    int, typer.Option(min=1, help="How many processes read sets. The bytes are the same with any number.")
]
UpOption = Annotated[
    Optional[str],
    typer.Option(
        metavar="X,Y,Z",
        help="Which way is up in the sets' own world.",
        show_default="found from the cameras",
    ),
]
SubjectOption = Annotated[
    Optional[str],
    typer.Option(
        "--object",
        metavar="X,Y,Z,RADIUS",
        help="Where the object is in the sets' own world.",
        show_default="found from masks or points",
    ),
]
PhotosSeedOption = Annotated[
    Optional[int],
    typer.Option(help="Seed of every random choice: the same seed gives the same bytes.", show_default="0"),
]
LicenceOption = Annotated[
    str, typer.Option(help="Licence of the sets whose manifest names none.", show_default="unknown")
]
AuthorOption = Annotated[
    str, typer.Option(help="Author of the sets whose manifest names none.", show_default="unknown")
]
SourceUrlOption = Annotated[
    str, typer.Option(help="Source URL of the sets whose manifest names none.", show_default="none")
]


@app.command("photos", rich_help_panel="Main job")
def photos_command(
    source: PhotosArgument,
    out: PhotosOutArgument,
    pairs: AtMostOption = None,
    up: UpOption = None,
    subject: SubjectOption = None,
    licence: LicenceOption = "",
    author: AuthorOption = "",
    source_url: SourceUrlOption = "",
    seed: PhotosSeedOption = None,
    allow: AllowOption = None,
    overrides: SetOption = None,
    workers: LookersOption = 1,
) -> None:
    """Make a test split of photographs whose poses are known.

    COLMAP, transforms.json, and others (docs/photos.md).

    [bold]viewpoint100k photos my-video-model/ real-test --licence CC-BY-4.0 --author "my name"[/bold]
    [bold]viewpoint100k photos colmap:MVImgNet/ real-test --pairs 2000[/bold]
    """
    from viewpoint100k.photos.run import Credit, check_extra, make_dataset
    from viewpoint100k.validate import validate_dataset

    check_extra()
    config = _config(source, pairs, up, subject, seed, allow, overrides)
    credit = Credit(licence, author, source_url)
    with disk_errors(out), err_console.status("Looking at photographs") as status:

        def say(name: str, number: int, of: int) -> None:
            status.update(f"Looking at photographs: {escape(name)}, set {number} of {of}")

        manifest = make_dataset(out, config, credit, workers, say)
        status.update("Validating")
        report = validate_dataset(out, workers)
    print_problems(report.problems)
    _print_summary(out, manifest, len(report.problems))
    if report.problems:
        raise typer.Exit(1)


def _config(
    source: str,
    pairs: int | None,
    up: str | None,
    subject: str | None,
    seed: int | None,
    allow: str | None,
    overrides: list[str] | None,
) -> Any:
    from viewpoint100k.config import load_photos_config
    from viewpoint100k.objects.credit import allowed_licences
    from viewpoint100k.photos.sources import full_name, list_places

    settings = list[str]()
    if up is not None:
        settings.append(f"photos.up={_numbers('--up', up, 'x,y,z', 3)}")
    if subject is not None:
        settings.append(f"photos.subject={_numbers('--object', subject, 'x,y,z,radius', 4)}")
    settings += overrides or []
    fields: dict[str, Any] = {"source": full_name(source), "seed": seed}
    if allow is not None:
        fields["licences"] = allowed_licences(allow)
    config = load_photos_config(settings, **fields)
    assert config.photos is not None, "switched on above"
    most = config.photos.pairs_per_set * len(list_places(config.source))
    return config.model_copy(update={"pairs": pairs or max(most, 1)})


def _numbers(option: str, text: str, form: str, count: int) -> list[float]:
    cells = text.split(",")
    try:
        numbers = [float(cell) for cell in cells]
    except ValueError:
        numbers = []
    if len(numbers) != count or not all(map(math.isfinite, numbers)):
        raise InputError(f"{option} {text}: expected {form}, {count} numbers with commas and no spaces")
    return numbers


def _print_summary(out: Path, manifest: Any, problems: int) -> None:
    from viewpoint100k.run_state import read_plan, read_receipt, read_rejects

    plan = read_plan(out)
    receipts = [receipt for shard in plan.shards if (receipt := read_receipt(out, shard)) is not None]
    used = {uid for receipt in receipts for uid in receipt.objects}
    dropped = Counter[str]()
    for receipt in receipts:
        dropped.update(receipt.dropped)
    verdict = f"[red]{problems} problems, listed above.[/red]" if problems else "Everything validates."
    out_console.print(
        f"[bold]{manifest.samples} pairs[/bold] of {len(used)} of {len(plan.objects)} sets, "
        f"{manifest.questions} "
        f"questions, in {len(manifest.shards)} shards. {verdict}",
        soft_wrap=True,
    )
    rejects = read_rejects(out)
    if rejects:
        out_console.print(
            f"{len(rejects)} sets, pictures and pairs were left out in part or whole; reasons in "
            f"{escape(str(out))}/.run/rejects.jsonl",
            soft_wrap=True,
        )
        for reject in [one for one in rejects if not one.reason.startswith("pair ")][:5]:
            out_console.print(
                f"  {escape(reject.uid)}: {escape(reject.reason)}", soft_wrap=True, highlight=False
            )
    unknown = sorted({thing.record.uid for thing in plan.objects if thing.record.licence == "unknown"})
    if unknown:
        out_console.print(
            f"The licence of {len(unknown)} sets is unknown ({escape(', '.join(unknown[:3]))}): do not "
            "publish their "
            "pictures. Say it with --licence, or in a manifest.csv beside the sets",
            soft_wrap=True,
        )
    out_console.print("Look at it:")
    page = shell_line("gallery", out, f"{out}.html")
    out_console.print(f"  {page}", soft_wrap=True, markup=False, highlight=False)
