"""Streams and tables of questions: what is in them, who reads what, and that a stream goes on where it stopped."""

import io
import json
import tarfile

import numpy as np
import pytest
import yaml
from PIL import Image
from scipy.spatial.transform import Rotation

from viewpoint100k import InputError, load_questions
from viewpoint100k.drawing import draws, shown
from viewpoint100k.index import write_index
from viewpoint100k.load import COLUMNS, KNOWN, _kept
from viewpoint100k.shards import iter_samples, shard_paths

datasets = pytest.importorskip("datasets", reason="needs the extra [publish]")


@pytest.fixture(scope="module")
def several(dotted, tmp_path_factory):
    """The train split of the rendered dataset in four shards, so that there is something to share and to shuffle."""
    from viewpoint100k.shards import write_shard

    out = tmp_path_factory.mktemp("several") / "data"
    out.mkdir()
    head = yaml.safe_load((dotted / "README.md").read_text("utf-8").split("---\n")[1])
    head["configs"][0]["data_files"] = [{"split": "train", "path": "train-*.tar"}]
    (out / "README.md").write_text(f"---\n{yaml.safe_dump(head, sort_keys=False)}---\n")
    samples = list(iter_samples(dotted, "train"))
    for number in range(4):
        write_shard(out / f"train-{number:05d}-of-00004.tar", out, samples[number::4])
    return out


@pytest.fixture(autouse=True)
def own_cache(tmp_path, monkeypatch):
    monkeypatch.setattr(datasets.config, "HF_DATASETS_CACHE", tmp_path / "cache")


def ids(rows):
    return [row["question_id"] for row in rows]


def stored_ids(folder, split="train"):
    return [question.id for one in iter_samples(folder, split) for question in one.sample.fair_questions]


def stream(folder, **more):
    return load_questions(folder, streaming=True, **more)


def test_a_stream_and_a_table_hold_every_question_in_order(several):
    assert ids(stream(several)) == ids(load_questions(several)) == stored_ids(several)


def test_what_a_row_shows_is_what_the_question_draws(several):
    """Against the pictures of the shard, drawn into here; a table's drawn pictures are JPEG again, so nearly the same."""
    table = {row["question_id"]: row["images"] for row in load_questions(several)}
    drawn = 0
    for row, (stored, question) in zip(
        stream(several), ((s, q) for s in iter_samples(several) for q in s.sample.fair_questions), strict=True
    ):
        pictures = [Image.open(io.BytesIO(data)).convert("RGB") for data in stored.images]
        expected = [np.asarray(picture).astype(int) for picture in shown(question, pictures)]
        assert all((np.asarray(a) == b).all() for a, b in zip(row["images"], expected, strict=True))
        for picture, right in zip(table[question.id], expected, strict=True):
            assert np.abs(np.asarray(picture) - right).mean() < (3 if draws(question) else 1e-9)
        drawn += draws(question)
    assert drawn > 5


def test_a_sample_is_decoded_once_for_all_its_questions_in_a_stream(several, monkeypatch):
    from viewpoint100k import load

    decoded, decode = [], load.decode
    monkeypatch.setattr(load, "decode", lambda data, name: decoded.append(data) or decode(data, name))
    rows = ids(stream(several))
    views = sum(len(one.images) for one in iter_samples(several))
    assert len(decoded) <= views < 2 * len(rows)


@pytest.mark.parametrize("streaming", [True, False])
def test_a_row_says_how_the_camera_moved_between_the_two_views_it_shows(several, streaming):
    """Places by scipy, turns by the published truth; shown in the other order, all turns are the other way."""
    stored = {q.id: (one.sample, q) for one in iter_samples(several) for q in one.sample.questions}
    orders = set()
    for row in load_questions(several, streaming=streaming, fair=False):
        sample, question = stored[row["question_id"]]
        if len(question.images) != 2 or question.mirrored:
            assert row["motion"] is None
            continue
        orders.add(tuple(question.images))
        first, second = (np.array(sample.views[view].world_from_camera) for view in question.images)
        moved = Rotation.from_matrix(first[:3, :3]).inv().apply(second[:3, 3] - first[:3, 3])
        assert row["motion"][:3] == pytest.approx(moved / np.linalg.norm(first[:3, 3]), abs=1e-5)
        truth = sample.truth
        turns = np.array([truth.yaw_deg, truth.pitch_deg, truth.roll_deg])
        if sorted(question.images) == [0, 1]:
            assert row["motion"][3:] == pytest.approx(turns if question.images[0] == 0 else -turns, abs=1e-4)
    assert (0, 1) in orders


@pytest.mark.parametrize("streaming", [True, False])
def test_filters_keep_what_they_name_and_nothing_else(several, streaming):
    everything = [(s.sample.family, q) for s in iter_samples(several) for q in s.sample.fair_questions]
    kinds, families = {q.type for _, q in everything}, {family for family, _ in everything}
    kind, family = sorted(kinds)[0], sorted(families)[0]
    for filters, keeps in (
        ({"types": kind}, lambda f, q: q.type == kind),
        ({"types": sorted(kinds)[:3]}, lambda f, q: q.type in sorted(kinds)[:3]),
        ({"families": [family]}, lambda f, q: f == family),
        ({"tiers": "A"}, lambda f, q: q.tier == "A"),
        ({"tiers": ["B"], "families": family}, lambda f, q: q.tier == "B" and f == family),
    ):
        expected = [question.id for f, question in everything if keeps(f, question)]
        assert ids(load_questions(several, streaming=streaming, **filters)) == expected


@pytest.mark.parametrize("streaming", [True, False])
def test_all_questions_are_there_for_whoever_asks_and_rows_say_which_are_fair(several, streaming):
    asked = [question for one in iter_samples(several) for question in one.sample.questions]
    rows = list(load_questions(several, streaming=streaming, fair=False))
    assert [(row["question_id"], row["fair"]) for row in rows] == [(one.id, one.fair) for one in asked]
    assert 0.1 * len(rows) < sum(row["fair"] for row in rows) < 0.8 * len(rows)


@pytest.mark.parametrize("streaming", [True, False])
def test_types_that_are_never_fair_are_refused_with_the_remedy_which_gives_their_questions(
    several, streaming
):
    with pytest.raises(InputError, match=r"roll: .* never of the balanced subset.* fair=False"):
        load_questions(several, streaming=streaming, types=["roll"])
    rolls = [q.id for one in iter_samples(several) for q in one.sample.questions if q.type == "roll"]
    assert rolls and ids(load_questions(several, streaming=streaming, types=["roll"], fair=False)) == rolls
    beside = load_questions(several, streaming=streaming, types=["roll", "ego_translation"])
    assert {row["type"] for row in beside} == {"ego_translation"}


def test_a_sample_of_an_earlier_version_has_only_fair_questions():
    old = {"family": "orbit", "questions": [{"type": "pitch", "tier": "B"}]}
    assert [one["fair"] for one in _kept(old, {"fair": [True]})] == [True]


def test_an_unknown_name_is_an_error_that_lists_the_known_ones(several):
    for given in ({"tiers": "Z"}, {"types": ["ego_translatoin"]}, {"families": "orbits"}):
        with pytest.raises(InputError, match=f"{next(iter(given))}: there is no .*expected some of"):
            load_questions(several, **given)
    with pytest.raises(InputError, match="rank"):
        load_questions(several, rank=2, world_size=2)
    with pytest.raises(InputError, match="cannot load split 'test'"):
        stream(several, split="test")
    with pytest.raises(InputError, match="cannot load"):
        stream(several / "nowhere")


@pytest.mark.parametrize("world_size", [2, 3, 4, 5])
@pytest.mark.parametrize("more", [{}, {"shuffle_seed": 7}])
def test_nodes_read_disjoint_questions_that_together_are_all(several, world_size, more):
    parts = [ids(stream(several, rank=rank, world_size=world_size, **more)) for rank in range(world_size)]
    together = sorted(name for part in parts for name in part)
    assert together == sorted(stored_ids(several))
    assert all(parts)


def test_nodes_share_a_table_too(several):
    parts = [ids(load_questions(several, rank=rank, world_size=2, shuffle_seed=1)) for rank in range(2)]
    assert sorted(parts[0] + parts[1]) == sorted(stored_ids(several))


def test_a_seed_shuffles_the_same_way_twice_and_another_otherwise(several):
    one, same, other = (ids(stream(several, shuffle_seed=seed)) for seed in (3, 3, 4))
    assert one == same != other
    assert sorted(one) == sorted(other) == sorted(stored_ids(several))
    assert ids(load_questions(several, shuffle_seed=3)) not in (stored_ids(several), one)


@pytest.mark.parametrize("taken", [0, 1, 2, 7, 30, 60])
@pytest.mark.parametrize("more", [{}, {"shuffle_seed": 3, "shuffle_buffer": 1}, {"rank": 1, "world_size": 3}])
def test_a_stream_resumed_after_k_questions_goes_on_with_the_next(several, taken, more):
    everything = ids(stream(several, **more))
    first = stream(several, **more)
    rows = iter(first)
    for _ in range(min(taken, len(everything))):
        next(rows)
    state = json.loads(json.dumps(first.state_dict()))  # as a checkpoint keeps it
    second = stream(several, **more)
    second.load_state_dict(state)
    assert ids(second) == everything[taken:]


def test_two_loader_workers_read_every_question_once(several):
    data = pytest.importorskip("torch.utils.data")
    loader = data.DataLoader(stream(several), batch_size=4, num_workers=2, collate_fn=ids)
    assert sorted(name for batch in loader for name in batch) == sorted(stored_ids(several))


# --- the index -------------------------------------------------------------------------------------


def test_the_index_has_a_row_per_question_with_what_the_shards_say(dataset):
    parquet = pytest.importorskip("pyarrow.parquet")
    for split in ("train", "validation", "test"):
        rows = parquet.read_table(dataset / "index" / f"{split}.parquet").to_pylist()
        stored = [
            (one, question) for one in iter_samples(dataset, split) for question in one.sample.questions
        ]
        assert len(rows) == len(stored)
        for row, (one, question) in zip(rows, stored, strict=True):
            sample = one.sample
            assert (row["key"], row["uid"], row["licence"]) == (
                one.key,
                sample.object.uid,
                sample.object.licence,
            )
            assert (row["id"], row["options"], row["answer"]) == (
                question.id,
                question.options,
                question.answer,
            )
            assert row["value"] == question.value and row["yaw_deg"] == sample.truth.yaw_deg
            pose = np.array(row["view_1_world_from_camera"]).reshape(4, 4)
            assert (pose == np.array(sample.views[1].world_from_camera)).all()
            with tarfile.open(dataset / row["shard"]) as tar:
                assert f"{one.key}.json" in tar.getnames()


def test_the_index_is_the_same_bytes_when_written_again(dataset, several):
    write_index(several)
    first = (several / "index" / "train.parquet").read_bytes()
    assert write_index(several) == sum(len(one.sample.questions) for one in iter_samples(several))
    assert (several / "index" / "train.parquet").read_bytes() == first
    assert {path.name for path in shard_paths(several)} == {f"train-0000{i}-of-00004.tar" for i in range(4)}
    assert ids(stream(several)) == stored_ids(several)  # it is in nobody's way


def test_the_index_answers_the_query_that_the_docs_show(dataset):
    """By pyarrow, which is here: how many questions of each type, and how decidable."""
    parquet = pytest.importorskip("pyarrow.parquet")
    table = parquet.read_table(dataset / "index" / "train.parquet", columns=["type", "decidability"])
    grouped = table.group_by("type").aggregate([("type", "count"), ("decidability", "mean")]).to_pydict()
    counts = dict(zip(grouped["type"], grouped["type_count"], strict=True))
    stored = [question.type for one in iter_samples(dataset, "train") for question in one.sample.questions]
    assert counts == {name: stored.count(name) for name in set(stored)}


def test_a_table_of_what_nobody_asks_is_empty_and_has_its_columns(several):
    here = {question.type for one in iter_samples(several) for question in one.sample.fair_questions}
    other = min(set(KNOWN["types"]) - here)
    table = load_questions(several, types=other)
    assert len(table) == 0 and table.column_names == list(COLUMNS)
