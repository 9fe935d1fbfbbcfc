"""Every setting, with its unit and the reason for its default; presets and overrides.

A preset is a YAML file that holds only what differs from the defaults here; `--set plan.pairs_per_object=6`
overrides one field. The resolved copy is written into the run folder and is what later stages read.
`docs/settings.md` is written from the descriptions here, by `python docs/settings.py`.

A dataset's manifest holds every setting, and unknown names are refused. So a setting that is taken away makes
each dataset that was made before unreadable for `requestion` and `reproduce`.
"""

import difflib
import hashlib
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from importlib import resources
from itertools import pairwise
from pathlib import Path
from typing import Any, NamedTuple, get_args

import yaml
from pydantic import ValidationError, model_validator
from pydantic.fields import FieldInfo

from viewpoint100k.errors import InputError
from viewpoint100k.records import Record
from viewpoint100k.settings.fields import Range, Section, Within, setting
from viewpoint100k.settings.gates import GateConfig, widened
from viewpoint100k.settings.render import BUNDLED, QUALITIES, Quality, RenderConfig
from viewpoint100k.settings.sources import (
    LISTS,
    MOST_STEPS,
    TABLES,
    XL_PARTS,
    XL_TABLE,
    FileBudgets,
    ObjectsConfig,
    PhotosConfig,
)
from viewpoint100k.settings.views import MotionShares, PlanConfig, ScenesConfig

__all__ = [
    "BUNDLED",
    "LISTS",
    "QUALITIES",
    "TABLES",
    "XL_PARTS",
    "XL_TABLE",
    "FileBudgets",
    "GateConfig",
    "MotionShares",
    "ObjectsConfig",
    "PhotosConfig",
    "PlanConfig",
    "Quality",
    "QuestionConfig",
    "Range",
    "RenderConfig",
    "RunConfig",
    "ScenesConfig",
    "Setting",
    "Within",
    "all_settings",
    "config_hash",
    "is_hub_id",
    "known_hashes",
    "load_config",
    "load_config_tree",
    "load_photos_config",
    "preset_names",
    "preset_renderer",
    "public_source",
    "public_tree",
    "read_config",
    "widened",
    "write_config",
]  # sections too: settings are imported from here

ENDS = (".low", ".high")  # of a range
RELEASED_WITH = "released_with"  # in the file of a preset: the renderer that it was released with
# names that may mean the same, as difflib compares them
ALIKE_BESIDE = 0.65
ALIKE_ELSEWHERE = 0.8


class QuestionConfig(Section):
    """How questions are worded and answered."""

    templates: str | None = setting(None, "path")
    """YAML file with wordings of your own. null: those that ship with the tool."""
    other_forms: float = setting(0.25, "share of questions", ge=0, le=1)
    """Questions answered by number, in words or in JSON instead of by letter. A quarter keeps a model from
    learning letters alone, while most answers stay easy to score."""


class ShardConfig(Section):
    """How a dataset is cut into files."""

    pairs_per_shard: int | None = setting(None, "pairs", ge=1)
    """Pairs in one shard. null: 1,000, or more where shards would get fewer than three objects each.
    Questions are balanced within a shard; in smaller ones chance leaves more uneven, so more questions are
    left out."""


class RunConfig(Section):
    """One run. `viewpoint100k generate` writes the resolved copy to OUT/.run/config.yaml."""

    preset: str = setting("smoke", "name")
    """Name of the preset that the run began with, for the record. Chosen by `--preset`; the default is done
    soonest."""
    source: str = setting("builtin:", "name or path")
    """Where objects come from: `builtin:` (made by our code, so that nothing need be downloaded), a folder of
    .glb and .gltf files, `objaverse:lvis`, `objaverse:all`, or `objaverse-xl:` with a part of it or a table
    (see docs/objects.md)."""
    pairs: int = setting(48, "pairs", ge=1)
    """How many pairs, or sets of views, the dataset has in all. 48 take minutes on two cores."""
    seed: int = setting(0, "integer", ge=0, lt=2**63)
    """Where all random numbers begin: the same seed gives the same bytes. 0 is as good as any other."""
    licences: list[str] | None = setting(None, "list of names")
    """Licences that objects may be under. null: all but no-derivatives, for a rendered picture is derived
    from the object. `--allow` takes short names."""
    grown_from: list[int] = setting([], "list of pairs")
    """How many pairs the dataset had before it grew, first to last. Written by `generate` when it is given a
    larger `pairs` for a run; the pairs that were there stay as they are."""
    objects: ObjectsConfig = ObjectsConfig()
    files: FileBudgets = FileBudgets()
    plan: PlanConfig = PlanConfig()
    render: RenderConfig = RenderConfig()
    gates: GateConfig = GateConfig()
    photos: PhotosConfig | None = setting(None, "section")
    """Use photographs with known poses, as the section `photos` says. null: objects are rendered. The command
    `viewpoint100k photos` turns this on."""
    questions: QuestionConfig = QuestionConfig()
    shards: ShardConfig = ShardConfig()

    @model_validator(mode="after")
    def _growing(self) -> "RunConfig":
        sizes = [*self.grown_from, self.pairs]
        if len(sizes) > MOST_STEPS:
            raise ValueError(f"grown_from: the dataset has grown {MOST_STEPS} times; make a new one")
        if any(before >= after for before, after in pairwise(sizes)) or sizes[0] < 1:
            raise ValueError(
                f"grown_from = {self.grown_from}, pairs = {self.pairs}: expected growing numbers"
            )
        return self

    def steps(self) -> list["RunConfig"]:
        """The settings of the run at each of its sizes, first to last; one if it never grew."""
        sizes = [*self.grown_from, self.pairs]
        return [
            self.model_copy(update={"pairs": pairs, "grown_from": sizes[:number]})
            for number, pairs in enumerate(sizes)
        ]


class Setting(NamedTuple):
    """One setting as it is named after `--set`."""

    name: str  # dotted
    section: type[Section]
    field: FieldInfo

    @property
    def description(self) -> str:
        """In one line."""
        return " ".join((self.field.description or "").split())

    @property
    def unit(self) -> str:
        extra = self.field.json_schema_extra
        return str(extra.get("unit", "")) if isinstance(extra, dict) else ""


def all_settings(section: type[Section] = RunConfig, prefix: str = "") -> Iterator[Setting]:
    """All settings in the order of the code.

    A section that may be left out (`plan.scenes`) is a setting, too.
    """
    for name, field in section.model_fields.items():
        inner = _section_of(field)
        if inner is None or field.json_schema_extra:
            yield Setting(prefix + name, section, field)
        if inner is not None:
            yield from all_settings(inner, f"{prefix}{name}.")


def _section_of(field: FieldInfo) -> type[Section] | None:
    """The section that a field holds, or may hold; None if it is a value. A range is a value of two ends."""
    for kind in (field.annotation, *get_args(field.annotation)):
        if isinstance(kind, type) and issubclass(kind, Section):
            return kind
    return None


def config_hash(config: RunConfig) -> str:
    """Twelve hex digits that name every setting which decides the bytes of a run.

    Not where a folder lies: its objects have hashes of their own, and another machine may mount it elsewhere.
    """
    return tree_hash(public_tree(config))


def tree_hash(tree: Mapping[str, Any]) -> str:
    """`config_hash` of a configuration as a manifest holds it."""
    return hashlib.sha256(json.dumps(tree, sort_keys=True).encode()).hexdigest()[:12]


def known_hashes(tree: Mapping[str, Any]) -> set[str]:
    """`config_hash` of a manifest's configuration at each size that the dataset had, and has."""
    grown_from = tree.get("grown_from")
    if not isinstance(grown_from, list) or len(grown_from) > MOST_STEPS:
        return {tree_hash(tree)}
    sizes = [*grown_from, tree.get("pairs")]
    return {
        tree_hash({**tree, "pairs": pairs, "grown_from": sizes[:number]})
        for number, pairs in enumerate(sizes)
    }


def public_list(name: str) -> str:
    """How a published config names a file of uids or labels: by its name alone, or by its id on the Hub."""
    return name if is_hub_id(name) else Path(name).name


def is_hub_id(name: str) -> bool:
    """Whether a table is named by its id on the Hub: owner/name, and no such file is here."""
    return re.fullmatch(r"[A-Za-z0-9][\w.-]*/[\w-][\w.-]*", name) is not None and not (
        Path(name).suffix in TABLES or Path(name).exists()
    )


def public_tree(config: RunConfig) -> dict[str, Any]:
    """All settings as they are published: a folder of the user's own is called "folder".

    Nothing is said of photographs where objects are rendered.
    """
    tree = config.model_dump(mode="json")
    tree["source"] = public_source(config.source)
    tree["render"]["surroundings"] = list(map(public_surroundings, config.render.surroundings))
    for name in LISTS:
        if tree["objects"][name] is not None:
            tree["objects"][name] = public_list(tree["objects"][name])
    if config.photos is None:
        del tree["photos"]
    return tree


def public_source(source: str) -> str:
    """How a source is named in what is published: never a path."""
    if source.startswith(("builtin:", "objaverse:")):
        return source
    scheme, _, rest = source.partition(":")
    if scheme == "objaverse-xl":
        return source if rest in XL_PARTS else XL_TABLE
    return "photos:" if source.startswith(("photos:", "colmap:", "transforms:")) else "folder"


def public_surroundings(name: str) -> str:
    """How an entry of `render.surroundings` is named in what is published: never a path."""
    return name if name == BUNDLED else "folder"


def preset_names() -> list[str]:
    folder = resources.files("viewpoint100k") / "presets"
    return sorted(
        entry.name.removesuffix(".yaml") for entry in folder.iterdir() if entry.name.endswith(".yaml")
    )


def load_config(preset: str = "smoke", overrides: Sequence[str] = (), **fields: Any) -> RunConfig:
    """The preset (a name, or your own YAML file), then `fields` that are not None, then `a.b=c` overrides.

    Raises:
        InputError: unknown preset or field, or a value of the wrong type or out of range; names the field.
    """
    tree = _merged(RunConfig().model_dump(mode="json"), _preset_tree(preset))
    tree.update({name: value for name, value in fields.items() if value is not None})
    for override in overrides:
        _set(tree, override)
    return _checked(tree, f"preset {preset}")


def load_photos_config(overrides: Sequence[str] = (), **fields: Any) -> RunConfig:
    """The configuration of a dataset of photographs, with `photos` switched on; then as `load_config`."""
    photos = PhotosConfig().model_dump(mode="json")
    return load_config("smoke", ["preset=photos", *overrides], photos=photos, **fields)


def load_config_tree(tree: Mapping[str, Any], overrides: Sequence[str] = ()) -> RunConfig:
    """The configuration that a manifest holds, then `a.b=c` overrides.

    Raises:
        InputError: as `load_config`.
    """
    mine: dict[str, Any] = json.loads(json.dumps(tree))
    for override in overrides:
        _set(mine, override)
    return _checked(mine, "manifest.json")


def read_config(path: Path) -> RunConfig:
    """The resolved configuration of a run folder."""
    return _checked(_read_yaml(path), str(path))


def write_config(config: RunConfig) -> str:
    return str(yaml.safe_dump(config.model_dump(mode="json"), sort_keys=False, allow_unicode=True))


def preset_renderer(preset: str) -> str:
    """The renderer that a preset was released with, for the record; empty if the preset names none.

    It is no setting: any renderer may take a preset, and what a dataset was rendered by is in its manifest.
    """
    return str(_preset_file(preset).get(RELEASED_WITH, ""))


def _preset_tree(preset: str) -> dict[str, Any]:
    """The settings of a preset."""
    tree = _preset_file(preset)
    tree.pop(RELEASED_WITH, None)
    return {"preset": Path(preset).stem if preset.endswith((".yaml", ".yml")) else preset, **tree}


def _preset_file(preset: str) -> dict[str, Any]:
    if preset.endswith((".yaml", ".yml")):
        return _read_yaml(Path(preset))
    if preset not in preset_names():
        raise InputError(
            f"no preset {preset!r}; there are {', '.join(preset_names())}, or pass a FILE.yaml of your own"
        )
    return _read_yaml(Path(str(resources.files("viewpoint100k") / "presets" / f"{preset}.yaml")))


def _merged(base: dict[str, Any], over: dict[str, Any]) -> dict[str, Any]:
    """`over` on top of `base`, section by section; what `base` does not know stays, to be refused by name."""
    sections = {name for name in base if isinstance(base[name], dict) and isinstance(over.get(name), dict)}
    return {**base, **over, **{name: _merged(base[name], over[name]) for name in sections}}


def _read_yaml(path: Path) -> dict[str, Any]:
    try:
        tree = yaml.safe_load(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise InputError(f"cannot read {path}: {error.strerror}") from error
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise InputError(f"{path} is not YAML: {' '.join(str(error).split())}") from error
    if tree is None:
        return {}
    if not isinstance(tree, dict):
        raise InputError(
            f"{path} holds a {type(tree).__name__}; expected sections such as `plan:` and `render:`"
        )
    return tree


def _set(tree: dict[str, Any], override: str) -> None:
    name, separator, text = override.partition("=")
    if not separator or not name.strip():
        raise InputError(f"--set {override}: expected a.b=value, for instance render.samples=8")
    try:
        value = yaml.safe_load(text)
    except yaml.YAMLError as error:
        raise InputError(f"--set {override}: {text!r} is not a YAML value") from error
    *sections, field = name.strip().split(".")
    for depth, section in enumerate(sections, 1):
        inner = tree.setdefault(section, {})
        so_far = ".".join(sections[:depth])
        if inner is None and so_far in _switched_off():
            raise InputError(
                f"--set {override}: {so_far} is null here. Switch it on before: --set {so_far}={{}}"
            )
        if not isinstance(inner, dict):
            raise InputError(f"--set {override}: {section} is a value, not a section")
        tree = inner
    tree[field] = value


def _switched_off() -> list[str]:
    """The sections that are null unless a preset, or somebody, gives them."""
    return [one.name for one in all_settings() if _section_of(one.field) is not None]


def _checked(tree: dict[str, Any], origin: str) -> RunConfig:
    try:
        return RunConfig.model_validate(tree)
    except ValidationError as error:
        first = error.errors()[0]
        name = ".".join(str(part) for part in first["loc"]) or "the configuration"
        if first["type"] == "extra_forbidden":
            what = f"there is no setting {name}; {_neighbours(first['loc'])}"
        else:
            what = f"{name} = {first['input']!r}: {first['msg']}"
        raise InputError(f"{what} (in {origin} with its overrides)") from error


def _neighbours(location: tuple[int | str, ...]) -> str:
    """The settings beside a mistyped one; before them the nearest, if one is near."""
    section: type[Record] = RunConfig
    for part in location[:-1]:
        field = section.model_fields[str(part)]
        section = _section_of(field) or Range
    listed = f"there are {', '.join(section.model_fields)}"
    nearest = _nearest(".".join(map(str, location)))
    return f"did you mean {nearest}? In its section {listed}" if nearest else listed


def _nearest(name: str) -> str | None:
    """What a mistyped name may mean: one beside it that is spelt alike, or a like one in another section."""
    section, _, last = name.rpartition(".")
    known = list(_all_names())
    beside = {one.rpartition(".")[2]: one for one in known if one.rpartition(".")[0] == section}
    anywhere = {one.rpartition(".")[2]: one for one in reversed(known) if not one.endswith(ENDS)}
    for names, alike in ((beside, ALIKE_BESIDE), (anywhere, ALIKE_ELSEWHERE)):
        if found := difflib.get_close_matches(last, names, n=1, cutoff=alike):
            return names[found[0]]
    return None


def _all_names() -> Iterator[str]:
    """Settings, the sections they are in, and the ends of ranges."""
    for one in all_settings():
        parts = one.name.split(".")
        yield from (".".join(parts[:depth]) for depth in range(1, len(parts) + 1))
        if one.field.annotation is Range:
            yield from (one.name + end for end in ENDS)
