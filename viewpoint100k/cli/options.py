"""Arguments and options that several commands share."""

import os
from pathlib import Path
from typing import Annotated, Any, Optional

import typer

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
    typer.Option(
        min=0, help="So many shards at a time.", show_default="as many as fit", rich_help_panel=FARM
    ),
]
CpusOption = Annotated[
    int, typer.Option("--cpus-per-shard", min=1, help="Cores that a shard renders on.", rich_help_panel=FARM)
]
GpusOption = Annotated[
    int,
    typer.Option(
        "--gpus-per-shard",
        min=0,
        help="GPUs that a shard renders on; 0: the processor.",
        rich_help_panel=FARM,
    ),
]
RetriesOption = Annotated[
    int, typer.Option(min=0, help="Of a shard that was killed or lost its machine.", rich_help_panel=FARM)
]
DatasetArgument = Annotated[
    Path, typer.Argument(help="A folder that `viewpoint100k generate` wrote.", show_default=False)
]
PresetOption = Annotated[
    str, typer.Option(help="smoke, viewpoint-100k, viewpoint-6dof, or a FILE.yaml of your own.")
]
SourceOption = Annotated[
    Optional[str],
    typer.Option(
        help="builtin: (made by our code), a folder of .glb/.gltf, objaverse:lvis or objaverse:all.",
        show_default="the preset's",
    ),
]
PairsOption = Annotated[
    Optional[int], typer.Option(help="Exactly so many pairs.", show_default="the preset's")
]
SeedOption = Annotated[
    Optional[int], typer.Option(help="Same seed, same bytes.", show_default="the preset's")
]
SetOption = Annotated[
    Optional[list[str]],
    typer.Option(
        "--set",
        help="Override one setting, for instance render.samples=8; docs/settings.md lists all. May be given often.",
        show_default=False,
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
    Optional[str],
    typer.Option(help="Another Python (3.13 or 3.11) that has bpy, to render with.", show_default="this one"),
]
DeviceOption = Annotated[
    str,
    typer.Option(help="auto: the GPUs that Cycles finds, else the processor; cpu; or gpu: fail without one."),
]
WorkersOption = Annotated[
    Optional[int],
    typer.Option(min=1, help="Render processes.", show_default="one per GPU, else one per core"),
]
ListedArgument = Annotated[
    str,
    typer.Argument(
        metavar="SOURCE",
        help="builtin:, a folder of .glb/.gltf, objaverse:lvis or objaverse:all.",
        show_default=False,
    ),
]
CountOption = Annotated[
    int, typer.Option(min=1, help="So many of an endless source; a folder is read whole.")
]
DrawSeedOption = Annotated[int, typer.Option(min=0, help="Which objects of an endless source.")]
JsonOption = Annotated[bool, typer.Option("--json", help="One JSON object a line.")]


def resolved_config(preset: str, overrides: list[str] | None, allow: str | None, **fields: Any) -> Any:
    """The settings of a run as the options give them."""
    from viewpoint100k.config import load_config, public_source
    from viewpoint100k.objects.credit import allowed_licences

    if allow is not None:
        fields["licences"] = allowed_licences(allow)
    config = load_config(preset, overrides or [], **fields)
    if public_source(config.source) == "folder":  # the run may be taken up again from another folder
        config = config.model_copy(update={"source": os.path.abspath(config.source)})
    return config
