"""Do the tools that we export for read what we mean? Two calls, as each tool wants libraries of its own:

    python benchmarks/readers.py write DATASET WORK [--split test]    # where viewpoint100k is installed
    python benchmarks/readers.py read FORMAT WORK [--record]          # where the tool of that format is

The first writes each export, and beside it what our own loader says: prompts, answers, and pictures
without loss; also made-up answers and our scores of them, for `benchmarks/runners.py`. The second calls the
tool's own code, compares every row (pictures by the mean difference of their pixels, which is 0 for a stored
JPEG and small for one that was drawn into) and prints the tool's version, the call and three rows. Exit 1 if
anything differs.

VLMEvalKit is not on the index: `pip install -e` of a checkout.
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
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from PIL import Image

from benchmarks.measured import leave, tell

NAME = "viewpoint100k_{split}"
KEPT = ("question_id", "prompt", "answer", "options", "answer_index", "answer_form")
NEAR = 3.0  # levels of 255 by which a picture may differ that was drawn into and packed as JPEG
PLAIN = ("{said}", "The answer is {said}.", "({said})")
TAGGED = ("<think>hm</think> <answer>{said}</answer>",)
MADE_UP = {  # name -> how its answers are dressed, and whether all are letters, as VLMEvalKit asks for
    "as_asked": ((*PLAIN, *TAGGED), False),
    "letters": (PLAIN, True),
    "tags": (TAGGED, True),
}


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
    for number, row in enumerate(load_questions(dataset, split=split, streaming=True)):
        names = [f"{number}-{place}.png" for place in range(len(row["images"]))]
        for name, picture in zip(names, row["images"], strict=True):
            picture.convert("RGB").save(work / "meant" / name)
        kept = {column: row[column] for column in KEPT}
        meant.append(kept | {"images": names})
    scores = {name: write_answers(name, meant, dataset, work) for name in MADE_UP}
    (work / "meant.json").write_text(json.dumps({"split": split, "rows": meant, "scores": scores}))
    print(f"{len(meant)} questions; made-up answers score {scores}")
    return 0


def write_answers(name: str, rows: list[dict[str, Any]], dataset: Path, work: Path) -> float:
    """Made-up answers to the questions that they are about. Returns what `viewpoint100k evaluate` says."""
    from viewpoint100k.evaluate import evaluate

    dressings, letters = MADE_UP[name]
    asked = [row for row in rows if row["options"] or not letters]
    said = [
        {"question_id": row["question_id"], "prediction": made_up_answer(number, row, dressings, letters)}
        for number, row in enumerate(asked)
    ]
    path = work / f"said_{name}.jsonl"
    path.write_text("\n".join(map(json.dumps, said)) + "\n")
    found = evaluate(path, dataset)[0].accuracy
    if found is None:
        raise SystemExit(f"{path}: no answer belongs to {dataset}")
    return found.value


def made_up_answer(number: int, row: dict[str, Any], dressings: Sequence[str], letters: bool) -> str:
    """Two of three right, one of six wrong, one of six unreadable; as was asked for, or always letters."""
    kind = number % 6
    if kind == 5:
        return "I cannot tell."
    if not row["options"]:
        return str(row["answer"]) if kind < 4 else "1000000"
    place = (row["answer_index"] + (kind == 4)) % len(row["options"])
    said = str(place + 1) if row["answer_form"] == "digit" and not letters else "ABCDEFGHIJ"[place]
    return dressings[(number + number // 6) % len(dressings)].format(said=said)


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


def read_lmms_eval(folder: Path, split: str) -> Iterator[Read]:
    tasks = module("lmms_eval.tasks")
    name = NAME.format(split=split)
    manager = tasks.TaskManager(include_path=str(folder), include_defaults=False)
    task = tasks.get_task_dict([name], manager)[name]
    for doc in task.test_docs():
        yield Read(task.doc_to_text(doc), task.doc_to_target(doc), task.doc_to_visual(doc))


def read_vlmevalkit(folder: Path, split: str) -> Iterator[Read]:
    os.environ["LMUData"] = str(folder)  # noqa: SIM112  # as it is spelled there
    built = module("vlmeval.dataset").build_dataset(NAME.format(split=split))
    for _, line in built.data.iterrows():
        parts = built.build_prompt(line)
        pictures = [Image.open(part["value"]) for part in parts if part["type"] == "image"]
        text = "".join(part["value"] for part in parts if part["type"] == "text")
        yield Read(text, line["answer"], pictures)


READERS: dict[str, Reader] = {
    "ms-swift": Reader("ms-swift", "swift.dataset.load_dataset(JSONL, strict=True)", read_ms_swift),
    "llamafactory": Reader(
        "llamafactory", "llamafactory.data.loader._load_single_dataset(...)", read_llamafactory
    ),
    "verl": Reader("verl", "verl.utils.dataset.rl_dataset.RLHFDataset(PARQUET, ...)[i]", read_verl),
    "openai": Reader(
        "openai", "TypeAdapter(list[openai.types.chat.ChatCompletionMessageParam])", read_openai
    ),
    "lmms-eval": Reader("lmms_eval", "lmms_eval.tasks.get_task_dict([NAME], ...)", read_lmms_eval),
    "vlmevalkit": Reader("vlmeval", "vlmeval.dataset.build_dataset(NAME).build_prompt", read_vlmevalkit),
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
        distances = [apart(*pair) for pair in zip(wanted, read.images, strict=False)]
        farthest = max([farthest, *distances])
        if len(wanted) != len(read.images) or any(value > NEAR for value in distances):
            wrong.append(f"{row['question_id']}: other pictures")
        if read.prompt != prompt_of(name, row):
            wrong.append(f"{row['question_id']}: {read.prompt!r}")
        if read.answer != _right(name, row):
            wrong.append(f"{row['question_id']}: {read.answer!r}, expected {_right(name, row)!r}")
    return {
        "reader": name,
        "version": version(reader.package),
        "call": reader.call,
        "rows": len(found),
        "wrong": wrong[:20],
        "pictures_apart": round(farthest, 3),
        "first_rows": [_short(read) for read in found[:3]],
    }


def prompt_of(name: str, row: dict[str, Any]) -> str:
    """What a tool asks: our prompt, but for VLMEvalKit, which makes its own and asks for letters only."""
    if name != "vlmevalkit":
        return str(row["prompt"])
    options = [f"{letter}. {text}" for letter, text in zip("ABCDEFGHIJ", row["options"], strict=False)]
    question = "Question: " + row["prompt"].split("\n")[0]
    return "\n".join(
        [question, "Options:", *options, "Please select the correct answer from the options above. \n"]
    )


def _right(name: str, row: dict[str, Any]) -> str:
    return "ABCDEFGHIJ"[row["answer_index"]] if name == "vlmevalkit" else row["answer"]


def apart(wanted: Any, given: Any) -> float:
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


def version(package: str) -> str:
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return "a checkout"


def leave_record(told: dict[str, Any]) -> None:
    figures = [
        f"{told['rows']} rows, prompts, answers and numbers of pictures are ours in each",
        f"pictures differ by at most {told['pictures_apart']} of 255 levels in the mean",
    ]
    what = f"What {told['reader']} {told['version']} reads of our export: `{told['call']}`"
    leave(f"reader_{told['reader']}", what, "interchange", figures)


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
    reading.add_argument("--record", action="store_true", help="leave it in benchmarks/records")
    given = parser.parse_args()
    if given.command == "write":
        return write(given.dataset, given.work.resolve(), given.split)
    told = compare(given.format, given.work.resolve())
    return tell(told, leave_record if given.record else None)


if __name__ == "__main__":
    sys.exit(main())
