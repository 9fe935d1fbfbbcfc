"""Each format, read back by what its tool reads with: columns, letters, pictures, and the reward."""

import ast
import base64
import importlib.util
import io
import json
from pathlib import Path

import pytest
import yaml
from PIL import Image
from support.audit_sets import changed, make_samples, with_questions, write_dataset

from viewpoint100k.drawing import draws
from viewpoint100k.errors import InputError
from viewpoint100k.export import FORMATS, export
from viewpoint100k.shards import iter_samples


@pytest.fixture(scope="module")
def train(dataset):
    return [
        (one, question) for one in iter_samples(dataset, "train") for question in one.sample.fair_questions
    ]


@pytest.fixture(autouse=True)
def own_cache(tmp_path, monkeypatch):
    datasets = pytest.importorskip("datasets", reason="needs the extra [publish]")
    monkeypatch.setattr(datasets.config, "HF_DATASETS_CACHE", tmp_path / "cache")


def pictures_wanted(question):
    return len(question.images) + bool(question.map_cameras)


def decoded(data):
    return Image.open(io.BytesIO(data)).convert("RGB")


def load_module(path):
    spec = importlib.util.spec_from_file_location(path.stem, path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_vlmevalkit_reads_a_row_per_question_with_options_and_leaves_numbers_out(dataset, train, tmp_path):
    """As its custom multiple-choice set does: pandas over tabs, the cell of several pictures a list in Python's notation."""
    pandas = pytest.importorskip("pandas")
    done = export(dataset, "vlmevalkit", tmp_path / "out", "train")
    table = pandas.read_csv(tmp_path / "out" / "viewpoint100k_train.tsv", sep="\t")
    asked = [(one, q) for one, q in train if q.options]
    assert (done.questions, done.left_out) == (len(asked), len(train) - len(asked))
    assert done.left_out > 0
    letters = list("ABCDEFGHIJ"[: max(len(question.options) for _, question in asked)])
    others = ["answer", "category", "l2-category", "question_id", "split", "image"]
    assert list(table.columns) == ["index", "question", *letters, *others]
    assert table["index"].is_unique and pandas.api.types.is_integer_dtype(table["index"])
    assert list(table["question_id"]) == [question.id for _, question in asked]
    assert set(table["split"]) == {"train"}
    for (one, question), (_, row) in zip(asked, table.iterrows(), strict=True):
        options = [row[letter] for letter in "ABCDEFGHIJ" if letter in row and not pandas.isna(row[letter])]
        assert [str(option) for option in options] == question.options
        assert row["answer"] == "ABCDEFGHIJ"[question.answer_index]
        assert row["category"] == question.type
        assert "\n" not in row["question"] and question.prompt.startswith(row["question"])
        cells = ast.literal_eval(row["image"]) if row["image"].startswith("[") else [row["image"]]
        assert len(cells) == pictures_wanted(question) and all(len(cell) > 64 for cell in cells)
        if not draws(question):
            assert [base64.b64decode(cell) for cell in cells] == [
                one.images[view] for view in question.images
            ]


def test_vlmevalkit_keeps_pictures_of_two_datasets_apart(tmp_path):
    """It stores them by `index`, and looks no further where one is stored: same pictures, same number, and
    another number for a question of the same name about other pictures.
    """
    pandas = pytest.importorskip("pandas")
    one, other = (
        write_dataset(tmp_path / str(seed), make_samples(objects=8, pairs=1, seed=seed, size_px=32))
        for seed in (1, 2)
    )
    indices = {}
    for name, data in (("first", one), ("again", one), ("other", other)):
        export(data, "vlmevalkit", tmp_path / name, "train")
        table = pandas.read_csv(tmp_path / name / "viewpoint100k_train.tsv", sep="\t")
        indices[name] = dict(zip(table["question_id"], table["index"], strict=True))
    assert indices["first"] == indices["again"]
    shared = indices["first"].keys() & indices["other"].keys()
    assert shared and all(indices["first"][name] != indices["other"][name] for name in shared)
    assert all(index < 2**53 for index in indices["first"].values())  # as a float holds it


@pytest.mark.parametrize("option", ["None", "12"])
def test_an_option_that_pandas_would_not_read_as_text_is_refused(option, tmp_path):
    def reworded(question):
        if not question.options:
            return {}
        words = [option if place == 0 else text for place, text in enumerate(question.options)]
        return {"options": words}

    samples = make_samples(objects=8, pairs=1, seed=1, size_px=32)
    data = write_dataset(tmp_path / "data", [with_questions(one, reworded) for one in samples])
    with pytest.raises(InputError, match=f"the option '{option}' for an empty cell or a number"):
        export(data, "vlmevalkit", tmp_path / "out", "train")


def test_only_the_types_that_are_named_are_written(dataset, train, tmp_path):
    kept = {"ego_translation", "ego_rotation"}
    wanted = [question.id for _, question in train if question.type in kept]
    done = export(dataset, "llamafactory", tmp_path / "out", "train", kept)
    rows = json.loads((tmp_path / "out" / "viewpoint100k_train.json").read_text())
    assert done.questions == len(wanted) and 0 < len(wanted) < len(train)
    assert [row["id"] for row in rows] == wanted
    with pytest.raises(InputError, match=r"--type ego_rotations: expected some of .*ego_rotation"):
        export(dataset, "openai", tmp_path / "other", "train", ["ego_rotations"])


def test_lmms_eval_finds_a_task_that_loads_asks_and_scores(dataset, train, tmp_path):
    import datasets

    export(dataset, "lmms-eval", tmp_path / "out", "train")

    class Loader(yaml.SafeLoader):
        pass

    Loader.add_constructor("!function", lambda loader, node: loader.construct_scalar(node))
    task = yaml.load((tmp_path / "out" / "viewpoint100k_train.yaml").read_text(), Loader)
    data = datasets.load_dataset(task["dataset_path"], **task["dataset_kwargs"])[task["test_split"]]
    utils = load_module(tmp_path / "out" / "utils.py")
    names = [task[key].split(".")[1] for key in ("doc_to_visual", "doc_to_text", "process_results")]
    visual, text, score = (getattr(utils, name) for name in names)
    assert task["task"] == "viewpoint100k_train" and task["output_type"] == "generate_until"
    metric = task["metric_list"][0]["metric"]
    assert len(data) == len(train)
    for doc, (_, question) in zip(data, train, strict=True):
        assert text(doc, task["lmms_eval_specific_kwargs"]["default"]) == question.prompt
        assert [picture.mode for picture in visual(doc)] == ["RGB"] * pictures_wanted(question)
        assert score(doc, [question.answer]) == {metric: 1.0}
        assert score(doc, ["I cannot tell"]) == {metric: 0.0}


def test_llamafactory_finds_every_picture_and_as_many_places_for_them(dataset, train, tmp_path):
    """By the columns its README documents: `images` as paths in the media folder, `<image>` once for each."""
    out = tmp_path / "out"
    export(dataset, "llamafactory", out)
    info = json.loads((out / "dataset_info.json").read_text())["viewpoint100k_train"]
    assert info["formatting"] == "sharegpt"
    rows = json.loads((out / info["file_name"]).read_text())
    assert len(rows) == len(train)
    for row, (one, question) in zip(rows, train, strict=True):
        human, gpt = row[info["columns"]["messages"]]
        paths = row[info["columns"]["images"]]
        assert (human["from"], gpt["from"]) == ("human", "gpt")
        assert human["value"] == "<image>" * len(paths) + question.prompt
        assert gpt["value"] == question.answer
        assert len(paths) == pictures_wanted(question)
        if not draws(question):
            assert [(out / path).read_bytes() for path in paths] == [
                one.images[view] for view in question.images
            ]
        else:
            assert all(decoded((out / path).read_bytes()).width for path in paths)


def test_ms_swift_finds_messages_and_a_place_for_each_picture(dataset, train, tmp_path):
    """As its page on custom datasets has it: `messages`, and `images` as paths, wherever it is run from."""
    out = tmp_path / "out"
    export(dataset, "ms-swift", out)
    rows = [json.loads(line) for line in (out / "viewpoint100k_train.jsonl").read_text().splitlines()]
    assert len(rows) == len(train)
    for row, (one, question) in zip(rows, train, strict=True):
        asked, said = row["messages"]
        assert asked == {"role": "user", "content": "<image>" * len(row["images"]) + question.prompt}
        assert said == {"role": "assistant", "content": question.answer}
        pictures = [Path(path).read_bytes() for path in row["images"]]
        assert len(pictures) == pictures_wanted(question)
        if not draws(question):
            assert pictures == [one.images[view] for view in question.images]


def test_openai_has_pictures_as_addresses_of_data(dataset, train, tmp_path):
    export(dataset, "openai", tmp_path / "out")
    lines = (tmp_path / "out" / "viewpoint100k_train.jsonl").read_text().splitlines()
    assert len(lines) == len(train)
    for line, (one, question) in zip(lines, train, strict=True):
        asked, said = json.loads(line)["messages"]
        *parts, text = asked["content"]
        assert text == {"type": "text", "text": question.prompt}
        assert (asked["role"], said) == ("user", {"role": "assistant", "content": question.answer})
        addresses = [part["image_url"]["url"] for part in parts]
        assert all(address.startswith("data:image/jpeg;base64,") for address in addresses)
        pictures = [base64.b64decode(address.split(",")[1]) for address in addresses]
        assert len(pictures) == pictures_wanted(question)
        if not draws(question):
            assert pictures == [one.images[view] for view in question.images]


def test_a_prompt_that_holds_a_place_for_a_picture_is_not_exported(tmp_path):
    from support import audit_sets

    samples = audit_sets.make_samples(objects=3, pairs=2, seed=1, size_px=32)
    one = next(one for one in samples if one.sample.fair_questions)
    questions = [q.model_copy(update={"prompt": q.prompt + " <image>"}) for q in one.sample.questions]
    folder = audit_sets.write_dataset(tmp_path / "data", [audit_sets.changed(one, questions=questions)])
    with pytest.raises(InputError, match="its prompt holds <image>"):
        export(folder, "openai", tmp_path / "out", one.sample.split)


def test_verl_reads_prompts_pictures_and_truth_and_its_reward_pays_for_the_right_answer(
    dataset, train, tmp_path
):
    """Read as its RLHFDataset does, with `datasets`; the prompt is split at its placeholders as it does."""
    import datasets

    export(dataset, "verl", tmp_path / "out")
    data = datasets.load_dataset("parquet", data_files=str(tmp_path / "out" / "train.parquet"))["train"]
    reward = load_module(tmp_path / "out" / "reward.py").compute_score
    assert len(data) == len(train)
    for row, (_, question) in zip(data, train, strict=True):
        assert row["prompt"][0]["content"].count("<image>") == len(row["images"]) == pictures_wanted(question)
        assert row["prompt"][0]["content"].endswith(question.prompt)
        assert all(isinstance(picture, Image.Image) for picture in row["images"])
        assert row["reward_model"] == {"style": "rule", "ground_truth": question.answer}
        asked = row["data_source"], row["reward_model"]["ground_truth"], row["extra_info"]
        assert reward(asked[0], f"<think>hm</think><answer>{question.answer}</answer>", *asked[1:]) == 1
        assert reward(asked[0], "no idea", *asked[1:]) == 0


@pytest.mark.parametrize("to", FORMATS)
def test_a_dot_is_in_the_picture_that_is_exported(to, dotted, tmp_path):
    """The middle of a red dot is red; the picture of the shard is not, or nothing was drawn."""
    import datasets

    questions = [question for one in iter_samples(dotted, "train") for question in one.sample.fair_questions]
    question = next(q for q in questions if q.marks and (q.options or to != "vlmevalkit"))
    export(dotted, to, tmp_path / "out", "train")
    match to:
        case "vlmevalkit":
            pandas = pytest.importorskip("pandas")
            table = pandas.read_csv(tmp_path / "out" / "viewpoint100k_train.tsv", sep="\t").set_index(
                "question_id"
            )
            cell = table.loc[question.id, "image"]
            data = base64.b64decode(ast.literal_eval(cell)[0] if cell.startswith("[") else cell)
            picture = decoded(data)
        case "ms-swift" | "openai":
            lines = (tmp_path / "out" / "viewpoint100k_train.jsonl").read_text().splitlines()
            row = json.loads(lines[questions.index(question)])
            if to == "openai":
                address = row["messages"][0]["content"][0]["image_url"]["url"]
                picture = decoded(base64.b64decode(address.split(",")[1]))
            else:
                picture = decoded(Path(row["images"][0]).read_bytes())
        case "llamafactory":
            rows = json.loads((tmp_path / "out" / "viewpoint100k_train.json").read_text())
            row = next(row for row in rows if row["id"] == question.id)
            picture = decoded((tmp_path / "out" / row["images"][0]).read_bytes())
        case _:
            data = datasets.load_dataset("parquet", data_files=str(tmp_path / "out" / "train.parquet"))[
                "train"
            ]
            row = next(
                r
                for r in data
                if question.id in (r.get("question_id"), r.get("extra_info", {}).get("question_id"))
            )
            picture = row["images"][0].convert("RGB")
    mark = question.marks[0]
    red, green, blue = picture.getpixel((int(mark.x), int(mark.y)))
    assert red > 120 and red > 1.5 * max(green, blue), (red, green, blue)


def test_a_split_without_a_fair_question_is_no_benchmark_of_no_question(tmp_path):
    def beside(stored):
        asked = [question.model_copy(update={"fair": False}) for question in stored.sample.questions]
        return changed(stored, questions=asked)

    stored = [beside(one) for one in make_samples(objects=8, pairs=1, seed=1, size_px=32)]
    data = write_dataset(tmp_path / "data", stored)
    for to in FORMATS:
        with pytest.raises(InputError, match=r"no question of its split .* is of the balanced subset"):
            export(data, to, tmp_path / to, "train")
        assert not (tmp_path / to).exists()


def test_what_cannot_be_exported_is_an_error(dataset, tmp_path):
    with pytest.raises(InputError, match="expected vlmevalkit"):
        export(dataset, "csv", tmp_path / "a")
    with pytest.raises(InputError, match="no shards of nowhere: it has test, train"):
        export(dataset, "verl", tmp_path / "b", "nowhere")
    (tmp_path / "c").mkdir()
    (tmp_path / "c" / "mine.txt").write_text("mine")
    with pytest.raises(InputError, match="not an empty folder"):
        export(dataset, "verl", tmp_path / "c")
