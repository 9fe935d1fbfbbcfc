"""Commands that check a finished dataset, and show it."""

import tempfile
from collections import Counter
from itertools import chain
from pathlib import Path
from typing import Annotated, Any, Optional

import typer
from rich.markup import escape

from viewpoint100k.cli.options import DatasetArgument, DeviceOption, PythonOption, WorkersOption
from viewpoint100k.cli.places import devices_for, places_on
from viewpoint100k.cli.screen import counting, err_console, out_console, print_probes, print_problems
from viewpoint100k.errors import InputError, disk_errors

MOST_COLOURED = 300_000  # characters of JSON; more take many seconds

app = typer.Typer()


@app.command("validate", rich_help_panel="Check and look")
def validate_command(
    dataset: DatasetArgument,
    workers: Annotated[
        Optional[int],
        typer.Option(min=1, help="How many processes check at once.", show_default="one per core"),
    ] = None,
) -> None:
    """Read every file again and check hashes, images, splits, and truths and answers derived anew.

    Exit 1 if anything is wrong.

    [bold]viewpoint100k validate my-dataset[/bold]
    [bold]viewpoint100k validate my-dataset --workers 8[/bold]
    """
    from viewpoint100k.validate import validate_dataset

    report = validate_dataset(dataset, workers)
    print_problems(report.problems)
    out_console.print(
        f"{report.samples} samples, {report.questions} questions in {report.shards} shards: "
        f"{len(report.problems)} problems"
    )
    if report.problems:
        raise typer.Exit(1)


@app.command("reproduce", rich_help_panel="Check and look")
def reproduce_command(
    dataset: DatasetArgument,
    shard: Annotated[int, typer.Option(help="Number of the shard, from 0, train first.", show_default=False)],
    source: Annotated[
        Optional[str],
        typer.Option(help="The folder its objects came from, if they came from one.", show_default=False),
    ] = None,
    engine_python: PythonOption = None,
    workers: WorkersOption = None,
    device: DeviceOption = "auto",
    keep: Annotated[
        Optional[Path],
        typer.Option(metavar="DIR", help="Keep the new shard in this new folder.", show_default=False),
    ] = None,
) -> None:
    """Render a published shard again from its manifest, and compare the bytes. Exit 1, saying why, if they
    differ.

    [bold]viewpoint100k reproduce my-dataset --shard 12[/bold]
    [bold]viewpoint100k reproduce my-dataset --shard 0 --source my-models/ --keep again[/bold]
    """
    from viewpoint100k.reproduce import reproduce_shard

    with tempfile.TemporaryDirectory(prefix="viewpoint100k-") as folder, disk_errors(keep or folder):
        devices = devices_for(Path(folder), device, engine_python)
        with counting("Checking objects") as progress:
            found = reproduce_shard(
                dataset,
                shard,
                keep or Path(folder) / "again",
                source=source,
                engine_python=engine_python,
                workers=workers or places_on(devices),
                devices=devices,
                progress=progress,
                say=lambda line: err_console.print(escape(line), soft_wrap=True, highlight=False),
            )
    for finding in found.findings:
        err_console.print(escape(finding), soft_wrap=True, highlight=False)
    if found.same_bytes:
        but = ", except for the code version that the samples name" if found.other_code else ""
        out_console.print(f"{found.shard}: the same bytes{but}")
        return
    verdict = "the same samples, and pictures as close as another CPU's" if found.close else "differs"
    out_console.print(f"{found.shard}: {verdict}")
    raise typer.Exit(1)


@app.command("audit", rich_help_panel="Check and look")
def audit_command(
    dataset: DatasetArgument,
    html: Annotated[
        Optional[Path], typer.Option(metavar="FILE", help="Write the report as a page.", show_default=False)
    ] = None,
    json_file: Annotated[
        Optional[Path],
        typer.Option("--json", metavar="FILE", help="Write the report as JSON.", show_default=False),
    ] = None,
) -> None:
    """Test whether questions are fair and answers right: shortcuts, leaks, a second implementation. Exit 1
    if not.

    [bold]viewpoint100k audit my-dataset --html audit.html[/bold]
    [bold]viewpoint100k audit my-dataset --json audit.json[/bold]
    """
    from viewpoint100k import audit
    from viewpoint100k.shards import write_atomically

    with counting("Auditing") as progress:
        report = audit.audit_dataset(dataset, progress=progress)
    if json_file is not None:
        with disk_errors(json_file):
            json_file.parent.mkdir(parents=True, exist_ok=True)
            write_atomically(json_file, report.to_json().encode())
    if html is not None:
        audit.write_html(report, dataset, html)
    _print_audit(report)
    if html is not None:
        out_console.print(f"Look at it: {escape(str(html))}", soft_wrap=True, highlight=False)
    if report.failed:
        raise typer.Exit(1)


def _print_audit(report: Any) -> None:
    """The probes, then their verdicts in numbers."""
    print_probes(report.probes)
    verdicts = Counter(probe.verdict for probe in report.probes)
    out_console.print(
        f"{report.samples} samples, {report.questions} questions, {report.fair} of them fair: "
        f"{verdicts['pass']} probes passed, "
        f"{verdicts['fail']} failed, {verdicts['not measured']} not measured"
    )
    if report.drawn:
        out_console.print(
            f"Shares are of {report.drawn} samples drawn at random; what allows no exception was checked "
            "on all samples"
        )


@app.command("gallery", rich_help_panel="Check and look")
def gallery_command(
    dataset: DatasetArgument,
    page: Annotated[Path, typer.Argument(help="The HTML file to write.", show_default=False)],
    limit: Annotated[
        int, typer.Option(min=1, help="Show at most this many samples, spread evenly over the dataset.")
    ] = 2000,
) -> None:
    """Write an HTML page that shows a dataset: filters, overlays, the cameras in 3D, questions to answer.

    Up to 300 samples fit into one self-contained file. More are written to a folder beside it, such as
    page_files/, which belongs to it.

    [bold]viewpoint100k gallery my-dataset page.html[/bold]
    [bold]viewpoint100k gallery my-dataset page.html --limit 300[/bold]
    """
    from viewpoint100k.gallery import write_gallery

    with counting("Making the gallery") as progress:
        written = write_gallery(dataset, page, limit=limit, progress=progress)
    where = str(page) + (f" and {written.folder}/" if written.folder else "")
    of_all = (
        ""
        if written.samples == written.total
        else f" of {written.total:,}, spread evenly (--limit shows more)"
    )
    out_console.print(
        f"{written.samples:,} samples{of_all} in {escape(where)}, {written.bytes / 1e6:.1f} MB",
        soft_wrap=True,
    )


@app.command("inspect", rich_help_panel="Check and look")
def inspect_command(
    dataset: DatasetArgument,
    key: Annotated[str, typer.Argument(help="Key of a sample, such as train-00000-00003.")],
) -> None:
    """Print everything that is stored about one sample, as JSON.

    [bold]viewpoint100k inspect my-dataset train-00000-00003[/bold]
    [bold]viewpoint100k inspect my-dataset test-00000-00000 > sample.json[/bold]
    """
    from viewpoint100k.shards import folders_of, iter_samples

    for stored in chain.from_iterable(map(iter_samples, folders_of(dataset))):
        if stored.key == key:
            text = stored.sample.model_dump_json()
            # a title may hold what makes a terminal do something
            out_console.print_json(
                text, ensure_ascii=not text.isprintable(), highlight=len(text) < MOST_COLOURED
            )
            return
    raise InputError(f"{dataset} has no sample {key!r}; keys look like train-00000-00003")
