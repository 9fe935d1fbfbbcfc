"""Settings: presets, overrides, and errors that name the field."""

import pytest

from viewpoint100k.config import QUALITIES, config_hash, load_config, preset_names, read_config, write_config
from viewpoint100k.errors import InputError


@pytest.mark.parametrize("preset", preset_names())
def test_every_shipped_preset_loads_and_survives_a_round_trip(preset, tmp_path):
    config = load_config(preset)
    (tmp_path / "config.yaml").write_text(write_config(config))
    assert read_config(tmp_path / "config.yaml") == config
    assert config.preset == preset


def test_overrides_reach_nested_fields_and_win_over_the_preset():
    config = load_config("smoke", ["render.samples=3", "plan.motions.orbits=0.25", "plan.hfov_deg.low=61"], pairs=5)
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
            "render.backgrounds={hdri: 0, blurred: 0, plain: 0, gradient: 0, ground: 0}",
            ["render.backgrounds", "at least one"],
        ),
        ("render.cpu_limit_s=0", ["render.cpu_limit_s"]),
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
    assert config_hash(one) != config_hash(load_config(source="/here/models", overrides=["render.samples=17"]))


def test_a_better_quality_takes_more_paths_and_only_the_reference_does_without_the_denoiser():
    settings = {name: load_config(overrides=[f"render.quality={name}"]).render.settings() for name in QUALITIES}
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
