"""Commands that print what other machines run: a SLURM array, a Kubernetes Job."""

from pathlib import Path
from typing import Annotated, Optional

import typer

from viewpoint100k.cli.options import (
    FARM,
    AtATimeOption,
    CpusOption,
    GpusOption,
    PythonOption,
    RetriesOption,
    RunArgument,
)
from viewpoint100k.cli.places import render_options
from viewpoint100k.errors import InputError, shell_line
from viewpoint100k.runners import Places

app = typer.Typer()


@app.command("slurm", rich_help_panel=FARM)
def slurm_command(
    out: RunArgument,
    at_a_time: AtATimeOption = 0,
    cpus: CpusOption = 1,
    gpus: GpusOption = 0,
    engine_python: PythonOption = None,
    sbatch: Annotated[
        Optional[list[str]],
        typer.Option(
            help="An option for #SBATCH, such as --partition=long. May be repeated.", show_default=False
        ),
    ] = None,
) -> None:
    """Print the job array that makes the missing shards, for you to read, change and submit.

    [bold]viewpoint100k slurm OUT --at-a-time 64 > job.sbatch && sbatch job.sbatch[/bold]
    [bold]viewpoint100k slurm OUT --gpus-per-shard 1 --sbatch=--partition=gpu > job.sbatch[/bold]
    """
    from viewpoint100k import monitor
    from viewpoint100k.run import Run
    from viewpoint100k.runners.slurm import sbatch_script

    with Run(out) as run:
        report = monitor.make_report(run.status(run.read_plan(), {}), [])
        if not report.missing:
            raise InputError(f"nothing is missing in {out}: go on with `{shell_line('finalize', out)}`")
        places = Places((), at_a_time, cpus, gpus, options=tuple(sbatch or ()))
        where = out if run.folder != Path(out) else str(run.folder.absolute())
        command = ["render-shard", where, "--quiet", *render_options(cpus, gpus)]
        command += ["--engine-python", engine_python] if engine_python else []
        run.logs.mkdir(parents=True, exist_ok=True)
        print(sbatch_script(command, report.missing, places, run.logs), end="")


MemoryOption = Annotated[
    str, typer.Option(help="Memory of a pod. A render process takes up to 2.5 GB, usually 0.8.")
]
ClaimOption = Annotated[
    str,
    typer.Option(help="The PersistentVolumeClaim to mount at OUT, if OUT is not a URL.", show_default=False),
]
SecretOption = Annotated[
    str, typer.Option(help="A Secret whose keys become environment variables.", show_default=False)
]
EnvOption = Annotated[
    Optional[list[str]],
    typer.Option(help="A variable for the pods, as NAME=VALUE. May be repeated.", show_default=False),
]


@app.command("k8s", rich_help_panel=FARM)
def k8s_command(
    out: RunArgument,
    image: Annotated[
        str, typer.Option(help="A container image with viewpoint100k\\[render,s3]; see docs/farm.md.")
    ],
    name: Annotated[str, typer.Option(help="Name of the Kubernetes Job.")] = "viewpoint100k",
    at_a_time: AtATimeOption = 0,
    cpus: CpusOption = 1,
    gpus: GpusOption = 0,
    memory: MemoryOption = "4Gi",
    retries: RetriesOption = 3,
    claim: ClaimOption = "",
    secret: SecretOption = "",
    env: EnvOption = None,
) -> None:
    """Print the manifest of a Kubernetes Indexed Job that makes the shards of a planned run.

    [bold]viewpoint100k k8s s3://bucket/run --image my/viewpoint100k > job.yaml[/bold]
    [bold]viewpoint100k k8s /data/run --image my/viewpoint100k --claim data > job.yaml[/bold]
    """
    from viewpoint100k.run import Run
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
