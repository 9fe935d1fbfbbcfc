"""Commands that make a dataset: the main job, its stages one by one, and the farm's scripts."""

import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any, NamedTuple, Optional

import typer
from rich.markup import escape

from viewpoint100k.cli.options import (
    AddressOption,
    AllowOption,
    AtATimeOption,
    CpusOption,
    DatasetArgument,
    DeviceOption,
    DryRunOption,
    GpusOption,
    JsonOption,
    PairsOption,
    PresetOption,
    PythonOption,
    RetriesOption,
    RunArgument,
    RunnerOption,
    SbatchOption,
    SeedOption,
    SetOption,
    SourceOption,
    WorkersOption,
    resolved_config,
)
from viewpoint100k.cli.places import devices_for, name_devices, places_on, render_options, runner_named, warm
from viewpoint100k.cli.screen import (
    REMOTE_LOOK_S,
    RunBar,
    counting,
    err_console,
    out_console,
    print_forecast,
    print_health,
    print_missing,
    print_problems,
    print_report,
    print_summary,
    print_would_fail,
    unfinished,
)
from viewpoint100k.errors import disk_errors
from viewpoint100k.runners import Places

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
    dry_run: DryRunOption = False,
    engine_python: PythonOption = None,
    workers: WorkersOption = None,
    device: DeviceOption = "auto",
    runner: RunnerOption = "local",
    address: AddressOption = "",
    sbatch: SbatchOption = None,
    at_a_time: AtATimeOption = 0,
    cpus: CpusOption = 1,
    gpus: GpusOption = 0,
    retries: RetriesOption = 3,
) -> None:
    """Plan, render, validate and describe a dataset. Run it again to go on where it stopped.

    Without options it makes a sample to look at, the preset smoke. With --runner ray or slurm,
    --cpus-per-shard and --gpus-per-shard say what renders a shard, in place of --workers and --device; with
    --runner local the options for other machines have no effect.

    [bold]viewpoint100k generate my-dataset[/bold]
    [bold]viewpoint100k generate my-dataset --source my-models/ --pairs 300 --set render.quality=draft[/bold]
    [bold]viewpoint100k generate big --preset viewpoint-6dof --source objaverse:lvis --dry-run[/bold]

    Presets, each with the page that describes it:

    [bold]smoke[/bold]: 48 pairs of procedural objects, in minutes (docs/tutorial.md)
    [bold]viewpoint-6dof[/bold]: the camera moves and turns independently (docs/questions.md, docs/why.md)
    [bold]viewpoint-100k[/bold]: orbits, distributed as in the paper (docs/why.md)
    [bold]viewpoint-sets[/bold]: four views of an object (docs/questions.md)
    [bold]scenes[/bold]: several objects on a floor (docs/questions_scenes.md)
    """
    from viewpoint100k.doctor import check_before_run

    runner_named(runner)  # refuses a name that it does not know
    config = resolved_config(preset, overrides, allow, source=source, pairs=pairs, seed=seed)
    local = runner == "local"
    check_before_run(out, (engine_python or sys.executable) if local or dry_run else None)
    rendering = Rendering(engine_python, workers, device)
    if dry_run:
        show_forecast(out, config, rendering)
        return
    if local:  # before the run's folder is made: --device may be wrong
        rendering = rendering.with_devices()
    places = Places((), at_a_time, cpus, gpus, retries, address, tuple(sbatch or ()))
    if run_all(out, config, runner, places, rendering):
        raise typer.Exit(1)


class Rendering(NamedTuple):
    """With what a machine renders, as the options say."""

    engine_python: str | None
    workers: int | None
    device: str
    devices: Sequence[Any] = ()  # of this machine; none: others render

    def with_devices(self) -> "Rendering":
        """The same, with the devices that Cycles finds here."""
        with tempfile.TemporaryDirectory() as scratch:
            devices = devices_for(Path(scratch), self.device, self.engine_python, quiet=True)
        return self._replace(devices=devices)

    def count_workers(self) -> int:
        """How many processes render at a time."""
        return self.workers or places_on(list(self.devices))


def show_forecast(out: str, config: Any, rendering: Rendering) -> None:
    """What `generate` would do, from a short probe on this machine."""
    from viewpoint100k.disk import check_disk
    from viewpoint100k.forecast import forecast
    from viewpoint100k.storage import is_url

    rendering = rendering.with_devices()
    name_devices(rendering.device, list(rendering.devices))
    workers = rendering.count_workers()
    folder = None if is_url(out) else Path(out.removeprefix("file://"))
    with (
        tempfile.TemporaryDirectory(prefix="viewpoint100k-") as scratch,
        disk_errors(Path(scratch)),
        err_console.status("Rendering a few pairs into a temporary folder"),
    ):
        expected = forecast(
            folder, config, Path(scratch), rendering.engine_python, workers, rendering.devices
        )
    print_forecast(out, expected, workers, None if folder is None else check_disk(str(folder)))


def run_all(out: str, config: Any, runner: str, places: Places, rendering: Rendering) -> int:
    """All stages of a run. Returns how many problems `validate` finds.

    Raises:
        ViewpointError: shards are missing at the end.
    """
    from viewpoint100k.audit import quick_look
    from viewpoint100k.run import Run
    from viewpoint100k.runners.local import default_workers
    from viewpoint100k.validate import validate_dataset

    with Run(out) as run, disk_errors(out):
        with counting("Checking objects") as progress:
            made = run.plan(config, progress)
        render_missing(out, run, made, config, runner_named(runner), places, rendering)
        manifest = run.finalize()
        report = validate_dataset(run.folder, rendering.workers or default_workers())
        print_problems(report.problems)
        print_summary(out, manifest, run.rejects(), run.status(made, {}).done, len(report.problems))
        if not report.problems:
            print_would_fail(out, quick_look(run.folder, config.seed))
    return len(report.problems)


def render_missing(
    out: str,
    run: Any,
    made: Any,
    config: Any,
    run_shards: Any,
    places: Places,
    rendering: Rendering,
) -> None:
    """Have the shards made that are missing, with a progress bar.

    Raises:
        ViewpointError: some are missing still.
    """
    from viewpoint100k.identity import code_of_shard

    known: dict[int, Any] = {}
    missing = [shard.number for shard in run.status(made, known).missing]
    here = code_of_shard(made.code)
    if missing and here != made.code:
        told = f"This run was planned by {made.code}. The missing shards are made by {here}, and say so"
        err_console.print(told, soft_wrap=True, highlight=False)
    remote = run.folder != Path(out)
    command = ["render-shard", out if remote else str(run.folder.absolute()), "--quiet"]
    if rendering.devices:
        slots, options = local_slots(config, missing, rendering)
        places = places._replace(slots=slots)
        command += options
    else:
        command += render_options(places.cpus, places.gpus)
    if rendering.engine_python:
        command += ["--engine-python", rendering.engine_python]
    with RunBar(lambda: run.status(made, known), REMOTE_LOOK_S if remote else 1.0) as bar:
        failed = run_shards(command, missing, places, run.logs, bar.update) if missing else {}
        bar.update(now=True)
    still = run.status(made, known).missing
    if still:
        raise unfinished(run.logs, len(still), len(made.shards), list(failed.values()))


def local_slots(config: Any, missing: list[int], rendering: Rendering) -> tuple[list[Any], list[str]]:
    """How the shards are shared out on this machine: an environment for each that runs at a time, and
    options.
    """
    devices = list(rendering.devices)
    name_devices(rendering.device, devices)
    on_gpus = any(device.environment() for device in devices)
    if missing and on_gpus:
        with tempfile.TemporaryDirectory() as scratch:
            warm(devices, config.render, Path(scratch), rendering.engine_python)
    count = rendering.count_workers()
    # few shards, of which one is the largest: all processes work on one at a time
    together = not on_gpus and len(missing) < 2 * count
    places = 1 if together else min(count, len(missing))
    each = count if together else max(1, count // max(len(missing), 1))
    slots = [devices[place % len(devices)].environment() for place in range(places)]
    return slots, ["--device", "gpu" if on_gpus else "cpu", "--workers", str(each)]


@app.command("doctor", rich_help_panel="Check and look")
def doctor_command(
    out: Annotated[str, typer.Argument(metavar="OUT", help="Where datasets will be written.")] = ".",
    engine_python: PythonOption = None,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print JSON, for a bug report. It holds no token.")
    ] = False,
) -> None:
    """Say what this machine has for making datasets, what is missing, and what to do. Exit 1 if something
    is red.

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
    """List and check the objects, plan the shards, and say how many `render-shard` has to make.

    [bold]viewpoint100k plan OUT --pairs 100000 --source my-models/[/bold]
    [bold]viewpoint100k plan s3://bucket/run --preset viewpoint-6dof[/bold]
    """
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
        int,
        typer.Option(
            min=1, help="How many processes render this shard. The bytes are the same with any number."
        ),
    ] = 1,
    device: DeviceOption = "auto",
    quiet: Annotated[bool, typer.Option("--quiet", help="Print nothing but errors.")] = False,
) -> None:
    """Make one shard: what a process pool, a Ray task, a SLURM array and a Kubernetes job all run.

    [bold]viewpoint100k render-shard OUT --shard 12[/bold]
    [bold]viewpoint100k render-shard s3://bucket/run --shard 12 --workers 4[/bold]
    """
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
        size = f"{receipt.bytes / 1e6:.1f} MB"
        out_console.print(f"{receipt.name}: {receipt.samples} pairs, {receipt.questions} questions, {size}")


WatchOption = Annotated[
    Optional[float],
    typer.Option(
        min=0.1,
        metavar="SECONDS",
        help="Look again every SECONDS seconds, until the run is done.",
        show_default=False,
    ),
]


@app.command("status", rich_help_panel="Stages of generate")
def status_command(
    out: RunArgument,
    watch: WatchOption = None,
    missing: Annotated[
        bool,
        typer.Option("--missing", help="Print only the shards to run again, as sbatch --array takes them."),
    ] = False,
    html: Annotated[
        Optional[Path], typer.Option(metavar="FILE", help="Write a page.", show_default=False)
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Say which shards are done, running, failed and missing, and how fast each machine is; from the files
    alone.

    [bold]viewpoint100k status OUT --watch 10[/bold]
    [bold]sbatch --array=$(viewpoint100k status OUT --missing) job.sbatch[/bold]
    """
    from viewpoint100k import monitor
    from viewpoint100k.run import Run

    known: dict[int, Any] = {}
    with Run(out) as run:
        made = run.read_plan()
        while True:
            now = run.status(made, known)
            report = monitor.make_report(now, run.rejects(), run.fetching())
            if html is not None:
                with disk_errors(html):
                    monitor.write_page(report, out, html, watch or 0)
            if as_json:
                print(report.model_dump_json(), flush=True)
            elif missing:
                print_missing(report)
            else:
                print_report(report, anew=bool(watch) and out_console.is_terminal)
            if watch is None or not now.missing:
                break
            time.sleep(watch)


@app.command("finalize", rich_help_panel="Stages of generate")
def finalize_command(out: RunArgument) -> None:
    """Write manifest, attribution and card of a complete run.

    [bold]viewpoint100k finalize OUT[/bold]
    [bold]viewpoint100k finalize s3://bucket/run[/bold]
    """
    from viewpoint100k.run import Run

    with Run(out) as run, disk_errors(out):
        manifest = run.finalize()
    out_console.print(
        f"{manifest.samples} pairs, {manifest.questions} questions, {len(manifest.shards)} shards"
    )


@app.command("requestion", rich_help_panel="Stages of generate")
def requestion_command(
    dataset: DatasetArgument,
    out: Annotated[
        Path, typer.Argument(metavar="OUT", help="A new folder for the dataset with its new questions.")
    ],
    overrides: SetOption = None,
) -> None:
    """Ask new questions about the pairs of a dataset: other wordings, forms of answers or margins. Nothing is
    rendered.

    --set takes settings of questions.* and gates.* only.

    [bold]viewpoint100k requestion my-dataset reworded --set questions.templates=mine.yaml[/bold]
    [bold]viewpoint100k requestion my-dataset letters --set questions.other_forms=0[/bold]
    """
    from viewpoint100k.requestion import requestion

    with disk_errors(out):
        manifest = requestion(dataset, out, overrides or ())
    out_console.print(
        f"{manifest.samples} pairs, {manifest.questions} questions, {len(manifest.shards)} shards in {out}"
    )
