"""Commands that make a dataset: the main job, its stages one by one, and the farm's scripts."""

import os
import sys
import tempfile
import time
from pathlib import Path
from typing import Annotated, Any, Optional

import typer
from rich.markup import escape

from viewpoint100k.cli.options import (
    FARM,
    AllowOption,
    AtATimeOption,
    CpusOption,
    DatasetArgument,
    DeviceOption,
    GpusOption,
    JsonOption,
    PairsOption,
    PresetOption,
    PythonOption,
    RetriesOption,
    RunArgument,
    SeedOption,
    SetOption,
    SourceOption,
    WorkersOption,
)
from viewpoint100k.cli.places import devices_for, name_devices, places_on, render_options, runner_named, warm
from viewpoint100k.cli.screen import (
    REMOTE_LOOK_S,
    RunBar,
    counting,
    err_console,
    out_console,
    print_health,
    print_missing,
    print_problems,
    print_report,
    print_summary,
    print_would_fail,
    unfinished,
)
from viewpoint100k.errors import InputError, disk_errors

app = typer.Typer()


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
        str,
        typer.Option(
            help="local, ray or slurm: who runs the shards, see docs/farm.md.", rich_help_panel=FARM
        ),
    ] = "local",
    address: Annotated[
        str,
        typer.Option(
            help="Of a Ray cluster: auto, host:port or ray://.",
            show_default="start one here",
            rich_help_panel=FARM,
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
    from viewpoint100k.audit import quick_look
    from viewpoint100k.doctor import check_before_run
    from viewpoint100k.identity import code_of_shard
    from viewpoint100k.run import Run
    from viewpoint100k.runners import Places
    from viewpoint100k.runners.local import default_workers
    from viewpoint100k.validate import validate_dataset

    run_shards = runner_named(runner)
    config = resolved_config(preset, overrides, allow, source=source, pairs=pairs, seed=seed)
    devices = list[Any]()
    check_before_run(out, (engine_python or sys.executable) if runner == "local" else None)
    if runner == "local":
        with (
            tempfile.TemporaryDirectory() as scratch
        ):  # before the run's folder is made: --device may be wrong
            devices = devices_for(Path(scratch), device, engine_python, quiet=True)
    with Run(out) as run, disk_errors(out):
        with counting("Checking objects") as progress:
            made = run.plan(config, progress)
        known: dict[int, Any] = {}
        missing = [shard.number for shard in run.status(made, known).missing]
        if missing and (here := code_of_shard(made.code)) != made.code:
            told = f"This run was planned by {made.code}. What is missing is made by {here}, and says so"
            err_console.print(told, soft_wrap=True, highlight=False)
        places = Places((), at_a_time, cpus, gpus, retries, address, tuple(sbatch or ()))
        command = ["render-shard", out if run.folder != Path(out) else str(run.folder.absolute()), "--quiet"]
        if runner == "local":
            name_devices(device, devices)
            on_gpus = any(found.environment() for found in devices)
            if missing and on_gpus:
                with tempfile.TemporaryDirectory() as scratch:
                    warm(devices, config.render, Path(scratch), engine_python)
            count = workers or places_on(devices)
            # few shards, of which one is the largest: all work on one at a time
            together = not on_gpus and len(missing) < 2 * count
            slots = [
                devices[i % len(devices)].environment()
                for i in range(1 if together else min(count, len(missing)))
            ]
            places = places._replace(slots=slots)
            each = count if together else max(1, count // max(len(missing), 1))
            command += ["--device", "gpu" if on_gpus else "cpu", "--workers", str(each)]
        else:
            command += render_options(cpus, gpus)
        command += ["--engine-python", engine_python] if engine_python else []
        with RunBar(
            lambda: run.status(made, known), REMOTE_LOOK_S if run.folder != Path(out) else 1.0
        ) as bar:
            failed = run_shards(command, missing, places, run.logs, bar.update) if missing else {}
            bar.update(now=True)
        if still := run.status(made, known).missing:
            raise unfinished(run.logs, len(still), len(made.shards), list(failed.values()))
        manifest = run.finalize()
        report = validate_dataset(run.folder, workers or default_workers())
        print_problems(report.problems)
        print_summary(out, manifest, run.rejects(), run.status(made, known).done, len(report.problems))
        if not report.problems:
            print_would_fail(out, quick_look(run.folder, config.seed))
    if report.problems:
        raise typer.Exit(1)


@app.command("doctor", rich_help_panel="Check and look")
def doctor_command(
    out: Annotated[str, typer.Argument(metavar="OUT", help="Where datasets are to be written.")] = ".",
    engine_python: PythonOption = None,
    as_json: Annotated[
        bool, typer.Option("--json", help="As JSON, for a bug report. No token is in it.")
    ] = False,
) -> None:
    """What this machine has for making datasets, what it lacks, and what to do. Exit 1 if something is red.

    [bold]viewpoint100k doctor my-dataset[/bold]
    [bold]viewpoint100k doctor --json > doctor.json[/bold]
    """
    from viewpoint100k import doctor

    report = doctor.examine(out, engine_python)
    if as_json:
        print(doctor.without_home(report.model_dump_json(indent=1)))
    else:
        print_health(report)
    if report.failed:
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
    from viewpoint100k.run import Run

    config = resolved_config(preset, overrides, allow, source=source, pairs=pairs, seed=seed)
    with Run(out) as run, disk_errors(out), counting("Checking objects") as progress:
        made = run.plan(config, progress)
    out_console.print(
        f"{len(made.shards)} shards of {len(made.objects)} objects planned in {escape(out)}/.run",
        soft_wrap=True,
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
    workers: Annotated[
        int, typer.Option(min=1, help="Render processes for this shard; same bytes with any.")
    ] = 1,
    device: DeviceOption = "auto",
    quiet: Annotated[bool, typer.Option("--quiet", help="Print nothing but errors.")] = False,
) -> None:
    """Make one shard. What a process pool, a Ray task, a SLURM array and a Kubernetes job all run."""
    from viewpoint100k.run import Run
    from viewpoint100k.runners.local import end_with_parent

    end_with_parent()
    with Run(out) as run, disk_errors(out):
        receipt = run.render_shard(
            shard,
            engine_python,
            workers,
            lambda scratch: devices_for(scratch, device, engine_python, quiet=quiet),
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
        typer.Option(
            min=0.1, metavar="SECONDS", help="Look again so often, until it is done.", show_default=False
        ),
    ] = None,
    missing: Annotated[
        bool,
        typer.Option("--missing", help="Print only what has to be run again, as sbatch --array takes it."),
    ] = False,
    html: Annotated[
        Optional[Path], typer.Option(metavar="FILE", help="Write it as a page.", show_default=False)
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """What is done, running, failed and missing, how fast and by whom; from the files alone.

    [bold]sbatch --array=$(viewpoint100k status OUT --missing) job.sbatch[/bold]
    """
    from viewpoint100k import monitor
    from viewpoint100k.run import Run

    known: dict[int, Any] = {}
    with Run(out) as run:
        made = run.read_plan()
        while True:
            now = run.status(made, known)
            report = monitor.make_report(now, run.rejects())
            if html is not None:
                with disk_errors(html):
                    monitor.write_page(report, out, html, watch or 0)
            if as_json:
                print(report.model_dump_json(), flush=True)
            elif missing:
                print_missing(report)
            else:
                if watch and out_console.is_terminal:
                    out_console.clear()
                print_report(report)
            if watch is None or not now.missing:
                break
            time.sleep(watch)


@app.command("finalize", rich_help_panel="Stages of generate")
def finalize_command(out: RunArgument) -> None:
    """Write manifest, attribution and card of a complete run."""
    from viewpoint100k.run import Run

    with Run(out) as run, disk_errors(out):
        manifest = run.finalize()
    out_console.print(
        f"{manifest.samples} pairs, {manifest.questions} questions, {len(manifest.shards)} shards"
    )


@app.command("slurm", rich_help_panel=FARM)
def slurm_command(
    out: RunArgument,
    at_a_time: AtATimeOption = 0,
    cpus: CpusOption = 1,
    gpus: GpusOption = 0,
    engine_python: PythonOption = None,
    sbatch: Annotated[
        Optional[list[str]],
        typer.Option(help="A line for #SBATCH, such as --partition=long.", show_default=False),
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
        command = ["render-shard", where, "--quiet", *render_options(cpus, gpus)]
        command += ["--engine-python", engine_python] if engine_python else []
        run.logs.mkdir(parents=True, exist_ok=True)
        print(sbatch_script(command, report.missing, places, run.logs), end="")


@app.command("k8s", rich_help_panel=FARM)
def k8s_command(
    out: RunArgument,
    image: Annotated[
        str, typer.Option(help="A container image with viewpoint100k\\[render,s3]; see docs/farm.md.")
    ],
    name: Annotated[str, typer.Option(help="Of the Job.")] = "viewpoint100k",
    at_a_time: AtATimeOption = 0,
    cpus: CpusOption = 1,
    gpus: GpusOption = 0,
    memory: Annotated[
        str, typer.Option(help="Of a pod: a render process takes up to 2.5 GB, usually 0.8.")
    ] = "4Gi",
    retries: RetriesOption = 3,
    claim: Annotated[
        str,
        typer.Option(help="A PersistentVolumeClaim, mounted at OUT, if that is no URL.", show_default=False),
    ] = "",
    secret: Annotated[
        str, typer.Option(help="A Secret whose keys become environment variables.", show_default=False)
    ] = "",
    env: Annotated[
        Optional[list[str]],
        typer.Option(help="NAME=VALUE, for the pods. May be given often.", show_default=False),
    ] = None,
) -> None:
    """Print the manifest of a Kubernetes Indexed Job that makes the shards of a planned run.

    [bold]viewpoint100k k8s s3://bucket/run --image my/viewpoint100k > job.yaml && kubectl apply -f
    job.yaml[/bold]
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
        raise InputError(
            f"{out} is a folder: name the PersistentVolumeClaim that holds it with --claim, or use a URL"
        )
    manifest = job_manifest(
        ["render-shard", where, *render_options(cpus, gpus)],
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
    out: Annotated[
        Path, typer.Argument(metavar="OUT", help="A new folder for the dataset with its new questions.")
    ],
    overrides: SetOption = None,
) -> None:
    """Ask anew about the pairs of a dataset: new wordings, other forms of answers. Nothing is rendered.

    [bold]viewpoint100k requestion my-dataset reworded --set questions.templates=mine.yaml[/bold]
    """
    from viewpoint100k.requestion import requestion

    with disk_errors(out):
        manifest = requestion(dataset, out, overrides or ())
    out_console.print(
        f"{manifest.samples} pairs, {manifest.questions} questions, {len(manifest.shards)} shards in {out}"
    )


def resolved_config(preset: str, overrides: list[str] | None, allow: str | None, **fields: Any) -> Any:
    from viewpoint100k.config import BUNDLED, load_config, public_source
    from viewpoint100k.objects.credit import allowed_licences

    if allow is not None:
        fields["licences"] = allowed_licences(allow)
    config = load_config(preset, overrides or [], **fields)
    if public_source(config.source) == "folder":  # the run may be taken up again from another folder
        config = config.model_copy(update={"source": os.path.abspath(config.source)})
    surroundings = [
        entry if entry == BUNDLED else os.path.abspath(entry) for entry in config.render.surroundings
    ]
    render = config.render.model_copy(update={"surroundings": surroundings})
    return config.model_copy(update={"render": render})
