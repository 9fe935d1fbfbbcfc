"""Arguments and options that several commands share."""

from pathlib import Path
from typing import Annotated, Any, Optional

import typer

# Completion answers before anything else is imported, so these names stand here; a test compares them.
PRESETS = ("scenes", "smoke", "viewpoint-100k", "viewpoint-6dof", "viewpoint-sets")
DEVICES = ("auto", "cpu", "gpu")

RunArgument = Annotated[
    str,
    typer.Argument(
        metavar="OUT",
        help="The dataset folder, or a URL such as s3://bucket/run. The state of the run is kept in "
        "OUT/.run.",
        show_default=False,
    ),
]
FARM = "On other machines"
DryRunOption = Annotated[
    bool, typer.Option("--dry-run", help="Say what would be made and what it would cost. Write nothing.")
]
RunnerOption = Annotated[
    str,
    typer.Option(
        help="Who runs the shards: local, ray or slurm. See docs/farm.md.",
        rich_help_panel=FARM,
        autocompletion=lambda: ["local", "ray", "slurm"],
    ),
]
AddressOption = Annotated[
    str,
    typer.Option(
        help="Address of a Ray cluster: auto, host:port or ray://.",
        show_default="start one here",
        rich_help_panel=FARM,
    ),
]
SbatchOption = Annotated[
    Optional[list[str]],
    typer.Option(
        help="An option for SLURM, such as --sbatch=--partition=long. May be repeated.",
        show_default=False,
        rich_help_panel=FARM,
    ),
]
AtATimeOption = Annotated[
    int,
    typer.Option(
        min=0, help="How many shards to run at once.", show_default="as many as fit", rich_help_panel=FARM
    ),
]
CpusOption = Annotated[
    int, typer.Option("--cpus-per-shard", min=1, help="How many cores each shard gets.", rich_help_panel=FARM)
]
GpusOption = Annotated[
    int,
    typer.Option(
        "--gpus-per-shard",
        min=0,
        help="How many GPUs each shard gets. With 0 it renders on the processor.",
        rich_help_panel=FARM,
    ),
]
RetriesOption = Annotated[
    int,
    typer.Option(
        min=0,
        help="How often to retry a shard that was killed or whose machine was lost.",
        rich_help_panel=FARM,
    ),
]
DatasetArgument = Annotated[
    Path,
    typer.Argument(
        help="A dataset folder, as `generate`, `photos` or `requestion` wrote it.", show_default=False
    ),
]
PresetOption = Annotated[
    str,
    typer.Option(
        help="What to make: smoke, viewpoint-6dof, viewpoint-100k, viewpoint-sets, scenes, or a FILE.yaml "
        "of your own.",
        autocompletion=lambda: list(PRESETS),
    ),
]
SourceOption = Annotated[
    Optional[str],
    typer.Option(
        help="Where objects come from: builtin: (made by our code), a folder of .glb/.gltf, "
        "objaverse:lvis, "
        "objaverse:all or objaverse-xl:PART.",
        show_default="the preset's",
    ),
]
PairsOption = Annotated[
    Optional[int], typer.Option(help="How many pairs to make, exactly.", show_default="the preset's")
]
SeedOption = Annotated[
    Optional[int],
    typer.Option(
        help="Seed of every random choice: the same seed gives the same bytes.", show_default="the preset's"
    ),
]
SetOption = Annotated[
    Optional[list[str]],
    typer.Option(
        "--set",
        help="Change one setting, for instance render.samples=8. docs/settings.md lists them all. May be "
        "repeated.",
        show_default=False,
    ),
]
AllowOption = Annotated[
    Optional[str],
    typer.Option(
        metavar="LICENCES",
        help="Use only objects under these licences, separated by commas: cc0, by, by-sa, by-nc, ... (any "
        "version), "
        "or SPDX names.",
        show_default="all but no-derivatives",
    ),
]
PythonOption = Annotated[
    Optional[str],
    typer.Option(
        help="Render with another Python (3.13 or 3.11), one that has bpy.", show_default="this one"
    ),
]
DeviceOption = Annotated[
    str,
    typer.Option(
        help="auto renders on the GPUs that Cycles finds, or else on the processor; gpu fails without a "
        "GPU; cpu.",
        autocompletion=lambda: list(DEVICES),
    ),
]
WorkersOption = Annotated[
    Optional[int],
    typer.Option(
        min=1, help="How many processes render at once.", show_default="one per GPU, else one per core"
    ),
]
ListedArgument = Annotated[
    str,
    typer.Argument(
        metavar="SOURCE",
        help="Where objects come from: builtin:, a folder of .glb/.gltf, objaverse:lvis, objaverse:all "
        "or objaverse-xl:PART.",
        show_default=False,
    ),
]
CountOption = Annotated[
    int, typer.Option(min=1, help="How many objects to take from an endless source. A folder is read whole.")
]
DrawSeedOption = Annotated[int, typer.Option(min=0, help="Seed of the choice from an endless source.")]
JsonOption = Annotated[bool, typer.Option("--json", help="Print one JSON object a line.")]


def resolved_config(preset: str, overrides: list[str] | None, allow: str | None, **fields: Any) -> Any:
    """The settings of a run as the options give them."""
    from viewpoint100k.config import load_config
    from viewpoint100k.objects.credit import allowed_licences
    from viewpoint100k.run import with_absolute_source

    if allow is not None:
        fields["licences"] = allowed_licences(allow)
    return with_absolute_source(load_config(preset, overrides or [], **fields))
