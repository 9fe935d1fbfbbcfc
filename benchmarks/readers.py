"""Do the tools that we export for read what we mean? Two calls, as each tool wants libraries of its own:

    python benchmarks/readers.py write DATASET WORK [--split test]    # where viewpoint100k is installed
    python benchmarks/readers.py read FORMAT WORK [--json x.json]     # where the tool of that format is

The first writes each export, and beside it what our own loader says: prompts, answers, and pictures without
loss. The second calls the tool's own code, compares every row (pictures by the mean difference of their
pixels, which is 0 for a stored JPEG and small for one that was drawn into) and prints the tool's version, the
call and three rows. lmms-eval and VLMEvalKit also score the same made-up answers (right, wrong, unreadable;
dressed in several ways), which must come out as `viewpoint100k evaluate` has it. Exit 1 if anything differs.

VLMEvalKit is not on the index: put a checkout on PYTHONPATH.
"""

import argparse
import base64
import importlib
import importlib.metadata
import io
import json
import os
import shutil
import sys
import types
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from PIL import Image

NAME = "viewpoint100k_{split}"
NEAR = 3.0  # levels of 255 by which a picture may differ that was drawn into and packed as JPEG
DRESSINGS = (
    "{letter}",
    "<think>hm</think> <answer>{letter}</answer>",
    "The answer is {letter}.",
    "({letter})",
)


class Read(NamedTuple):
    """A question as a tool has it, once it has read our export."""

    prompt: str
    answer: str
    images: list[Any]  # pictures


class Reader(NamedTuple):
    """A tool: its package, the call that reads, and what calls it."""

    package: str
    call: str
    read: Callable[[Path, str], Iterator[Read]]
    score: Callable[[Path, str], float] | None = None


# --- write: what is exported, and what is meant ----------------------------------------------------


def write(dataset: Path, work: Path, split: str) -> int:
    from viewpoint100k import load_questions
    from viewpoint100k.export import FORMATS, export

    for name in FORMATS:
        shutil.rmtree(work / name, ignore_errors=True)
        done = export(dataset, name, work / name, split)
        print(f"{name}: {done.questions} questions, {done.left_out} left out")
    shutil.rmtree(work / "meant", ignore_errors=True)
    (work / "meant").mkdir()
    meant = list[dict[str, Any]]()
    said = list[dict[str, Any]]()
    for number, row in enumerate(load_questions(dataset, split=split, streaming=True)):
        names = [f"{number}-{place}.png" for place in range(len(row["images"]))]
        for name, picture in zip(names, row["images"], strict=True):
            picture.convert("RGB").save(work / "meant" / name)
        kept = {
            column: row[column] for column in ("question_id", "prompt", "answer", "options", "answer_index")
        }
        meant.append(kept | {"images": names})
        said.append({"question_id": row["question_id"], "prediction": made_up_answer(number, row)})
    (work / "said.jsonl").write_text("\n".join(map(json.dumps, said)) + "\n")
    letters = {row["question_id"] for row in meant if row["options"]}
    only = work / "said_letters.jsonl"
    only.write_text("\n".join(json.dumps(line) for line in said if line["question_id"] in letters) + "\n")
    ours = {
        "split": split,
        "rows": meant,
        "accuracy": accuracy(work / "said.jsonl", dataset),
        "accuracy_letters": accuracy(only, dataset),
    }
    (work / "meant.json").write_text(json.dumps(ours))
    print(f"{len(meant)} questions; made-up answers score {ours['accuracy']:.4f}")
    return 0


def accuracy(said: Path, dataset: Path) -> float:
    """As `viewpoint100k evaluate` has it."""
    from viewpoint100k.evaluate import evaluate

    found = evaluate(said, dataset)[0].accuracy
    if found is None:
        raise SystemExit(f"{said}: no answer belongs to {dataset}")
    return found.value


def made_up_answer(number: int, row: dict[str, Any]) -> str:
    """Two of three right, one of six wrong, one of six unreadable; letters for whoever has options."""
    kind = number % 6
    if kind == 5:
        return "I cannot tell."
    if not row["options"]:
        return str(row["answer"]) if kind < 4 else "1000000"
    place = (row["answer_index"] + (kind == 4)) % len(row["options"])
    said = "ABCDEFGHIJ"[place] if row["answer_form"] != "digit" else str(place + 1)
    return DRESSINGS[number % len(DRESSINGS)].format(letter=said)


# --- read: each tool by its own code ---------------------------------------------------------------


def module(name: str) -> Any:
    """Of a tool that is installed in its own environment only."""
    return importlib.import_module(name)


def read_ms_swift(folder: Path, split: str) -> Iterator[Read]:
    path = folder / f"{NAME.format(split=split)}.jsonl"
    load_image = module("swift.template.vision_utils").load_image
    rows, _ = module("swift.dataset").load_dataset(str(path), strict=True, load_from_cache_file=False)
    for row in rows:
        asked, said = row["messages"]
        pictures = [load_image(image["path"] or image["bytes"]) for image in row["images"]]
        yield Read(_without_places(asked["content"], len(pictures)), said["content"], pictures)


def read_llamafactory(folder: Path, split: str) -> Iterator[Read]:
    module("transformers")  # which looks for torchaudio, and is to find none
    # it imports torchaudio whatever is read, of which each build fits one build of torch
    sys.modules.setdefault("torchaudio", types.ModuleType("torchaudio"))
    loader = module("llamafactory.data.loader")
    parser = module("llamafactory.data.parser")
    hparams = module("llamafactory.hparams")
    data = hparams.DataArguments(
        dataset_dir=str(folder), media_dir=str(folder), dataset=NAME.format(split=split)
    )
    described = parser.get_dataset_list(data.dataset, str(folder))[0]
    model = types.SimpleNamespace(cache_dir=str(folder / "cache"), hf_hub_token=None)
    training = types.SimpleNamespace(dataloader_num_workers=0, local_process_index=0)
    rows = loader._load_single_dataset(described, model, data, training)
    for row in rows:
        pictures = [Image.open(path) for path in row["_images"]]
        asked = row["_prompt"][0]["content"]
        yield Read(_without_places(asked, len(pictures)), row["_response"][0]["content"], pictures)


def read_verl(folder: Path, split: str) -> Iterator[Read]:
    config = module("omegaconf").OmegaConf.create(
        {"filter_overlong_prompts": False, "cache_dir": str(folder / "cache")}
    )
    processor = (
        types.SimpleNamespace()
    )  # it is asked for when prompts are filtered, and otherwise must be there
    rows = module("verl.utils.dataset.rl_dataset").RLHFDataset(
        str(folder / f"{split}.parquet"), tokenizer=None, config=config, processor=processor
    )
    for number in range(len(rows)):
        row = rows[number]
        parts = row["raw_prompt"][0]["content"]
        pictures = [part["image"] for part in parts if part["type"] == "image"]
        text = "".join(part["text"] for part in parts if part["type"] == "text")
        yield Read(text, row["reward_model"]["ground_truth"], pictures)


def read_openai(folder: Path, split: str) -> Iterator[Read]:
    """Its package has no reader of files, but the types of messages; pydantic holds the rows against them."""
    message = module("openai.types.chat").ChatCompletionMessageParam
    checked = module("pydantic").TypeAdapter(list.__class_getitem__(message))
    with open(folder / f"{NAME.format(split=split)}.jsonl", encoding="utf-8") as lines:
        for line in lines:
            asked, said = checked.validate_python(json.loads(line)["messages"])
            parts = list(asked["content"])
            addresses = [part["image_url"]["url"] for part in parts if part["type"] == "image_url"]
            pictures = [
                Image.open(io.BytesIO(base64.b64decode(address.partition(",")[2]))) for address in addresses
            ]
            text = "".join(part["text"] for part in parts if part["type"] == "text")
            yield Read(text, said["content"], pictures)


def _lmms_task(folder: Path, split: str) -> Any:
    tasks = module("lmms_eval.tasks")
    name = NAME.format(split=split)
    manager = tasks.TaskManager(include_path=str(folder), include_defaults=False)
    return manager, name, tasks.get_task_dict([name], manager)[name]


def read_lmms_eval(folder: Path, split: str) -> Iterator[Read]:
    _, _, task = _lmms_task(folder, split)
    for doc in task.test_docs():
        yield Read(task.doc_to_text(doc), task.doc_to_target(doc), task.doc_to_visual(doc))


def score_lmms_eval(work: Path, split: str) -> float:
    """Its evaluator over a model that says what is in said.jsonl."""
    said = _said(work)

    class Said(module("lmms_eval.api.model").lmms):  # type: ignore[misc]
        def generate_until(self, requests: list[Any]) -> list[str]:
            asked = [request.args for request in requests]
            docs = [self.task_dict[task][part][number] for *_, number, task, part in asked]
            return [said[doc["question_id"]] for doc in docs]

        # its base class wants these two; tasks that we write ask for generated text, once
        def loglikelihood(self, requests: list[Any]) -> list[Any]:
            raise AssertionError(f"{len(requests)} requests for likelihoods, of a task that asks for text")

        def generate_until_multi_round(self, requests: list[Any]) -> list[str]:
            raise AssertionError(f"{len(requests)} requests of several rounds, of a task that asks once")

    manager, name, _ = _lmms_task(work / "lmms-eval", split)
    done = module("lmms_eval.evaluator").simple_evaluate(
        Said(), tasks=[name], task_manager=manager, bootstrap_iters=0, batch_size=1
    )
    return float(done["results"][name]["accuracy,none"])


def _kit_dataset(folder: Path, split: str) -> Any:
    os.environ["LMUData"] = str(folder)  # noqa: SIM112  # as it is spelled there
    return module("vlmeval.dataset").build_dataset(NAME.format(split=split))


def read_vlmevalkit(folder: Path, split: str) -> Iterator[Read]:
    """The options are part of its prompt; what it asks for by letter is compared up to them."""
    built = _kit_dataset(folder, split)
    for _, line in built.data.iterrows():
        parts = built.build_prompt(line)
        pictures = [Image.open(part["value"]) for part in parts if part["type"] == "image"]
        text = "".join(part["value"] for part in parts if part["type"] == "text")
        yield Read(text, line["answer"], pictures)


def score_vlmevalkit(work: Path, split: str) -> float:
    """Its evaluation without a judge, over a table of answers as its own inference writes it."""
    built = _kit_dataset(work / "vlmevalkit", split)
    said = _said(work)
    table = built.data.drop(columns="image")
    table["prediction"] = [said[name] for name in table["question_id"]]
    path = work / "vlmevalkit" / f"said_{NAME.format(split=split)}.xlsx"
    table.to_excel(path, index=False)
    done = built.evaluate(str(path), model="exact_matching", nproc=1)
    return float(done["Overall"].iloc[0])


READERS: dict[str, Reader] = {
    "ms-swift": Reader("ms-swift", "swift.dataset.load_dataset(JSONL, strict=True)", read_ms_swift),
    "llamafactory": Reader(
        "llamafactory", "llamafactory.data.loader._load_single_dataset(...)", read_llamafactory
    ),
    "verl": Reader("verl", "verl.utils.dataset.rl_dataset.RLHFDataset(PARQUET, ...)[i]", read_verl),
    "openai": Reader(
        "openai", "TypeAdapter(list[openai.types.chat.ChatCompletionMessageParam])", read_openai
    ),
    "lmms-eval": Reader(
        "lmms_eval",
        "lmms_eval.tasks.get_task_dict; evaluator.simple_evaluate",
        read_lmms_eval,
        score_lmms_eval,
    ),
    "vlmevalkit": Reader(
        "vlmeval",
        "vlmeval.dataset.build_dataset(NAME).build_prompt; .evaluate",
        read_vlmevalkit,
        score_vlmevalkit,
    ),
}


# --- compared --------------------------------------------------------------------------------------


def compare(name: str, work: Path) -> dict[str, Any]:
    reader = READERS[name]
    meant = json.loads((work / "meant.json").read_text())
    split = meant["split"]
    rows = [row for row in meant["rows"] if row["options"] or name != "vlmevalkit"]
    found = list(reader.read(work / name, split))
    wrong = list[str]()
    farthest = 0.0
    if len(found) != len(rows):
        wrong.append(f"{len(found)} rows, expected {len(rows)}")
    for row, read in zip(rows, found, strict=False):
        wanted = [Image.open(work / "meant" / image) for image in row["images"]]
        apart = [_apart(*pair) for pair in zip(wanted, read.images, strict=False)]
        farthest = max([farthest, *apart])
        if len(wanted) != len(read.images) or any(value > NEAR for value in apart):
            wrong.append(f"{row['question_id']}: other pictures")
        if not _same_prompt(name, row, read.prompt):
            wrong.append(f"{row['question_id']}: {read.prompt!r}")
        if read.answer != _right(name, row):
            wrong.append(f"{row['question_id']}: {read.answer!r}, expected {_right(name, row)!r}")
    told: dict[str, Any] = {
        "reader": name,
        "version": _version(reader.package),
        "call": reader.call,
        "rows": len(found),
        "wrong": wrong[:20],
        "pictures_apart": round(farthest, 3),
        "first_rows": [_short(read) for read in found[:3]],
    }
    if reader.score:
        ours = meant["accuracy_letters" if name == "vlmevalkit" else "accuracy"]
        told |= {"score": round(reader.score(work, split), 6), "our_score": round(ours, 6)}
        if abs(told["score"] - told["our_score"]) > 1e-6:
            wrong.append("another score")
    return told


def _same_prompt(name: str, row: dict[str, Any], prompt: str) -> bool:
    if name != "vlmevalkit":
        return bool(prompt == row["prompt"])
    asked = row["prompt"].split("\n")[0]
    options = [f"{letter}. {text}" for letter, text in zip("ABCDEFGHIJ", row["options"], strict=False)]
    return asked in prompt and all(option in prompt for option in options)


def _right(name: str, row: dict[str, Any]) -> str:
    return "ABCDEFGHIJ"[row["answer_index"]] if name == "vlmevalkit" else row["answer"]


def _apart(wanted: Any, given: Any) -> float:
    """By how many levels the pixels of two pictures differ in the mean."""
    if wanted.size != given.size:
        return 255.0
    first = np.asarray(wanted.convert("RGB"), float)
    return float(np.abs(first - np.asarray(given.convert("RGB"), float)).mean())


def _without_places(text: str, count: int) -> str:
    places = "<image>" * count
    return text.removeprefix(places) if text.count("<image>") == count else f"{text.count('<image>')} places"


def _short(read: Read) -> dict[str, Any]:
    sizes = [f"{picture.width}x{picture.height}" for picture in read.images]
    return {"prompt": read.prompt, "answer": read.answer, "pictures": sizes}


def _said(work: Path) -> dict[str, str]:
    lines = map(json.loads, (work / "said.jsonl").read_text().splitlines())
    return {line["question_id"]: line["prediction"] for line in lines}


def _version(package: str) -> str:
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return "a checkout"


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    commands = parser.add_subparsers(dest="command", required=True)
    writing = commands.add_parser("write")
    writing.add_argument("dataset", type=Path)
    writing.add_argument("work", type=Path)
    writing.add_argument("--split", default="test")
    reading = commands.add_parser("read")
    reading.add_argument("format", choices=READERS)
    reading.add_argument("work", type=Path)
    reading.add_argument("--json", type=Path)
    given = parser.parse_args()
    if given.command == "write":
        return write(given.dataset, given.work.resolve(), given.split)
    told = compare(given.format, given.work.resolve())
    print(json.dumps(told, indent=1, ensure_ascii=False))
    if given.json:
        given.json.write_text(json.dumps(told, indent=1, ensure_ascii=False) + "\n")
    return int(bool(told["wrong"]))


if __name__ == "__main__":
    sys.exit(main())
