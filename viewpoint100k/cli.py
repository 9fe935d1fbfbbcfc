"""Arguments in, exit code out. The work is elsewhere.

Exit codes: 0 fine, 1 problems found or the run could not be finished, 2 wrong input.
"""

import os
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Annotated, Any, Optional

import typer
from rich.console import Console
from rich.markup import escape
from rich.progress import (
    BarColumn,
    DownloadColumn,
    MofNCompleteColumn,
    Progress,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)
from rich.table import Table

from viewpoint100k.errors import InputError, ViewpointError

app = typer.Typer(no_args_is_help=True, add_completion=False, rich_markup_mode="rich", pretty_exceptions_enable=False)
objects_app = typer.Typer(no_args_is_help=True, help="What would be used of a source, and what is refused and why.")
app.add_typer(objects_app, name="objects")
out_console, err_console = Console(), Console(stderr=True)
REMOTE_LOOK_S = 15.0  # between looks at a run behind a URL

RunArgument = Annotated[
    str,
    typer.Argument(
        metavar="OUT",
        help="The dataset folder, or a URL such as s3://bucket/run. The state of the run lives in OUT/.run.",
        show_default=False,
    ),
]
FARM = "On other machines"
AtATimeOption = Annotated[
    int,
    typer.Option(min=0, help="So many shards at a time.", show_default="as many as fit", rich_help_panel=FARM),
]
CpusOption = Annotated[
    int, typer.Option("--cpus-per-shard", min=1, help="Cores that a shard renders on.", rich_help_panel=FARM)
]
GpusOption = Annotated[
    int,
    typer.Option(
        "--gpus-per-shard", min=0, help="GPUs that a shard renders on; 0: the processor.", rich_help_panel=FARM
    ),
]
RetriesOption = Annotated[
    int, typer.Option(min=0, help="Of a shard that was killed or lost its machine.", rich_help_panel=FARM)
]
DatasetArgument = Annotated[
    Path, typer.Argument(help="A folder that `viewpoint100k generate` wrote.", show_default=False)
]
PresetOption = Annotated[str, typer.Option(help="smoke, viewpoint-100k, viewpoint-6dof, or a FILE.yaml of your own.")]
SourceOption = Annotated[
    Optional[str],
    typer.Option(
        help="builtin: (made by our code), a folder of .glb/.gltf, objaverse:lvis or objaverse:all.",
        show_default="the preset's",
    ),
]
PairsOption = Annotated[Optional[int], typer.Option(help="Exactly so many pairs.", show_default="the preset's")]
SeedOption = Annotated[Optional[int], typer.Option(help="Same seed, same bytes.", show_default="the preset's")]
SetOption = Annotated[
    Optional[list[str]],
    typer.Option(
        "--set", help="Override one setting, for instance render.samples=8. May be given often.", show_default=False
    ),
]
AllowOption = Annotated[
    Optional[str],
    typer.Option(
        metavar="LICENCES",
        help="Use only objects under these: cc0, by, by-sa, by-nc, ... (any version), or SPDX names; with commas.",
        show_default="all but no-derivatives",
    ),
]
PythonOption = Annotated[
    Optional[str], typer.Option(help="Another Python 3.11 that has bpy, to render with.", show_default="this one")
]
DeviceOption = Annotated[
    str, typer.Option(help="auto: the GPUs that Cycles finds, else the processor; cpu; or gpu: fail without one.")
]
WorkersOption = Annotated[
    Optional[int], typer.Option(min=1, help="Render processes.", show_default="one per GPU, else one per core")
]
ListedArgument = Annotated[
    str,
    typer.Argument(
        metavar="SOURCE",
        help="builtin:, a folder of .glb/.gltf, objaverse:lvis or objaverse:all.",
        show_default=False,
    ),
]
CountOption = Annotated[int, typer.Option(min=1, help="So many of an endless source; a folder is read whole.")]
DrawSeedOption = Annotated[int, typer.Option(min=0, help="Which objects of an endless source.")]
JsonOption = Annotated[bool, typer.Option("--json", help="One JSON object a line.")]


@app.callback()
def _about() -> None:
    """Render, prove, publish and train on viewpoint data: how did the camera move between two views?

    Start with [bold]viewpoint100k generate my-dataset[/bold]: two dozen procedural objects, 48 pairs, minutes on two cores.
    Then [bold]viewpoint100k gallery my-dataset page.html[/bold] shows them.
    """


@app.command(rich_help_panel="Main job")
def generate(
    out: RunArgument,
    preset: PresetOption = "smoke",
    source: SourceOption = None,
    pairs: PairsOption = None,
    seed: SeedOption = None,
    allow: AllowOption = None,
    overrides: SetOption = None,
    engine_python: PythonOption = None,
    workers: WorkersOption = None,
    device: DeviceOption = "auto",
    runner: Annotated[
        str, typer.Option(help="local, ray or slurm: who runs the shards, see docs/farm.md.", rich_help_panel=FARM)
    ] = "local",
    address: Annotated[
        str,
        typer.Option(
            help="Of a Ray cluster: auto, host:port or ray://.", show_default="start one here", rich_help_panel=FARM
        ),
    ] = "",
    sbatch: Annotated[
        Optional[list[str]],
        typer.Option(
            help="An option for SLURM, such as --sbatch=--partition=long. May be given often.",
            show_default=False,
            rich_help_panel=FARM,
        ),
    ] = None,
    at_a_time: AtATimeOption = 0,
    cpus: CpusOption = 1,
    gpus: GpusOption = 0,
    retries: RetriesOption = 3,
) -> None:
    """Plan, render, validate and describe a dataset. Run it again to go on where it stopped.

    [bold]viewpoint100k generate my-dataset[/bold]
    [bold]viewpoint100k generate my-dataset --source my-models/ --pairs 300 --set render.samples=8[/bold]
    """
    from viewpoint100k import pipeline
    from viewpoint100k.engine import check_engine
    from viewpoint100k.run import Run
    from viewpoint100k.runners import Places
    from viewpoint100k.runners.local import default_workers
    from viewpoint100k.validate import validate_dataset

    run_shards = _runner(runner)
    config = _config(preset, overrides, allow, source=source, pairs=pairs, seed=seed)
    devices = list[Any]()
    if runner == "local":
        check_engine(*([engine_python] if engine_python else []))
        with tempfile.TemporaryDirectory() as scratch:  # before the run's folder is made: --device may be wrong
            devices = _devices(Path(scratch), device, engine_python, quiet=True)
    with Run(out) as run, pipeline.disk_errors(out):
        with _counting("Checking objects") as progress:
            made = run.plan(config, progress)
        known: dict[int, Any] = {}
        missing = [shard.number for shard in run.status(made, known).missing]
        places = Places((), at_a_time, cpus, gpus, retries, address, tuple(sbatch or ()))
        command = ["render-shard", out if run.folder != Path(out) else str(run.folder.absolute()), "--quiet"]
        if runner == "local":
            _name_devices(device, devices)
            on_gpus = any(found.environment() for found in devices)
            count = workers or _places(devices)
            slots = [devices[i % len(devices)].environment() for i in range(min(count, len(missing)))]
            places = places._replace(slots=slots)
            command += [
                "--device",
                "gpu" if on_gpus else "cpu",
                "--workers",
                str(max(1, count // max(len(missing), 1))),
            ]
        else:
            command += _render_options(cpus, gpus)
        command += ["--engine-python", engine_python] if engine_python else []
        with _Bar(lambda: run.status(made, known), REMOTE_LOOK_S if run.folder != Path(out) else 1.0) as bar:
            failed = run_shards(command, missing, places, run.logs, bar.update) if missing else {}
            bar.update(now=True)
        if still := run.status(made, known).missing:
            raise _unfinished(run.logs, len(still), len(made.shards), list(failed.values()))
        manifest = run.finalize()
        report = validate_dataset(run.folder, workers or default_workers())
        _problems(report.problems)
        _summary(out, manifest, run.rejects(), run.status(made, known).done)
    if report.problems:
        raise typer.Exit(1)


@app.command(rich_help_panel="Stages of generate")
def plan(
    out: RunArgument,
    preset: PresetOption = "smoke",
    source: SourceOption = None,
    pairs: PairsOption = None,
    seed: SeedOption = None,
    allow: AllowOption = None,
    overrides: SetOption = None,
) -> None:
    """List and check the objects, plan the shards. Prints how many shards `render-shard` has to make."""
    from viewpoint100k import pipeline
    from viewpoint100k.run import Run

    config = _config(preset, overrides, allow, source=source, pairs=pairs, seed=seed)
    with Run(out) as run, pipeline.disk_errors(out), _counting("Checking objects") as progress:
        made = run.plan(config, progress)
    out_console.print(
        f"{len(made.shards)} shards of {len(made.objects)} objects planned in {escape(out)}/.run", soft_wrap=True
    )


@app.command("render-shard", rich_help_panel="Stages of generate")
def render_shard_command(
    out: RunArgument,
    shard: Annotated[
        int,
        typer.Option(
            envvar=["JOB_COMPLETION_INDEX", "SLURM_ARRAY_TASK_ID"],
            help="Number of the shard, from 0.",
            show_default=False,
        ),
    ],
    engine_python: PythonOption = None,
    workers: Annotated[int, typer.Option(min=1, help="Render processes for this shard; same bytes with any.")] = 1,
    device: DeviceOption = "auto",
    quiet: Annotated[bool, typer.Option("--quiet", help="Print nothing but errors.")] = False,
) -> None:
    """Make one shard. What a process pool, a Ray task, a SLURM array and a Kubernetes job all run."""
    from viewpoint100k import pipeline
    from viewpoint100k.run import Run
    from viewpoint100k.runners.local import end_with_parent

    end_with_parent()
    with Run(out) as run, pipeline.disk_errors(out):
        receipt = run.render_shard(
            shard, engine_python, workers, lambda scratch: _devices(scratch, device, engine_python, quiet=quiet)
        )
    if not quiet:
        out_console.print(
            f"{receipt.name}: {receipt.samples} pairs, {receipt.questions} questions, {receipt.bytes / 1e6:.1f} MB"
        )


@app.command("status", rich_help_panel="Stages of generate")
def status_command(
    out: RunArgument,
    watch: Annotated[
        Optional[float],
        typer.Option(min=0.1, metavar="SECONDS", help="Look again so often, until it is done.", show_default=False),
    ] = None,
    missing: Annotated[
        bool, typer.Option("--missing", help="Print only what has to be run again, as sbatch --array takes it.")
    ] = False,
    html: Annotated[
        Optional[Path], typer.Option(metavar="FILE", help="Write it as a page.", show_default=False)
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """What is done, running, failed and missing, how fast and by whom; from the files alone.

    [bold]sbatch --array=$(viewpoint100k status OUT --missing) job.sbatch[/bold]
    """
    from viewpoint100k import monitor, pipeline
    from viewpoint100k.run import Run

    known: dict[int, Any] = {}
    with Run(out) as run:
        made = run.read_plan()
        while True:
            now = run.status(made, known)
            report = monitor.make_report(now, run.rejects())
            if html is not None:
                with pipeline.disk_errors(html):
                    monitor.write_page(report, out, html, watch or 0)
            if as_json:
                print(report.model_dump_json(), flush=True)
            elif missing:
                _print_missing(report)
            else:
                if watch and out_console.is_terminal:
                    out_console.clear()
                _report_tables(report)
            if watch is None or not now.missing:
                break
            time.sleep(watch)


@app.command("finalize", rich_help_panel="Stages of generate")
def finalize_command(out: RunArgument) -> None:
    """Write manifest, attribution and card of a complete run."""
    from viewpoint100k import pipeline
    from viewpoint100k.run import Run

    with Run(out) as run, pipeline.disk_errors(out):
        manifest = run.finalize()
    out_console.print(f"{manifest.samples} pairs, {manifest.questions} questions, {len(manifest.shards)} shards")


@app.command("slurm", rich_help_panel=FARM)
def slurm_command(
    out: RunArgument,
    at_a_time: AtATimeOption = 0,
    cpus: CpusOption = 1,
    gpus: GpusOption = 0,
    engine_python: PythonOption = None,
    sbatch: Annotated[
        Optional[list[str]], typer.Option(help="A line for #SBATCH, such as --partition=long.", show_default=False)
    ] = None,
) -> None:
    """Print the job array that makes the shards that are missing, to be read, changed and submitted.

    [bold]viewpoint100k slurm OUT --at-a-time 64 > job.sbatch && sbatch job.sbatch[/bold]
    """
    from viewpoint100k import monitor
    from viewpoint100k.run import Run
    from viewpoint100k.runners import Places
    from viewpoint100k.runners.slurm import sbatch_script

    with Run(out) as run:
        report = monitor.make_report(run.status(run.read_plan(), {}), [])
        if not report.missing:
            raise InputError(f"nothing is missing in {out}: go on with `viewpoint100k finalize {out}`")
        places = Places((), at_a_time, cpus, gpus, options=tuple(sbatch or ()))
        where = out if run.folder != Path(out) else str(run.folder.absolute())
        command = ["render-shard", where, "--quiet", *_render_options(cpus, gpus)]
        command += ["--engine-python", engine_python] if engine_python else []
        run.logs.mkdir(parents=True, exist_ok=True)
        print(sbatch_script(command, report.missing, places, run.logs), end="")


@app.command("k8s", rich_help_panel=FARM)
def k8s_command(
    out: RunArgument,
    image: Annotated[str, typer.Option(help="A container image with viewpoint100k\\[render,s3]; see docs/farm.md.")],
    name: Annotated[str, typer.Option(help="Of the Job.")] = "viewpoint100k",
    at_a_time: AtATimeOption = 0,
    cpus: CpusOption = 1,
    gpus: GpusOption = 0,
    memory: Annotated[str, typer.Option(help="Of a pod: a render process takes up to 2.5 GB, usually 0.8.")] = "4Gi",
    retries: RetriesOption = 3,
    claim: Annotated[
        str, typer.Option(help="A PersistentVolumeClaim, mounted at OUT, if that is no URL.", show_default=False)
    ] = "",
    secret: Annotated[
        str, typer.Option(help="A Secret whose keys become environment variables.", show_default=False)
    ] = "",
    env: Annotated[
        Optional[list[str]], typer.Option(help="NAME=VALUE, for the pods. May be given often.", show_default=False)
    ] = None,
) -> None:
    """Print the manifest of a Kubernetes Indexed Job that makes the shards of a planned run.

    [bold]viewpoint100k k8s s3://bucket/run --image my/viewpoint100k > job.yaml && kubectl apply -f job.yaml[/bold]
    """
    from viewpoint100k.run import Run
    from viewpoint100k.runners import Places
    from viewpoint100k.runners.kubernetes import job_manifest
    from viewpoint100k.storage import is_url

    pairs = [each.partition("=") for each in env or ()]
    if wrong := [name for name, separator, _ in pairs if not (name and separator)]:
        raise InputError(f"--env {wrong[0]}: expected NAME=VALUE")
    with Run(out) as run:
        shards = len(run.read_plan().shards)
        where = out if is_url(out) else str(run.folder.absolute())
    if not is_url(out) and not claim:
        raise InputError(f"{out} is a folder: name the PersistentVolumeClaim that holds it with --claim, or use a URL")
    manifest = job_manifest(
        ["render-shard", where, *_render_options(cpus, gpus)],
        shards,
        Places((), at_a_time, cpus, gpus, retries),
        image=image,
        name=name,
        memory=memory,
        claim=claim,
        mount=where,
        secret=secret,
        environment={key: value for key, _, value in pairs},
    )
    print(manifest, end="")


@app.command("requestion", rich_help_panel="Stages of generate")
def requestion_command(
    dataset: DatasetArgument,
    out: Annotated[Path, typer.Argument(metavar="OUT", help="A new folder for the dataset with its new questions.")],
    overrides: SetOption = None,
) -> None:
    """Ask anew about the pairs of a dataset: new wordings, other forms of answers. Nothing is rendered.

    [bold]viewpoint100k requestion my-dataset reworded --set questions.templates=mine.yaml[/bold]
    """
    from viewpoint100k import pipeline

    with pipeline.disk_errors(out):
        manifest = pipeline.requestion(dataset, out, overrides or ())
    out_console.print(
        f"{manifest.samples} pairs, {manifest.questions} questions, {len(manifest.shards)} shards in {out}"
    )


@app.command("validate", rich_help_panel="Check and look")
def validate_command(
    dataset: DatasetArgument,
    workers: Annotated[Optional[int], typer.Option(min=1, help="Processes.", show_default="one per core")] = None,
) -> None:
    """Reread every file: hashes, images, truths and answers derived again, splits. Exit 1 if anything is wrong."""
    from viewpoint100k.validate import validate_dataset

    report = validate_dataset(dataset, workers)
    _problems(report.problems)
    out_console.print(
        f"{report.samples} samples, {report.questions} questions in {report.shards} shards: {len(report.problems)} problems"
    )
    if report.problems:
        raise typer.Exit(1)


@app.command("reproduce", rich_help_panel="Check and look")
def reproduce_command(
    dataset: DatasetArgument,
    shard: Annotated[int, typer.Option(help="Number of the shard, from 0, train first.", show_default=False)],
    source: Annotated[
        Optional[str], typer.Option(help="Where its objects are, if they came from a folder.", show_default=False)
    ] = None,
    engine_python: PythonOption = None,
    workers: WorkersOption = None,
    device: DeviceOption = "auto",
    keep: Annotated[
        Optional[Path], typer.Option(metavar="DIR", help="A new folder to keep what was made.", show_default=False)
    ] = None,
) -> None:
    """Render a published shard again from its manifest and compare bytes. Exit 1 if it differs; says what does.

    [bold]viewpoint100k reproduce my-dataset --shard 12[/bold]
    """
    from viewpoint100k import pipeline
    from viewpoint100k.reproduce import reproduce_shard

    with tempfile.TemporaryDirectory(prefix="viewpoint100k-") as folder, pipeline.disk_errors(keep or folder):
        devices = _devices(Path(folder), device, engine_python)
        with _counting("Checking objects") as progress:
            found = reproduce_shard(
                dataset,
                shard,
                keep or Path(folder) / "again",
                source=source,
                engine_python=engine_python,
                workers=workers or _places(devices),
                devices=devices,
                progress=progress,
            )
    for finding in found.findings:
        err_console.print(escape(finding), soft_wrap=True, highlight=False)
    if found.same_bytes:
        out_console.print(f"{found.shard}: the same bytes")
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
        Optional[Path], typer.Option("--json", metavar="FILE", help="Write the report as JSON.", show_default=False)
    ] = None,
) -> None:
    """Are the questions fair and the answers right? Shortcuts, leaks, labels from a second implementation. Exit 1 if not.

    [bold]viewpoint100k audit my-dataset --html audit.html[/bold]
    """
    from viewpoint100k import audit, pipeline
    from viewpoint100k.shards import write_atomically

    with _counting("Auditing") as progress:
        report = audit.audit_dataset(dataset, progress=progress)
    if json_file is not None:
        with pipeline.disk_errors(json_file):
            json_file.parent.mkdir(parents=True, exist_ok=True)
            write_atomically(json_file, report.to_json().encode())
    if html is not None:
        audit.write_html(report, dataset, html)
    _probes_table(report.probes)
    verdicts = Counter(probe.verdict for probe in report.probes)
    out_console.print(
        f"{report.samples} samples, {report.questions} questions: {verdicts['pass']} probes passed, "
        f"{verdicts['fail']} failed, {verdicts['not measured']} not measured"
    )
    if html is not None:
        out_console.print(f"Look at it: {escape(str(html))}", soft_wrap=True, highlight=False)
    if report.failed:
        raise typer.Exit(1)


@app.command("gallery", rich_help_panel="Check and look")
def gallery_command(
    dataset: DatasetArgument,
    page: Annotated[Path, typer.Argument(help="The HTML file to write.", show_default=False)],
    limit: Annotated[int, typer.Option(min=1, help="Show at most so many samples, spread evenly over all.")] = 2000,
) -> None:
    """An HTML page to look at a dataset: filters, overlays, the cameras in 3D, questions with the answer behind a click.

    Up to 300 samples are one self-contained file; more lie in a folder beside it, such as page_files/, which goes with it.
    """
    from viewpoint100k.gallery import write_gallery

    with _counting("Making the gallery") as progress:
        written = write_gallery(dataset, page, limit=limit, progress=progress)
    where = str(page) + (f" and {written.folder}/" if written.folder else "")
    of_all = "" if written.samples == written.total else f" of {written.total:,}, spread evenly (--limit shows more)"
    out_console.print(
        f"{written.samples:,} samples{of_all} in {escape(where)}, {written.bytes / 1e6:.1f} MB", soft_wrap=True
    )


@app.command("inspect", rich_help_panel="Check and look")
def inspect_command(
    dataset: DatasetArgument, key: Annotated[str, typer.Argument(help="Key of a sample, such as train-00000-00003.")]
) -> None:
    """Everything that is stored of one sample, as JSON."""
    from viewpoint100k.shards import iter_samples

    for stored in iter_samples(dataset):
        if stored.key == key:
            out_console.print_json(stored.sample.model_dump_json())
            return
    raise InputError(f"{dataset} has no sample {key!r}; keys look like train-00000-00003")


@app.command("card", rich_help_panel="Publish")
def card_command(
    dataset: DatasetArgument,
    version: Annotated[str, typer.Option(help="A higher one for the dataset.", show_default="as it is")] = "",
    audit: Annotated[
        Optional[Path],
        typer.Option(
            metavar="FILE",
            help="What `audit --json` wrote, to show and to keep.",
            show_default="DIR/audit.json, if any",
        ),
    ] = None,
) -> None:
    """Write README.md, its pictures and croissant.json anew. Plots need the extra [audit].

    [bold]viewpoint100k audit my-dataset --json audit.json; viewpoint100k card my-dataset --audit audit.json[/bold]
    """
    from viewpoint100k import card, pipeline, plots

    with pipeline.disk_errors(dataset), _counting("Reading") as progress:
        manifest = card.rewrite_card(dataset, version, audit, progress)
    without = "" if plots.can_plot() else "; without plots: pip install 'viewpoint100k[audit]'"
    out_console.print(
        f"{escape(str(dataset))}/README.md: version {manifest.version}, {manifest.samples} samples{escape(without)}",
        soft_wrap=True,
        highlight=False,
    )


@app.command("publish", rich_help_panel="Publish")
def publish_command(
    dataset: DatasetArgument,
    repo_id: Annotated[
        str, typer.Argument(metavar="REPO_ID", help="owner/name on the Hugging Face Hub.", show_default=False)
    ],
    private: Annotated[bool, typer.Option("--private", help="If the repository has to be made, only for you.")] = False,
    branch: Annotated[str, typer.Option(help="What people read; made if it is not there.")] = "main",
    tag: Annotated[str, typer.Option(help="Name of this version.", show_default="v and the dataset's version")] = "",
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Show what would be sent, and send nothing.")] = False,
    workers: Annotated[
        Optional[int], typer.Option(min=1, help="Processes that check.", show_default="one per core")
    ] = None,
) -> None:
    """Put a dataset on the Hugging Face Hub: checked, all at once, tagged. Run it again to go on where it stopped.

    The token is the one that `hf auth login` keeps, or HF_TOKEN.

    [bold]viewpoint100k publish my-dataset my-lab/viewpoint-100k --dry-run[/bold]
    """
    from viewpoint100k import hub

    with err_console.status("Checking every file"):
        parcel = hub.prepare(dataset, workers)
    try:
        shipment = hub.look(parcel, repo_id, branch=branch, tag=tag, private=private)
    except ViewpointError as error:
        if not dry_run:
            raise
        _shipment_table(hub.ship_to(parcel, repo_id, branch, tag or f"v{parcel.manifest.version}"))
        raise ViewpointError(f"nothing was sent, and publishing would stop here: {error}") from error
    _shipment_table(shipment)
    if dry_run:
        out_console.print("Nothing was sent: --dry-run")
        return
    with _sending() as progress:
        commit = hub.send(shipment, progress)
    if shipment.up_to_date:
        out_console.print("All of it was there already")
    out_console.print(
        f"{escape(repo_id)} {shipment.tag} is commit {commit[:12]}. Load it:", soft_wrap=True, highlight=False
    )
    out_console.print(
        f'  python -c "from datasets import load_dataset; print(load_dataset({repo_id!r}, revision={shipment.tag!r}))"',
        soft_wrap=True,
        markup=False,
        highlight=False,
    )


@app.command("remove", rich_help_panel="Publish")
def remove_command(
    dataset: DatasetArgument,
    uids: Annotated[
        Optional[list[str]],
        typer.Option("--uid", help="An object, as attribution.csv names it. May be given often.", show_default=False),
    ] = None,
    reason: Annotated[str, typer.Option(help="Published with the removal.", show_default=False)] = "",
) -> None:
    """Take objects out for good: rewrites only the shards that hold them, and raises the version.

    Run it again, with or without --uid, if it was interrupted. Then publish again: only these shards are sent.
    """
    from viewpoint100k import pipeline, takedown

    with pipeline.disk_errors(dataset), _counting("Reading") as progress:
        done = takedown.remove_objects(dataset, uids or (), reason, progress)
    where = f" from {', '.join(done.shards)}" if done.shards else ""
    out_console.print(
        f"{done.samples} samples removed{where}; {done.manifest.samples} are left. Version {done.manifest.version}",
        soft_wrap=True,
        highlight=False,
    )


@app.command("index", rich_help_panel="Use it")
def index_command(dataset: DatasetArgument) -> None:
    """Write index/*.parquet anew: one row per question, no pictures, for duckdb, polars or pandas."""
    from viewpoint100k import pipeline
    from viewpoint100k.index import write_index

    with pipeline.disk_errors(dataset):
        questions = write_index(dataset)
    out_console.print(f"{questions} questions in {escape(str(dataset))}/index", soft_wrap=True)


@app.command("export", rich_help_panel="Use it")
def export_command(
    dataset: DatasetArgument,
    out: Annotated[Path, typer.Argument(metavar="OUT", help="A new folder.", show_default=False)],
    to: Annotated[str, typer.Option(help="vlmevalkit, lmms-eval, llamafactory or verl.", show_default=False)],
    split: Annotated[
        Optional[str], typer.Option(help="Which split.", show_default="test to evaluate, train to train")
    ] = None,
) -> None:
    """Write the questions for another tool, figures drawn in. VLMEvalKit knows letters only: it gets no numbers.

    [bold]viewpoint100k export my-dataset --to lmms-eval task/[/bold]
    """
    from viewpoint100k import export, pipeline

    with pipeline.disk_errors(out):
        done = export.export(dataset, to, out, split)
    left = f", {done.left_out} that ask for a number left out" if done.left_out else ""
    out_console.print(
        f"{done.questions} questions{left}: {', '.join(done.files)} in {escape(str(out))}", soft_wrap=True
    )


@app.command("evaluate", rich_help_panel="Use it")
def evaluate_command(
    predictions: Annotated[
        Path, typer.Argument(help='Lines of {"question_id": ..., "prediction": ...}.', show_default=False)
    ],
    dataset: DatasetArgument,
    json_file: Annotated[
        Optional[Path], typer.Option("--json", metavar="FILE", help="Write the scores as JSON.", show_default=False)
    ] = None,
    html: Annotated[
        Optional[Path], typer.Option(metavar="FILE", help="Write a page: confusion, worst cases.", show_default=False)
    ] = None,
) -> None:
    """Score answers: per type, tier, family, angle and form; both orders, whole samples, all rotations; with intervals.

    [bold]viewpoint100k evaluate predictions.jsonl my-dataset --html scores.html[/bold]
    """
    from viewpoint100k import evaluate, pipeline
    from viewpoint100k.shards import write_atomically

    scores, cases = evaluate.evaluate(predictions, dataset)
    if json_file is not None:
        with pipeline.disk_errors(json_file):
            json_file.parent.mkdir(parents=True, exist_ok=True)
            write_atomically(json_file, (scores.model_dump_json(indent=1) + "\n").encode())
    if html is not None:
        with pipeline.disk_errors(html):
            html.parent.mkdir(parents=True, exist_ok=True)
            evaluate.write_page(scores, cases, dataset, html)
    _scores_table(evaluate.summary(scores), scores)
    if html is not None:
        out_console.print(f"Look at it: {escape(str(html))}", soft_wrap=True, highlight=False)


@objects_app.command("list")
def objects_list(
    source: ListedArgument, count: CountOption = 24, seed: DrawSeedOption = 0, as_json: JsonOption = False
) -> None:
    """What would be used of a source, with category, licence and author."""
    listing = _list(source, count, seed)
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
    out_console.print(f"{len(listing.objects)} objects, {len(listing.rejects)} refused (`objects check` says why)")


@objects_app.command("check")
def objects_check(
    source: ListedArgument,
    render: Annotated[
        bool, typer.Option("--render", help="Also look at it from all around, and judge what a run would judge.")
    ] = False,
    sheet: Annotated[
        Optional[Path],
        typer.Option(
            metavar="FILE.jpg",
            help="Draw them on a contact sheet, with verdicts. Implies --render.",
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
    """Give every file its verdict: can it be used, and if not, why? Exit 1 if one is refused.

    Alone it only reads the files. With --render it also looks at the objects, a second each: is one symmetric, flat, see-through?

    [bold]viewpoint100k objects check my-models/[/bold]
    [bold]viewpoint100k objects check my-models/ --sheet sheet.jpg[/bold]
    """
    from viewpoint100k import inspection, pipeline
    from viewpoint100k.config import RunConfig
    from viewpoint100k.engine import check_engine
    from viewpoint100k.shards import write_atomically

    probed = render or sheet is not None
    if sheet is not None and (sheet.suffix.lower() not in {".jpg", ".jpeg"} or not sheet.parent.is_dir()):
        raise InputError(f"--sheet {sheet}: expected a .jpg file in a folder that exists")
    if probed:
        check_engine(*([engine_python] if engine_python else []))
    config, listing, kept = RunConfig(source=source), _list(source, count, seed), list[inspection.Seen]()
    rows = inspection.list_findings(listing)
    if probed:
        rows = _probe(config, listing, workers, device, engine_python)
    for seen in rows:
        if as_json:
            print(seen.finding.model_dump_json(), flush=True)
        drawn = sheet is not None and len(kept) < inspection.MOST_ON_A_SHEET
        kept.append(seen if drawn else seen._replace(picture=b""))
    findings = [seen.finding for seen in kept]
    summary = inspection.count_verdicts(findings)
    if sheet is not None:
        cut = f" (drawn: the first {inspection.MOST_ON_A_SHEET})" if len(kept) > inspection.MOST_ON_A_SHEET else ""
        with pipeline.disk_errors(sheet):
            write_atomically(sheet, inspection.draw_sheet(kept, f"{source}: {summary}{cut}"))
    refused = [finding for finding in findings if finding.verdict != inspection.OK]
    if not as_json:
        _findings_table(findings if probed else refused, config.gates.min_asymmetry)
        out_console.print(summary, soft_wrap=True, highlight=False)
        if spent := [Counter(finding.cpu_s) for finding in findings if finding.cpu_s]:
            _cpu_line(sum(spent, Counter[str]()), f"{len(spent)} objects")
        if sheet is not None:
            out_console.print(f"Look at them: {escape(str(sheet))}", soft_wrap=True, highlight=False)
    if refused:
        raise typer.Exit(1)


@objects_app.command("fetch")
def objects_fetch(
    source: ListedArgument,
    folder: Annotated[Path, typer.Argument(help="Where to put what is made here.", show_default=False)],
    count: CountOption = 24,
    seed: DrawSeedOption = 0,
) -> None:
    """Make or download objects ahead of a run. Prints their files."""
    from viewpoint100k import objects as sources
    from viewpoint100k.config import FileBudgets
    from viewpoint100k.errors import ObjectRefused

    folder.mkdir(parents=True, exist_ok=True)
    for thing in _list(source, count, seed).objects:
        try:
            path, _ = sources.fetch_object(thing, source, folder, FileBudgets())
            print(path)
        except ObjectRefused as refusal:
            err_console.print(f"{thing.record.uid}: {escape(str(refusal))}", style="yellow", soft_wrap=True)


def main() -> None:
    """The command line. Errors that a user can fix are one line."""
    # our matrices are small: a second thread of numpy's only waits for them, and costs as much as the first
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    try:
        app()
    except InputError as error:
        err_console.print(f"[red]error:[/red] {escape(str(error))}", soft_wrap=True, highlight=False)
        sys.exit(2)
    except ViewpointError as error:
        err_console.print(f"[red]error:[/red] {escape(str(error))}", soft_wrap=True, highlight=False)
        sys.exit(1)


def _config(preset: str, overrides: list[str] | None, allow: str | None, **fields: Any) -> Any:
    from viewpoint100k.config import load_config, public_source
    from viewpoint100k.objects.credit import allowed_licences

    if allow is not None:
        fields["licences"] = allowed_licences(allow)
    config = load_config(preset, overrides or [], **fields)
    if public_source(config.source) == "folder":  # the run may be taken up again from another folder
        config = config.model_copy(update={"source": os.path.abspath(config.source)})
    return config


def _runner(name: str) -> Any:
    """The function that runs shards."""
    if name == "local":
        from viewpoint100k.runners.local import run_local

        return run_local
    if name == "ray":
        from viewpoint100k.runners.ray import run_ray

        return run_ray
    if name == "slurm":
        from viewpoint100k.runners.slurm import run_slurm

        return run_slurm
    raise InputError(f"--runner {name}: expected local, ray or slurm; for Kubernetes see `viewpoint100k k8s`")


def _render_options(cpus: int, gpus: int) -> list[str]:
    """How a shard is rendered on a machine of a farm: what the engine there lends it, and no more."""
    return ["--device", "gpu" if gpus else "cpu", "--workers", str(gpus or cpus)]


def _devices(scratch: Path, wanted: str, engine_python: str | None, *, quiet: bool = False) -> list[Any]:
    """What there is to render on. Says so where it had to look."""
    from viewpoint100k.engine import find_devices

    if wanted not in {"auto", "cpu", "gpu"}:
        raise InputError(f"--device {wanted}: expected auto, cpu or gpu")
    devices = find_devices(wanted, scratch, *([engine_python] if engine_python else []))
    if not quiet:
        _name_devices(wanted, devices)
    return devices


def _name_devices(wanted: str, devices: list[Any]) -> None:
    """Say what was found, unless it was asked for by name."""
    if wanted != "cpu":
        names = ", ".join(f"{device.kind} {device.index}: {device.name}" for device in devices if device.name)
        err_console.print(f"Rendering on {names or 'the processor: Cycles finds no GPU'}", highlight=False)


def _places(devices: list[Any]) -> int:
    """How many processes may render at a time: one per GPU, else one per core."""
    from viewpoint100k.runners.local import default_workers

    return len(devices) if any(found.environment() for found in devices) else default_workers()


def _list(source: str, count: int, seed: int) -> Any:
    from viewpoint100k import objects as sources
    from viewpoint100k.config import FileBudgets

    with _counting("Checking objects") as progress:
        return sources.list_objects(source, wanted=count, seed=seed, budgets=FileBudgets(), progress=progress)


def _probe(config: Any, listing: Any, workers: int | None, device: str, engine_python: str | None) -> Iterator[Any]:
    """Probe and judge the objects of a listing, with a progress bar."""
    from viewpoint100k import pipeline
    from viewpoint100k.inspection import inspect_objects

    total = len(listing.objects)
    with tempfile.TemporaryDirectory(prefix="viewpoint100k-") as folder, pipeline.disk_errors(Path(folder)):
        devices = _devices(Path(folder), device, engine_python)
        places = workers or _places(devices)
        seen = inspect_objects(
            config, listing, Path(folder), engine_python=engine_python, workers=places, devices=devices
        )
        with _counting("Probing objects") as progress:
            progress(0, total)
            for done, each in enumerate(seen, 1):
                progress(min(done, total), total)
                yield each


class _counting(AbstractContextManager[Callable[[int, int], None]]):
    """A progress bar fed by `progress(done, of)`."""

    def __init__(self, what: str) -> None:
        self.bar = Progress(
            TextColumn(what),
            BarColumn(),
            MofNCompleteColumn(),
            console=err_console,
            transient=True,
            redirect_stdout=out_console.is_terminal,  # what is piped away must not turn up above the bar instead
        )

    def __enter__(self) -> Callable[[int, int], None]:
        self.bar.start()
        task = self.bar.add_task("", total=None)
        return lambda done, of: self.bar.update(task, completed=done, total=of)

    def __exit__(self, *error: object) -> None:
        self.bar.stop()


class _sending(AbstractContextManager[Callable[[int, int, str], None]]):
    """Bytes that are there, of all, and what is going on."""

    def __init__(self) -> None:
        self.bar = Progress(
            TextColumn("Sending"),
            BarColumn(),
            DownloadColumn(),
            TimeElapsedColumn(),
            TextColumn("{task.fields[what]}"),
            console=err_console,
        )

    def __enter__(self) -> Callable[[int, int, str], None]:
        self.bar.start()
        task = self.bar.add_task("", total=None, what="")
        return lambda done, of, what: self.bar.update(task, completed=done, total=of, what=what)

    def __exit__(self, *error: object) -> None:
        self.bar.stop()


class _Bar(AbstractContextManager["_Bar"]):
    """Pairs done, pairs a minute, rejects, time left."""

    def __init__(self, status: Callable[[], Any], look_s: float = 1.0) -> None:
        self.status, self.look_s, self.started, self.at_start = status, look_s, time.monotonic(), -1
        self.bar = Progress(
            TextColumn("Rendering"),
            BarColumn(),
            MofNCompleteColumn(),
            TextColumn("pairs  {task.fields[rate]}  {task.fields[rejects]} rejects  left"),
            TimeRemainingColumn(),
            console=err_console,
        )
        self.task = self.bar.add_task("", total=None, rate="", rejects=0)
        self.seen = 0.0

    def __enter__(self) -> "_Bar":
        self.bar.start()
        self.update()
        return self

    def __exit__(self, *error: object) -> None:
        self.bar.stop()

    def update(self, now: bool = False) -> None:
        if time.monotonic() - self.seen < self.look_s and self.at_start >= 0 and not now:
            return
        found = self.status()
        self.seen = time.monotonic()
        done = sum(receipt.samples for receipt in found.done) + found.pairs_in_work
        self.at_start = done if self.at_start < 0 else self.at_start
        minutes = (time.monotonic() - self.started) / 60
        rate = f"{(done - self.at_start) / minutes:.0f}/min" if minutes > 0.05 else ""
        rejects = sum(receipt.rejects for receipt in found.done) + found.rejects_in_work
        self.bar.update(self.task, completed=done, total=found.pairs_wanted, rate=rate, rejects=rejects)


def _unfinished(logs: Path, missing: int, of: int, failures: list[Any]) -> ViewpointError:
    """The error of the first shard that failed, and how many are missing."""
    code, line = failures[0] if failures else (0, "")
    line = line.removeprefix("error: ") or f"a shard ended with code {code}"
    text = f"{line} ({missing} of {of} shards are missing; what they printed is in {logs})"
    return InputError(text) if code == 2 else ViewpointError(text)


def _problems(problems: list[Any]) -> None:
    for problem in problems[:200]:
        err_console.print(f"{escape(problem.where)}: {escape(problem.what)}", soft_wrap=True, highlight=False)
    if len(problems) > 200:
        err_console.print(f"... and {len(problems) - 200} more")


def _print_missing(report: Any) -> None:
    """An array specification on stdout and nothing else."""
    print(report.missing_spec, flush=True)
    if report.running:
        numbers = ", ".join(str(one.number) for one in report.running)
        err_console.print(f"not listed, because somebody is at work: {numbers}", soft_wrap=True, highlight=False)


def _report_tables(report: Any) -> None:
    """How a run goes."""
    from viewpoint100k.monitor import duration

    speed = f"; {report.pairs_per_minute:.1f} pairs a minute" if report.pairs_per_minute else ""
    speed += f", about {duration(report.eta_s)} left" if speed and report.done < report.shards else ""
    out_console.print(
        f"{report.pairs_done} of {report.pairs_wanted} pairs in {report.done} shards; {len(report.running)} shards running, "
        f"{len(report.failed)} failed, {len(report.missing)} missing{speed}",
        soft_wrap=True,
        highlight=False,
    )
    if report.missing:
        out_console.print(f"missing: {report.missing_spec}", soft_wrap=True, highlight=False)
    if report.machines:
        table = Table("machine", "shards", "pairs", "pairs an hour", "CPU-s a pair")
        for one in report.machines:
            table.add_row(
                escape(one.name),
                str(one.shards),
                str(one.pairs),
                f"{one.pairs_per_hour:.0f}",
                f"{one.cpu_s_per_pair:.2f}",
            )
        out_console.print(table)
    for one in report.failed:
        out_console.print(
            f"shard {one.number} failed on {escape(one.machine)}, attempt {one.attempt}: {escape(one.error)}",
            soft_wrap=True,
            highlight=False,
        )
    for what, counts in (("refused objects", report.rejects), ("pairs not used", report.dropped)):
        if counts:
            table = Table(what, "")
            for reason, count in counts.items():
                table.add_row(escape(reason), str(count))
            out_console.print(table)


def _findings_table(findings: list[Any], min_asymmetry: float) -> None:
    """A row per object; the asymmetry is green where it is far from the threshold."""
    if not findings:
        return
    table = Table("object", "verdict", "asymmetry", "reason")
    for finding in findings:
        value = finding.asymmetry
        colour = "red" if (value or 0) < min_asymmetry else "yellow" if (value or 0) < 2 * min_asymmetry else "green"
        table.add_row(
            escape(finding.uid),
            f"[{'green' if finding.verdict == 'ok' else 'red'}]{escape(finding.verdict)}[/]",
            "" if value is None else f"[{colour}]{value:.3f}[/]",
            escape(finding.reason),
        )
    out_console.print(table)


def _probes_table(probes: list[Any]) -> None:
    """A row per probe: verdict, number (of the worst part), bound, and why it did not pass."""
    colours = {"pass": "green", "fail": "red"}
    table = Table("probe", "verdict", "value", "bound", "because")
    for probe in probes:
        colour = colours.get(probe.verdict, "dim")
        value = "" if probe.value is None else f"{probe.value:.4g}"
        bound = "" if probe.value is None else str(probe.threshold)
        because = "" if probe.verdict == "pass" else escape(probe.because)  # in full in the page and the JSON
        table.add_row(probe.name, f"[{colour}]{probe.verdict}[/]", value, bound, because)
    out_console.print(table)


def _shipment_table(shipment: Any) -> None:
    """What publishing would send, and under which licences its objects are."""
    parcel, here = shipment.parcel, [*shipment.parcel.shards, *shipment.parcel.rest]
    table = Table("", "files", "MB")
    for name, files in (
        ("in the dataset", here),
        ("shards to send", shipment.send),
        ("other files to send", shipment.place),
    ):
        table.add_row(name, str(len(files)), f"{sum(file.bytes for file in files) / 1e6:.1f}")
    if shipment.delete:
        table.add_row("to be deleted there", str(len(shipment.delete)), "")
    out_console.print(
        f"{escape(str(parcel.dataset))} to {escape(shipment.repo_id)}, {shipment.branch}, {shipment.tag}",
        soft_wrap=True,
    )
    out_console.print(table)
    licences = ", ".join(f"{number} {licence}" for licence, number in parcel.licences.most_common())
    out_console.print(f"Licences of its objects: {escape(licences)}", soft_wrap=True, highlight=False)


def _scores_table(summary: list[tuple[str, Any]], scores: Any) -> None:
    """Shares with their intervals: in all, then by type, tier, family, angle, form."""
    table = Table("", "share", "95 %", "of")

    def add(name: str, cell: Any) -> None:
        interval = f"{100 * cell.low:.1f} to {100 * cell.high:.1f}"
        table.add_row(escape(name), f"{100 * cell.value:.1f} %", interval, str(cell.n))

    for name, cell in summary:
        add(name, cell)
    for group, cells in scores.by.items():
        table.add_section()
        for name, cell in cells.items():
            add(f"{group}: {name}", cell)
    out_console.print(table)
    out_console.print(
        f"{scores.answered} of {scores.questions} questions answered, {scores.unread} answers could not be read, "
        f"{len(scores.unknown_ids)} ids unknown; guessing would earn {100 * scores.chance:.1f} %",
        soft_wrap=True,
    )
    for name, ids in (("unknown", scores.unknown_ids), ("unanswered", scores.unanswered_ids)):
        if ids:
            more = f" and {len(ids) - 5} more" if len(ids) > 5 else ""
            err_console.print(f"{name}: {escape(', '.join(ids[:5]))}{more}", soft_wrap=True, highlight=False)


def _cpu_line(cpu_s: Counter[str], what: str) -> None:
    parts = ", ".join(f"{name} {value:.0f}" for name, value in cpu_s.items())
    out_console.print(f"{sum(cpu_s.values()):.0f} CPU-s for {what}: {parts}", soft_wrap=True)


def _summary(out: str, manifest: Any, rejects: list[Any], receipts: list[Any]) -> None:
    from viewpoint100k.storage import is_url

    cpu = Counter[str]()
    for receipt in receipts:
        cpu.update(receipt.cpu_s)
    views = sum(receipt.views_rendered for receipt in receipts)
    objects = len({uid for receipt in receipts for uid in receipt.objects})
    refused = len({reject.uid for reject in rejects})
    out_console.print(
        f"[bold]{manifest.samples} pairs[/bold] of {objects} objects, {manifest.questions} questions, in {len(manifest.shards)} shards; "
        f"{refused} objects refused at least once (reasons in {escape(str(out))}/.run/rejects.jsonl). Everything validates.",
        soft_wrap=True,
    )
    _cpu_line(cpu, f"{views} views")
    if is_url(out):
        out_console.print(f"Fetch it with what your store has for that, then look at it; it lies in {escape(out)}")
        return
    out_console.print("Look at it:", soft_wrap=True)
    out_console.print(f"  viewpoint100k gallery {escape(str(out))} {escape(str(out))}.html", soft_wrap=True)
    out_console.print(
        f'  python -c "from datasets import load_dataset; print(load_dataset({str(out)!r}))"',
        soft_wrap=True,
        markup=False,
    )


if __name__ == "__main__":
    main()
