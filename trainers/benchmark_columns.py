"""Converts rows of public benchmarks from the columns that their authors document to ours.

A reader takes a row as a mapping; `idx` is its number if the benchmark gives none, and `folder` is the folder
of an unpacked benchmark whose rows name files. It returns None for a row that is left out. Rows are not
trusted: a reader raises ValueError or KeyError for one that is not as documented.
"""

import base64
import contextlib
import hashlib
import io
import math
import random
import re
import tempfile
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from viewpoint100k.errors import MissingExtra
from viewpoint100k.load import COLUMNS
from viewpoint100k.scoring import LETTERS

Row = Mapping[str, Any]

# the family of questions about the camera's motion or about what another view shows
VIEWPOINTS = "viewpoints"
FRAMES = 16  # frames of a video, evenly spread
_FRAME_PX = 448  # longer side of a frame; most models cut pictures into patches for about that size
_MARKED = re.compile(r"(?:^|(?<=\s))([A-J])[.:]\s+")
_LETTERED = re.compile(r"^\s*([A-J])[.:)]\s*")


def question(
    name: str, images: Iterable[Any], text: str, options: list[str], place: int, kind: str, *, key: str = ""
) -> dict[str, Any]:
    """A multiple-choice row in the columns of `load_questions`."""
    if not 0 <= place < len(options):
        raise ValueError(f"the answer is {LETTERS[place]}, but there are {len(options)} options")
    lines = [f"{letter}. {option}" for letter, option in zip(LETTERS, options, strict=False)]
    prompt = "\n".join([text.strip(), *lines, "Answer with the letter of the correct option."])
    row = dict.fromkeys(COLUMNS)
    return row | {
        "images": [_picture(image) for image in images],
        "prompt": prompt,
        "options": options,
        "answer": LETTERS[place],
        "answer_index": place,
        "answer_form": "letter",
        "type": kind,
        "question_id": name,
        "sample_key": key or name,
    }


def number_question(name: str, images: Iterable[Any], text: str, answer: Any, kind: str) -> dict[str, Any]:
    """A row with a number as its answer, which is scored by mean relative accuracy."""
    try:
        value = float(answer)
    except (TypeError, ValueError):
        raise ValueError(f"the answer is {answer!r}; expected a number") from None
    if not math.isfinite(value) or value == 0:
        raise ValueError(f"the answer is {answer!r}; an error relative to it has no meaning")
    row = dict.fromkeys(COLUMNS)
    return row | {
        "images": [_picture(image) for image in images],
        "prompt": f"{text.strip()}\nAnswer with a number.",
        "options": [],
        "answer": str(answer).strip(),
        "answer_index": -1,
        "answer_form": "number",
        "value": value,
        "type": kind,
        "question_id": name,
        "sample_key": name,
    }


# --- pictures in the rows --------------------------------------------------------------------------


def blink(row: Row) -> dict[str, Any]:
    images = [row[f"image_{i}"] for i in range(1, 5) if row.get(f"image_{i}") is not None]
    options = list(row["choices"])
    return question(str(row["idx"]), images, row["question"], options, _place(row["answer"]), row["sub_task"])


def cv_bench(row: Row) -> dict[str, Any]:
    kind = f"{row['type']} {row['source']} {row['task']}"
    name = f"cv-{row['idx']}"
    return question(name, [row["image"]], row["question"], list(row["choices"]), _place(row["answer"]), kind)


def three_dsr_bench(row: Row) -> dict[str, Any]:
    options = [row[letter] for letter in "ABCD" if row.get(letter) not in (None, "", "nan")]
    name = str(row["qid"])
    # "-flip" is the mirrored picture, "-1" the same with its options swapped
    group = name.split("-")[0]
    place = _place(row["answer"])
    return question(name, [row["image"]], row["question"], options, place, row["category"], key=group)


def mmsi_bench(row: Row) -> dict[str, Any] | None:
    """Read a row of MMSI-Bench, whose options are inside the text: "...? Options: A: left, B: right, ..."."""
    text, _, tail = row["question"].partition("Options:")
    found = re.findall(r"\b([A-D])\s*[:.]\s*(.*?)(?=,?\s*\b[A-D]\s*[:.]\s|\s*$)", " ".join(tail.split()))
    if [letter for letter, _ in found] != list(LETTERS[: len(found)]) or len(found) < 2:
        return None
    options = [option.rstrip(" ,;") for _, option in found]
    name = f"mmsi-{row['id']}"
    return question(name, row["images"], text, options, _place(row["answer"]), row["question_type"])


def sat(row: Row) -> dict[str, Any]:
    """Read a row of SAT, a choice between texts; we add letters, in an order fixed by the question."""
    images = row["images"] if "images" in row else row["image_bytes"]
    options = list(row["answers"])
    right = row["correct_answer"]
    said = "/".join([row["question"], right, *options, _digest(images)])
    name = "sat-" + hashlib.sha256(said.encode()).hexdigest()[:16]
    random.Random(name).shuffle(options)
    return question(name, images, row["question"], options, options.index(right), row["question_type"])


SPAR_NUMBERS = ("depth_prediction", "distance_prediction")
SPAR_BOXES = ("position_matching", "camera_motion_infer")


def spar_bench(row: Row) -> dict[str, Any] | None:
    """Read a row of SPAR-Bench, with options as lines. `view_change_infer` asks for a list: left out."""
    kind = _text(row, "task")
    name = f"spar-{row['id']}"
    images = _several(row, "image")
    asked = _text(row, "question")
    if kind == "view_change_infer":
        return None
    if kind.startswith(SPAR_NUMBERS):
        return number_question(name, images, _plain(asked), row["answer"], kind)
    text, options = split_options(asked)
    if kind in SPAR_BOXES:
        text += "\nCoordinates go from 0 to 1000, from the top left corner of a picture."
    return question(name, images, text, options, _place(row["answer"]), kind)


# --- pictures and videos in files ------------------------------------------------------------------


def mindcube(row: Row) -> dict[str, Any]:
    """Read a row of MindCube, with options inline; the part of the id before its first "_" is the setting."""
    name = _text(row, "id")
    images = [_image(row, image) for image in _several(row, "images")]
    text, options = split_options(_text(row, "question"))
    setting = name.partition("_")[0].removesuffix("new")  # "aroundnew" are more of "around"
    return question(f"mindcube-{name}", images, text, options, _place(row["gt_answer"]), setting)


def viewspatial(row: Row) -> dict[str, Any]:
    """Read a row of ViewSpatial-Bench: `choices` has a line per option, `answer` is one of these lines."""
    named = "images" if row.get("images") is not None else "image_path"
    images = [_image(row, image) for image in _several(row, named)]
    _, options = split_options(_text(row, "choices"))
    answer = _text(row, "answer").strip()
    letter, _, said = answer.partition(".")
    place = _place(letter)
    if said.strip() and (place >= len(options) or said.strip() != options[place]):
        raise ValueError(f"the answer is {answer!r}, which is none of its choices")
    name = f"viewspatial-{row['idx']}"
    return question(name, images, _plain(_text(row, "question")), options, place, _text(row, "question_type"))


VSI_NUMBERS = ("object_abs_distance", "object_counting", "object_size_estimation", "room_size_estimation")


def vsi_bench(row: Row) -> dict[str, Any]:
    """Read a row of VSI-Bench, whose pictures are frames of DATASET/SCENE.mp4; numbers have no options."""
    kind = _text(row, "question_type")
    video = f"{_text(row, 'dataset')}/{_text(row, 'scene_name')}.mp4"
    frames = video_frames(in_folder(_folder(row), video))
    name = f"vsi-{row['id']}"
    text = f"The pictures are frames of one video, in order.\n{_text(row, 'question')}"
    if kind in VSI_NUMBERS:
        return number_question(name, frames, text, row["ground_truth"], kind)
    options = [_LETTERED.sub("", option) for option in _several(row, "options")]
    return question(name, frames, text, options, _place(row["ground_truth"]), kind)


def in_folder(folder: Path, name: str) -> Path:
    """The path of a file that an untrusted row names; it must lie within the folder.

    Raises:
        ValueError: the name leads out of the folder, or there is no such file.
    """
    path = (folder / name).resolve()
    if not path.is_relative_to(folder.resolve()):
        raise ValueError(f"{name!r} leads out of {folder}")
    if not path.is_file():
        raise ValueError(f"{folder} has no file {name!r}; unpack the benchmark's archives there")
    return path


def video_frames(video: Path, count: int = FRAMES) -> list[dict[str, Any]]:
    """`count` frames of a video, evenly spread, as JPEG files in the cache of `datasets`; decoded once.

    Raises:
        ValueError: it cannot be decoded, or has no frames.
        MissingExtra: OpenCV is not installed.
    """
    from datasets import config

    state = video.stat()
    known = f"{video}/{state.st_size}/{state.st_mtime_ns}/{count}/{_FRAME_PX}"
    folder = Path(config.HF_DATASETS_CACHE) / "video_frames" / hashlib.sha256(known.encode()).hexdigest()[:24]
    if not folder.is_dir():
        _write_frames(video, count, folder)
    return [{"bytes": None, "path": str(path)} for path in sorted(folder.glob("*.jpg"))]


def _write_frames(video: Path, count: int, folder: Path) -> None:
    """Write frames into a folder atomically."""
    try:
        import cv2
    except ImportError as error:
        raise MissingExtra("videos need OpenCV: pip install 'viewpoint100k[photos]'") from error
    folder.parent.mkdir(parents=True, exist_ok=True)
    reader = cv2.VideoCapture(str(video))
    try:
        length = int(reader.get(cv2.CAP_PROP_FRAME_COUNT))
        if length <= 0:
            raise ValueError(f"{video.name} is no video that can be decoded")
        with tempfile.TemporaryDirectory(dir=folder.parent) as unfinished:
            written = Path(unfinished) / "frames"
            written.mkdir()
            for place in sorted({int((i + 0.5) * length / count) for i in range(count)}):
                reader.set(cv2.CAP_PROP_POS_FRAMES, place)
                done, frame = reader.read()
                if not done:
                    raise ValueError(f"{video.name}: frame {place} of {length} cannot be decoded")
                scale = min(1.0, _FRAME_PX / max(frame.shape[:2]))
                small = cv2.resize(frame, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
                cv2.imwrite(str(written / f"{place:08}.jpg"), small)
            with contextlib.suppress(OSError):  # another process was first
                written.rename(folder)
    finally:
        reader.release()


# --- parts of rows ---------------------------------------------------------------------------------


def split_options(asked: str) -> tuple[str, list[str]]:
    """ "Where to? A. Left B. Right" -> "Where to?" and its options: the last run of letters from A on.

    Raises:
        ValueError: there are no two options.
    """
    marks = list(_MARKED.finditer(asked))
    first = max((i for i, mark in enumerate(marks) if mark.group(1) == "A"), default=len(marks))
    marks = marks[first:]
    starts = [mark.start() for mark in marks]
    ends = [mark.end() for mark in marks]
    options = [asked[end:start].strip() for end, start in zip(ends, [*starts[1:], len(asked)], strict=False)]
    in_order = [mark.group(1) for mark in marks] == list(LETTERS[: len(marks)])
    if not in_order or len(options) < 2 or not all(options):
        raise ValueError(f"expected options A., B., ... at the end of {asked[-200:]!r}")
    return _plain(asked[: starts[0]]), options


def _plain(text: str) -> str:
    """The text without placeholders of pictures, because our pictures come before the text."""
    return text.replace("<image>", "").strip()


def _text(row: Row, column: str) -> str:
    value = row[column]
    if not isinstance(value, str) or not value.strip():
        raise ValueError(f"column {column!r} is {str(value)[:60]!r}; expected text")
    return value


def _several(row: Row, column: str) -> Sequence[Any]:
    value = row[column]
    if not isinstance(value, (list, tuple)) or not value:
        raise ValueError(f"column {column!r} is {str(value)[:60]!r}; expected a list with something in it")
    return value


def _folder(row: Row) -> Path:
    if row.get("folder") is None:
        raise ValueError("it names files; pass the folder that they were unpacked into, as in NAME:FOLDER")
    return Path(row["folder"])


def _image(row: Row, image: Any) -> Any:
    """A picture, or the picture file that a row names."""
    if not isinstance(image, str):
        return image
    folder = _folder(row)
    # ViewSpatial-Bench names files from the folder above its own
    inner = image.removeprefix("ViewSpatial-Bench/")
    return {"bytes": None, "path": str(in_folder(folder, inner))}


def _place(answer: Any) -> int:
    """ "(B)" or "B" -> 1."""
    found = re.fullmatch(r"\(?([A-J])\)?\.?", str(answer).strip())
    if found is None:
        raise ValueError(
            f"the answer is {answer!r}; expected a letter. The answers of a hidden test split are not public"
        )
    return LETTERS.index(found.group(1))


def _picture(image: Any) -> Any:
    """A picture given as bytes, base64 or a decoded image, in the form that `datasets` accepts."""
    if isinstance(image, str):
        image = base64.b64decode(image)
    return {"bytes": image, "path": None} if isinstance(image, bytes) else image


def _digest(images: Iterable[Any]) -> str:
    """A hash of pictures, so that the same text about other pictures is another question."""
    digest = hashlib.sha256()
    for image in images:
        picture = _picture(image)
        if isinstance(picture, dict):
            digest.update(picture["bytes"] or b"")
        else:
            small = io.BytesIO()
            picture.convert("RGB").resize((16, 16)).save(small, "BMP")
            digest.update(small.getvalue())
    return digest.hexdigest()
