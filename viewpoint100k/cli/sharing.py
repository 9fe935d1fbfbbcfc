"""Commands that describe, publish, export and score a dataset."""

from pathlib import Path
from typing import Annotated, Any, Optional

import typer
from rich.markup import escape

from viewpoint100k.cli.options import DatasetArgument
from viewpoint100k.cli.screen import counting, err_console, out_console, print_scores, print_shipment, sending
from viewpoint100k.errors import InputError, ViewpointError, disk_errors, load_line

app = typer.Typer()


@app.command("card", rich_help_panel="Publish")
def card_command(
    dataset: DatasetArgument,
    version: Annotated[
        str, typer.Option(help="A higher version for the dataset.", show_default="unchanged")
    ] = "",
    audit: Annotated[
        Optional[Path],
        typer.Option(
            metavar="FILE",
            help="A report of `audit --json`, to be kept in the dataset and shown on its card.",
            show_default="DIR/audit.json, if any",
        ),
    ] = None,
) -> None:
    """Write README.md, its pictures and croissant.json again. Plots need the extra \\[audit].

    [bold]viewpoint100k card my-dataset --audit audit.json[/bold]
    [bold]viewpoint100k card my-dataset --version 1.2.0[/bold]
    """
    from viewpoint100k import card, plots

    with disk_errors(dataset), counting("Reading") as progress:
        manifest = card.rewrite_card(dataset, version, audit, progress)
    without = "" if plots.can_plot() else "; without plots: pip install 'viewpoint100k[audit]'"
    out_console.print(
        f"{escape(str(dataset))}/README.md: version {manifest.version}, {manifest.samples} "
        f"samples{escape(without)}",
        soft_wrap=True,
        highlight=False,
    )


PrivateOption = Annotated[
    bool, typer.Option("--private", help="Make the repository private if it does not exist yet.")
]
BranchOption = Annotated[str, typer.Option(help="The branch that people read; created if it does not exist.")]
TagOption = Annotated[
    str, typer.Option(help="Tag of this version.", show_default="v and the version of the dataset")
]
DryRunOption = Annotated[bool, typer.Option("--dry-run", help="Show what would be sent. Send nothing.")]


@app.command("publish", rich_help_panel="Publish")
def publish_command(
    dataset: DatasetArgument,
    repo_id: Annotated[
        str, typer.Argument(metavar="REPO_ID", help="owner/name on the Hugging Face Hub.", show_default=False)
    ],
    private: PrivateOption = False,
    branch: BranchOption = "main",
    tag: TagOption = "",
    dry_run: DryRunOption = False,
    workers: Annotated[
        Optional[int],
        typer.Option(min=1, help="How many processes check at once.", show_default="one per core"),
    ] = None,
) -> None:
    """Publish a dataset on the Hugging Face Hub: checked, in one commit, tagged. Run it again to go on
    where it stopped.

    It uses the token that `hf auth login` stored, or HF_TOKEN.

    [bold]viewpoint100k publish my-dataset my-lab/viewpoint-100k --dry-run[/bold]
    [bold]viewpoint100k publish my-dataset my-lab/viewpoint-100k --private[/bold]
    """
    from viewpoint100k import hub

    with err_console.status("Checking every file"):
        parcel = hub.prepare(dataset, workers)
    try:
        shipment = hub.look(parcel, repo_id, branch=branch, tag=tag, private=private)
    except ViewpointError as error:
        if not dry_run:
            raise
        print_shipment(hub.ship_to(parcel, repo_id, branch, tag or f"v{parcel.manifest.version}"))
        raise ViewpointError(f"nothing was sent, and publishing would stop here: {error}") from error
    print_shipment(shipment)
    if dry_run:
        out_console.print("Nothing was sent: --dry-run")
        return
    with sending() as progress:
        commit = hub.send(shipment, progress)
    _print_sent(shipment, repo_id, commit)


def _print_sent(shipment: Any, repo_id: str, commit: str) -> None:
    """What a repository holds now, and how to load it."""
    if shipment.up_to_date:
        out_console.print("Everything was already there")
    done = f"{escape(repo_id)} {shipment.tag} is commit {commit[:12]}. Load it:"
    out_console.print(done, soft_wrap=True, highlight=False)
    line = f"  {load_line(repo_id, shipment.tag)}"
    out_console.print(line, soft_wrap=True, markup=False, highlight=False)


@app.command("remove", rich_help_panel="Publish")
def remove_command(
    dataset: DatasetArgument,
    uids: Annotated[
        Optional[list[str]],
        typer.Option(
            "--uid", help="An object, as attribution.csv names it. May be repeated.", show_default=False
        ),
    ] = None,
    reason: Annotated[
        str,
        typer.Option(
            help="Why it is removed; published in the manifest and on the card.", show_default=False
        ),
    ] = "",
) -> None:
    """Remove objects for good. Only the shards that hold them are rewritten, and the version is raised.

    Run it again, with or without --uid, if it was interrupted. Then publish again: only these shards are
    sent.

    [bold]viewpoint100k remove my-dataset --uid UID --reason "asked by its author"[/bold]
    [bold]viewpoint100k remove my-dataset[/bold]
    """
    from viewpoint100k import takedown

    with disk_errors(dataset), counting("Reading") as progress:
        done = takedown.remove_objects(dataset, uids or (), reason, progress)
    where = f" from {', '.join(done.shards)}" if done.shards else ""
    out_console.print(
        f"{done.samples} samples removed{where}; {done.manifest.samples} are left. Version "
        f"{done.manifest.version}",
        soft_wrap=True,
        highlight=False,
    )


@app.command("index", rich_help_panel="Use it")
def index_command(dataset: DatasetArgument) -> None:
    """Write index/*.parquet again: one row per question, without pictures, for duckdb, polars or pandas.

    [bold]viewpoint100k index my-dataset[/bold]
    [bold]viewpoint100k index my-dataset && duckdb -c "from 'my-dataset/index/train.parquet' limit 5"[/bold]
    """
    from viewpoint100k.index import write_index

    with disk_errors(dataset):
        questions = write_index(dataset)
    out_console.print(f"{questions} questions in {escape(str(dataset))}/index", soft_wrap=True)


@app.command("export", rich_help_panel="Use it")
def export_command(
    dataset: DatasetArgument,
    out: Annotated[Path, typer.Argument(metavar="OUT", help="A new folder.", show_default=False)],
    to: Annotated[
        str,
        typer.Option(
            help="Format: vlmevalkit, lmms-eval, llamafactory, ms-swift, openai or verl.",
            show_default=False,
            autocompletion=lambda: ["vlmevalkit", "lmms-eval", "llamafactory", "ms-swift", "openai", "verl"],
        ),
    ],
    split: Annotated[
        Optional[str],
        typer.Option(help="Which split to write.", show_default="test for evaluation, train for training"),
    ] = None,
    types: Annotated[
        Optional[list[str]],
        typer.Option(
            "--type",
            help="Write only this type of question, such as ego_translation. May be repeated.",
            show_default="all",
        ),
    ] = None,
) -> None:
    """Write the balanced questions of a split for another tool, with figures drawn in.

    VLMEvalKit gets no questions that ask for a number.

    [bold]viewpoint100k export my-dataset --to lmms-eval task/[/bold]
    [bold]viewpoint100k export my-dataset --to llamafactory data/ --split train --type ego_rotation[/bold]
    """
    from viewpoint100k import export

    with disk_errors(out):
        done = export.export(dataset, to, out, split, types or ())
    left = f", {done.left_out} that ask for a number left out" if done.left_out else ""
    out_console.print(
        f"{done.questions} questions{left}: {', '.join(done.files)} in {escape(str(out))}", soft_wrap=True
    )


def _check_outputs(predictions: Path, json_file: Path | None, html: Path | None) -> None:
    """Refuse to write over the predictions, or one page over the other."""
    for option, out in (("--json", json_file), ("--html", html)):
        if out is not None and out.exists() and predictions.exists() and out.samefile(predictions):
            raise InputError(
                f"{option} {out} is the file of predictions itself; write the scores to another one"
            )
    if json_file is not None and html is not None and json_file.resolve() == html.resolve():
        raise InputError(f"--json and --html both name {html}; expected two files")


@app.command("evaluate", rich_help_panel="Use it")
def evaluate_command(
    predictions: Annotated[
        Path, typer.Argument(help='Lines of {"question_id": ..., "prediction": ...}.', show_default=False)
    ],
    dataset: DatasetArgument,
    json_file: Annotated[
        Optional[Path],
        typer.Option("--json", metavar="FILE", help="Write the scores as JSON.", show_default=False),
    ] = None,
    html: Annotated[
        Optional[Path],
        typer.Option(
            metavar="FILE", help="Write a page with confusion tables and the worst cases.", show_default=False
        ),
    ] = None,
) -> None:
    """Score answers by type, tier, family, angle and form, in both orders and whole samples, with intervals.

    [bold]viewpoint100k evaluate predictions.jsonl my-dataset --html scores.html[/bold]
    [bold]viewpoint100k evaluate predictions.jsonl my-dataset --json scores.json[/bold]
    """
    from viewpoint100k import evaluate
    from viewpoint100k.shards import write_atomically

    _check_outputs(predictions, json_file, html)
    scores, cases = evaluate.evaluate(predictions, dataset)
    if json_file is not None:
        with disk_errors(json_file):
            json_file.parent.mkdir(parents=True, exist_ok=True)
            write_atomically(json_file, (scores.model_dump_json(indent=1) + "\n").encode())
    if html is not None:
        with disk_errors(html):
            html.parent.mkdir(parents=True, exist_ok=True)
            evaluate.write_page(scores, cases, dataset, html)
    print_scores(evaluate.summary(scores), scores)
    if html is not None:
        out_console.print(f"Look at it: {escape(str(html))}", soft_wrap=True, highlight=False)
