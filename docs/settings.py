"""Writes docs/settings.md from the code: `python docs/settings.py`."""

from itertools import groupby
from pathlib import Path
from typing import Any, get_args, get_origin

from pydantic import AfterValidator

from viewpoint100k.config import (
    Range,
    Setting,
    Within,
    all_settings,
    load_config,
    preset_names,
    preset_renderer,
)

PAGE = Path(__file__).parent / "settings.md"
HEAD = """# Settings

`--set plan.pairs_per_object=6` changes one setting, and may be repeated; for one end of a range write `--set plan.hfov_deg.low=55`. A
YAML file with only what differs from the defaults is a preset of your own: `--preset mine.yaml`. Values are checked before anything is
rendered; a name that does not exist is refused, and the nearest one is suggested. The settings of a run are in `OUT/.run/config.yaml`, those of
a dataset in its `manifest.json`. `requestion` changes `questions.*` and `gates.*` without rendering.

*Allowed* are the values that are accepted, not those that make sense together. Presets are named where they differ from the default.
Written by `python docs/settings.py` from [config.py](../viewpoint100k/config.py).
"""
COLUMNS = "| setting | default | allowed | unit | what it does, and why this default | presets that differ |\n|---|---|---|---|---|---|\n"
SIGNS = {"ge": "≥", "gt": ">", "le": "≤", "lt": "<"}
LARGE = 2**40  # powers of two from here on are written as such


def page() -> str:
    """The whole page as Markdown."""
    released = ", ".join(sorted({preset_renderer(name) for name in preset_names()}))
    presets = {name: load_config(name).model_dump(mode="json") for name in preset_names()}
    parts = [
        HEAD
        + f"The presets of this version were released with {released}; each file says so (`released_with`).\n"
    ]
    for name, group in groupby(_ordered(), key=lambda one: one.name.rpartition(".")[0]):
        members = list(group)
        title = f"## `{name}`\n\n{_text(members[0].section.__doc__)}" if name else "## The run as a whole"
        parts += [f"\n{title}\n\n", COLUMNS, *(_row(one, presets) for one in members)]
    return "".join(parts)


def _ordered() -> list[Setting]:
    """Section by section, each in the order of the code: sections within one come after its own settings."""
    every = list(all_settings())
    sections = list(dict.fromkeys(one.name.rpartition(".")[0] for one in every))
    inside = sorted(sections, key=lambda name: (_place(name, sections), name.count(".")))
    return [one for name in inside for one in every if one.name.rpartition(".")[0] == name]


def _place(name: str, sections: list[str]) -> int:
    top = name.partition(".")[0]
    return min(place for place, one in enumerate(sections) if one.partition(".")[0] == top)


def _row(one: Setting, presets: dict[str, Any]) -> str:
    label = one.name.rpartition(".")[2]
    cells = [
        f"`{label}`",
        _value(_dumped(one.field.default)),
        _allowed(one),
        one.unit,
        _text(one.description),
    ]
    return f"| {' | '.join([*cells, _differing(one, presets)])} |\n"


def _dumped(value: Any) -> Any:
    return value.model_dump() if isinstance(value, Range) else value


def _value(value: Any) -> str:
    """A value as one would write it after `--set`."""
    if isinstance(value, dict) and value.keys() == Range.model_fields.keys():
        return f"{_number(value['low'])} to {_number(value['high'])}"
    if isinstance(value, dict):
        return "on"
    if isinstance(value, list):
        return ", ".join(map(_value, value)) or "none"
    if value is None or isinstance(value, bool):
        return {None: "null", True: "true", False: "false"}[value]
    return f"`{value}`" if isinstance(value, str) else _number(value)


def _number(value: float) -> str:
    if value >= LARGE and float(value).hex().startswith("0x1.0000000000000p"):
        return f"2^{int(value).bit_length() - 1}"
    return f"{value:,}" if isinstance(value, int) else f"{value:g}"


def _allowed(one: Setting) -> str:
    """What the field takes, from its bounds and its type."""
    bounds = {
        name: _number(getattr(mark, name))
        for mark in one.field.metadata
        for name in SIGNS
        if hasattr(mark, name)
    }
    if bounds.keys() == {"ge", "le"}:
        parts = [f"{bounds['ge']} to {bounds['le']}"]
    else:
        parts = [f"{SIGNS[name]} {bound}" for name, bound in bounds.items()]
    for mark in one.field.metadata:
        if isinstance(mark, AfterValidator) and isinstance(mark.func, Within):
            parts.append(f"{_number(mark.func.least)} ≤ low ≤ high ≤ {_number(mark.func.most)}")
    if one.field.annotation is bool:
        return "true, false"
    kinds = get_args(one.field.annotation)
    if get_origin(one.field.annotation) is list:
        kinds = get_args(kinds[0])  # of its members
    parts += [f"`{name}`" for name in kinds if isinstance(name, str)]
    return ", ".join([*(parts or ["any"]), *(["null"] if type(None) in kinds else [])])


def _differing(one: Setting, presets: dict[str, Any]) -> str:
    """`preset`: its value, for those in which it is another."""
    if one.name == "preset":
        return "each its own name"
    found = {name: _at(tree, one.name) for name, tree in presets.items()}
    mine = _dumped(one.field.default)
    return "; ".join(
        f"`{name}`: {_value(value)}" for name, (there, value) in found.items() if there and value != mine
    )


def _at(tree: Any, name: str) -> tuple[bool, Any]:
    """Whether a preset has a setting, and its value: the sections that it has switched off are not there."""
    for part in name.split("."):
        if not isinstance(tree, dict):
            return False, None
        tree = tree[part]
    return True, tree


def _text(text: str | None) -> str:
    return " ".join((text or "").split()).replace("|", "\\|")


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
