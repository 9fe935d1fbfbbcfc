"""The classifier and its tower: what it learns from painted pairs, and the small LLaVA that takes the tower
over.
"""

import numpy as np
import pytest

pytest.importorskip("trl", reason="needs the extra [train]")

import torch

from trainers import grpo, predict, probe, sft, tower
from trainers.cli import config_path
from trainers.tiny import TinyArguments, build, texts_of
from viewpoint100k import InputError, load_questions


@pytest.fixture(autouse=True)
def own_cache(tmp_path, monkeypatch):
    import datasets

    monkeypatch.setattr(datasets.config, "HF_DATASETS_CACHE", tmp_path / "cache")
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


def painted(n, seed):
    """Pairs in which a bright square goes left or right: the label is where it goes."""
    rng = np.random.default_rng(seed)
    pictures, signs = np.zeros((n, 2, 16, 16, 3), np.uint8), rng.choice([-1, 1], n)
    for i, sign in enumerate(signs):
        at, row = rng.integers(5, 8), rng.integers(2, 10)
        pictures[i, 0, row : row + 4, at : at + 4] = 255
        pictures[i, 1, row : row + 4, at + 3 * sign : at + 4 + 3 * sign] = 255
    return probe.Pairs(pictures, signs[:, None].astype(float), np.array(["painted"] * n))


def test_a_probe_learns_from_both_pictures_and_from_none_it_learns_nothing():
    data, tests = painted(256, 0), {"unseen": painted(200, 1)}
    _, found = probe.train(data, tests, samples=32 * 60, batch=32)
    assert found["unseen"].accuracy > 0.9 and found["unseen"].by_family == {
        "painted": (found["unseen"].accuracy, 200)
    }
    _, blind = probe.train(data, tests, samples=32 * 4, batch=32, images="none")
    assert 0.35 < blind["unseen"].accuracy < 0.65


def test_several_questions_are_learned_at_once_and_one_that_is_not_asked_does_not_count(tmp_path):
    def both_ways(n, seed):  # the second question is asked of half, and answered the other way around
        pairs = painted(n, seed)
        other = np.where(np.arange(n)[:, None] % 2, np.nan, -pairs.labels)
        return pairs._replace(labels=np.concatenate([pairs.labels, other], axis=1))

    unseen = both_ways(200, 1)
    trained, found = probe.train(both_ways(256, 0), {"unseen": unseen}, samples=32 * 60, batch=32)
    assert found["unseen"].n == 300 and found["unseen"].accuracy > 0.9
    right = probe.hits(trained, unseen, swap=True)
    assert np.nanmean(right, axis=0).min() > 0.9 and np.isnan(right[1::2, 1]).all()
    probe.save(trained, tmp_path)
    assert np.array_equal(probe.hits(probe.restore(tmp_path), unseen, swap=True), right, equal_nan=True)


def test_places_are_compared_with_those_around_them_in_the_other_picture():
    one, other = (torch.randn(2, 5, 6, 7, generator=torch.Generator().manual_seed(i)) for i in (0, 1))
    down, across = tower.REACH
    found = tower.matches(one, other)
    for row, column in ((0, 0), (3, 4), (5, 6)):
        for shift in range(found.shape[1]):
            y, x = row + shift // (2 * across + 1) - down, column + shift % (2 * across + 1) - across
            inside = 0 <= y < 6 and 0 <= x < 7
            expected = (one[:, :, row, column] * other[:, :, y, x]).sum(1) if inside else torch.zeros(2)
            assert torch.allclose(found[:, shift, row, column], expected, atol=1e-5)


def test_the_tower_compares_pictures_of_the_same_question_only():
    torch.manual_seed(0)
    model = tower.ConvTower(tower.TowerConfig(image_size=16)).eval()
    pictures = torch.randn(5, 3, 16, 16)
    with torch.no_grad():
        every = model(pictures).last_hidden_state
        assert torch.allclose(every[2:4], model(pictures[2:4]).last_hidden_state, atol=1e-5)
        assert torch.allclose(every[2:4].flip(0), model(pictures[2:4].flip(0)).last_hidden_state, atol=1e-5)
        assert not torch.allclose(every[2:3], model(pictures[[2, 0]]).last_hidden_state[:1], atol=1e-3)
        assert torch.allclose(
            every[4:], model(pictures[4:]).last_hidden_state, atol=1e-5
        )  # alone: with itself


def test_a_type_that_is_not_there_is_refused(dataset):
    with pytest.raises(InputError, match="no question of type which_view to learn from"):
        probe.load_pairs(str(dataset), "train", "which_view", 16)


def test_a_small_llava_takes_the_tower_over_and_goes_through_both_stages(dataset, tmp_path):
    """The way of benchmarks/learning.py in a few steps."""
    given = [
        "--samples",
        "128",
        "--size_px",
        "32",
        "--split",
        "train",
        "--score",
        "all",
        "--tower",
        tmp_path / "tower",
    ]
    assert probe.main([str(dataset), *map(str, given)])["n"] > 0
    texts = texts_of(load_questions(dataset, streaming=True, fair=False).remove_columns("images"))
    arguments = TinyArguments(
        out=str(tmp_path / "tiny"),
        data="",
        kind="llava",
        size_px=32,
        hidden=64,
        layers=1,
        tower=str(tmp_path / "tower"),
    )
    tiny = build(arguments, texts)
    more = [
        "--config",
        str(config_path("tiny_cpu")),
        "--data",
        str(dataset),
        "--freeze",
        "vision",
        "--max_steps",
        "1",
    ]
    trainer = sft.main(
        *sft.parser().parse_args_and_config(
            [*more, "--model_name_or_path", str(tiny), "--output_dir", str(tmp_path / "sft")]
        )
    )
    kept = probe.ConvTower.from_pretrained(tmp_path / "tower").state_dict()
    trained = trainer.model.model.vision_tower.state_dict()
    assert all(torch.equal(kept[name], trained[name]) for name in kept)
    reinforced = grpo.main(
        *grpo.parser().parse_args_and_config(
            [*more, "--model_name_or_path", str(tmp_path / "sft"), "--output_dir", str(tmp_path / "grpo"),
             "--beta", "0.01",
             "--num_generations", "4", "--max_completion_length", "4", "--think_ratio", "1"]
        )
    )  # fmt: skip
    assert any("kl" in entry for entry in reinforced.state.log_history)  # there is a reference model
    said = tmp_path / "said.jsonl"
    assert predict.main(
        predict.PredictArguments(model=str(tmp_path / "grpo"), data=str(dataset), out=str(said),
            split="train", limit=3, max_new_tokens=3)
    ) == 3  # fmt: skip
