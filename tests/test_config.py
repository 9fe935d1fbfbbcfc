"""Settings: presets, overrides, and errors that name the field."""

import importlib.util
import re
from operator import attrgetter
from pathlib import Path

import pytest
import yaml

from viewpoint100k.config import (
    QUALITIES,
    RunConfig,
    all_settings,
    config_hash,
    load_config,
    load_config_tree,
    preset_names,
    preset_renderer,
    read_config,
    write_config,
)
from viewpoint100k.errors import InputError


@pytest.mark.parametrize("preset", preset_names())
def test_every_shipped_preset_loads_and_survives_a_round_trip(preset, tmp_path):
    config = load_config(preset)
    (tmp_path / "config.yaml").write_text(write_config(config))
    assert read_config(tmp_path / "config.yaml") == config
    assert config.preset == preset


def test_every_shipped_preset_names_the_renderer_it_was_released_with_and_that_is_no_setting():
    for preset in preset_names():
        assert re.fullmatch(r"bpy \d+\.\d+\.\d+( LTS)?", preset_renderer(preset)), preset
        assert "released_with" not in load_config(preset).model_dump()


def test_overrides_reach_nested_fields_and_win_over_the_preset():
    config = load_config(
        "smoke", ["render.samples=3", "plan.motions.orbits=0.25", "plan.hfov_deg.low=61"], pairs=5
    )
    assert (config.render.samples, config.plan.motions.orbits, config.plan.hfov_deg.low, config.pairs) == (
        3,
        0.25,
        61,
        5,
    )
    assert config.render.size_px == load_config("smoke").render.size_px


def test_a_yaml_file_of_ones_own_is_a_preset(tmp_path):
    (tmp_path / "mine.yaml").write_text("pairs: 9\nrender: {samples: 2}\n")
    config = load_config(str(tmp_path / "mine.yaml"))
    assert (config.preset, config.pairs, config.render.samples) == ("mine", 9, 2)


@pytest.mark.parametrize(
    ("override", "words"),
    [
        ("render.sample=8", ["render.sample", "samples"]),
        ("nothing.at_all=1", ["nothing"]),
        ("render.samples=many", ["render.samples", "'many'"]),
        ("render.samples=0", ["render.samples", "greater than or equal to 1"]),
        ("plan.motions.right=-1", ["plan.motions.right"]),
        ("plan.motions.yaw=1.5", ["plan.motions.yaw", "less than or equal to 1"]),
        ("plan.families.orbit=1", ["plan.families", "motions"]),
        ("questions.other_forms=1.5", ["questions.other_forms"]),
        ("gates.tilt_grey_deg={low: 9, high: 8}", ["gates.tilt_grey_deg", "above"]),
        ("plan.hfov_deg.low=99", ["plan.hfov_deg", "above"]),
        ("render.samples", ["expected a.b=value"]),
        ("pairs.x=1", ["pairs"]),
        ("render.samples=.nan", ["render.samples"]),
        ("render.denoise=false", ["render.denoise", "quality"]),
        ("render.quality=best", ["render.quality", "'draft', 'default', 'high' or 'reference'"]),
        ("render.relit_share=1.5", ["render.relit_share"]),
        ("render.backgrounds.hdri=-1", ["render.backgrounds.hdri"]),
        ("render.backgrounds.sea=1", ["render.backgrounds.sea", "gradient", "ground"]),
        (
            "render.backgrounds={hdri: 0, blurred: 0, plain: 0, gradient: 0, ground: 0, panorama: 0, place: 0}",
            ["render.backgrounds", "at least one"],
        ),
        ("render.cpu_limit_s=0", ["render.cpu_limit_s"]),
        ("plan.zoom.low=0", ["plan.zoom", "from 1 to 10"]),
        ("plan.hfov_deg.high=180", ["plan.hfov_deg", "from 1 to 170"]),
        ("gates.size_grey.low=0.9", ["gates.size_grey", "from 1 to 10"]),
        ("plan.scenes.events=0.5", ["plan.scenes is null", "--set plan.scenes={}"]),
    ],
)
def test_a_wrong_override_is_an_error_that_names_the_field(override, words):
    with pytest.raises(InputError) as error:
        load_config("smoke", [override])
    assert all(word in str(error.value) for word in words), error.value


def test_an_unknown_preset_names_the_known_ones():
    with pytest.raises(InputError, match="viewpoint-100k"):
        load_config("smok")


@pytest.mark.parametrize("text", ["- a list\n", "a: [", "render: 7\n"])
def test_a_broken_preset_file_is_an_error_that_names_it(text, tmp_path):
    (tmp_path / "broken.yaml").write_text(text)
    with pytest.raises(InputError, match="broken"):
        load_config(str(tmp_path / "broken.yaml"))


def test_a_missing_preset_file_is_an_error_that_names_it(tmp_path):
    with pytest.raises(InputError, match=r"gone\.yaml"):
        load_config(str(tmp_path / "gone.yaml"))


def test_the_hash_names_every_setting_but_not_where_a_folder_lies():
    one = load_config(source="/here/models")
    assert config_hash(one) == config_hash(load_config(source="/there/models"))
    assert config_hash(one) != config_hash(load_config(source="builtin:"))
    assert config_hash(one) != config_hash(
        load_config(source="/here/models", overrides=["render.samples=17"])
    )


def test_a_better_quality_takes_more_paths_and_only_the_reference_does_without_the_denoiser():
    settings = {
        name: load_config(overrides=[f"render.quality={name}"]).render.settings() for name in QUALITIES
    }
    assert list(settings) == ["draft", "default", "high", "reference"]
    samples = [one.samples for one in settings.values()]
    assert samples == sorted(set(samples))
    assert [one.denoise for one in settings.values()] == [True, True, True, False]
    assert settings["reference"].adaptive_threshold == 0
    assert load_config().render.settings() == settings["default"]


def test_a_number_of_samples_of_ones_own_changes_nothing_else_of_the_quality():
    for name, quality in QUALITIES.items():
        mine = load_config(overrides=[f"render.quality={name}", "render.samples=3"]).render.settings()
        assert mine == quality._replace(samples=3)


@pytest.mark.parametrize(
    ("mistyped", "nearest"),
    [
        ("render.sample", "render.samples"),
        ("plan.motions.rigth", "plan.motions.right"),
        ("plan.hfov_deg.lo", "plan.hfov_deg.low"),
        ("plan.scenes.event", "plan.scenes.events"),
        ("plan.yaw", "plan.motions.yaw"),  # of another section
        ("gates.orbit_deg", "plan.orbit_deg"),
        ("renders.samples", "render"),  # a section
        ("pair", "pairs"),
    ],
)
def test_a_mistyped_setting_is_told_the_nearest_one(mistyped, nearest):
    with pytest.raises(InputError, match=rf"did you mean {re.escape(nearest)}\?"):
        load_config("scenes", [f"{mistyped}=1"])


@pytest.mark.parametrize("unlike", ["plan.scenes.xyzzy", "plan.families", "nothing"])
def test_a_setting_that_is_like_no_other_is_told_those_of_its_section_alone(unlike):
    with pytest.raises(
        InputError, match=rf"there is no setting {re.escape(unlike)}; there are \w+, "
    ) as error:
        load_config("scenes", [f"{unlike}=1"])
    assert "did you mean" not in str(error.value)


def test_a_section_that_is_off_can_be_switched_on_and_set():
    config = load_config("viewpoint-6dof", ["plan.scenes={}", "plan.scenes.events=0.5"])
    assert config.plan.scenes is not None
    assert config.plan.scenes.events == 0.5


def test_a_setting_that_is_no_more_is_refused_by_name_in_a_dataset_made_with_it():
    tree = load_config("viewpoint-6dof").model_dump(mode="json")
    assert load_config_tree(tree) == load_config("viewpoint-6dof")
    tree["plan"]["motions"]["zoom_ahead"] = 0.5
    with pytest.raises(InputError, match=r"no setting plan\.motions\.zoom_ahead.*manifest\.json"):
        load_config_tree(tree)


# --- what is said of each setting ------------------------------------------------------------------


def _leaves(tree, prefix=""):
    """Dotted names of all values of a dumped configuration; a range is one value."""
    for name, value in tree.items():
        if isinstance(value, dict) and value.keys() != {"low", "high"}:
            yield from _leaves(value, f"{prefix}{name}.")
        else:
            yield prefix + name


def test_all_settings_are_those_that_are_written_for_a_run():
    written = yaml.safe_load(write_config(load_config("scenes", ["photos={}"])))
    sections = {"plan.scenes", "photos"}  # that may be left out
    assert [one.name for one in all_settings() if one.name not in sections] == list(_leaves(written))


@pytest.mark.parametrize("one", list(all_settings()), ids=lambda one: one.name)
def test_every_setting_has_a_unit_and_whole_sentences_that_say_what_it_is_and_why(one):
    text = one.description
    assert one.unit
    assert text
    assert re.fullmatch(r"[A-Z].*\.", text), text
    assert "  " not in text
    assert len(text.split()) >= 8, text


def test_every_section_says_what_it_is_about():
    for section in {one.section for one in all_settings()}:
        assert re.match(r"[A-Z][^.]+\.", section.__doc__ or ""), section


def _docs_settings():
    path = Path(__file__).resolve().parents[1] / "docs" / "settings.py"
    spec = importlib.util.spec_from_file_location("docs_settings", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_settings_page_is_what_its_script_writes():
    script = _docs_settings()
    assert script.PAGE.read_text(encoding="utf-8") == script.page(), "run `python docs/settings.py`"


def _cells():
    """The settings page read as a reader would: dotted name -> cells of its row."""
    section, rows = "", {}
    for line in _docs_settings().PAGE.read_text(encoding="utf-8").splitlines():
        if line.startswith("## "):
            section = "".join(re.findall(r"`(.+)`", line))
        elif line.startswith("| `"):
            cells = [cell.strip() for cell in line.strip("|").split(" | ")]
            rows[".".join(filter(None, [section, cells[0].strip("` ")]))] = cells
    return rows


def test_the_settings_page_names_each_setting_once_with_its_text():
    rows = _cells()
    assert sorted(rows) == sorted(one.name for one in all_settings())
    for one in all_settings():
        assert rows[one.name][3:5] == [one.unit, one.description]


def test_the_settings_page_says_which_presets_differ():
    rows = _cells()
    assert "`smoke`: 256" in rows["render.size_px"][5]
    assert "`scenes`: 16 to 42" in rows["plan.elevation_deg"][5]
    assert rows["render.jpeg_quality"][1:3] == ["92", "50 to 100"]
    for name, cells in rows.items():
        if name == "preset" or name.startswith(("plan.scenes.", "photos.")):
            continue
        for preset in preset_names():
            value, default = (attrgetter(name)(config) for config in (load_config(preset), RunConfig()))
            assert (f"`{preset}`:" in cells[5]) == (value != default), (name, preset)
