"""predictions.jsonl -> scores: per type, tier, family, angle and form; twins, pairs and rotations; with
intervals.

A line is `{"question_id": ..., "prediction": ...}`; `id` and `completion` are read too. A question that was
asked with its options in other orders has a line for each, with `rotation`: k, where the options were shown
from number k on and then those before it, so that the right one moved k places up.
"""

import base64
import codecs
import io
import json
import math
import os
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

from pydantic_core import from_json

from viewpoint100k.audit.statistics import share, wilson
from viewpoint100k.drawing import shown
from viewpoint100k.errors import InputError, one_line
from viewpoint100k.pages import asset, render
from viewpoint100k.records import Question, Record, Sample
from viewpoint100k.scoring import mean_relative_accuracy, parse_choice, parse_number
from viewpoint100k.shards import (
    StoredSample,
    decode,
    folders_of,
    in_sample,
    read_shard,
    shard_paths,
    shard_start,
    split_of,
)

ANGLES_DEG = (0, 15, 30, 60, 90, 180)  # edges of the bins of the azimuth change, without its sign
WORST = 24  # cases on the page
MOST_LINE_BYTES = 4 << 20  # of a predictions file: a thought of 500,000 words
MOST_LINES = 5_000_000
MOST_ROTATIONS = 100
NO_ANSWER = "(no answer)"
ABOUT_RIGHT = "within 10 %"
FAR_OFF = "further off"


class Answered(NamedTuple):
    """A question, what was said to it, and what that is worth."""

    sample_key: str
    sample: Sample
    question: Question
    said: str | None  # None: there is no line for it
    rotation: int
    chosen: str  # the option that was meant, or in words how far a number is off
    credit: float  # 1 or 0; of a number its mean relative accuracy


class Cell(Record):
    """A share with its interval, which counts objects, not questions."""

    value: float
    low: float
    high: float
    n: int


class Scores(Record):
    """What `viewpoint100k evaluate --json` writes."""

    questions: int
    answered: int
    unread: int  # answers that are no single option, or no number: they count as wrong
    unreadable: Cell | None  # the share of these among the answers that `accuracy` is of
    unknown_ids: list[str]
    unanswered_ids: list[str]
    accuracy: Cell | None  # of all that was answered; a question without a line does not count
    accuracy_of_all: Cell | None  # the same, where a question without a line counts as wrong
    chance: float  # what guessing among the options shown earns, of those answered that have options
    by: dict[str, dict[str, Cell]]
    numbers: Cell | None  # mean relative accuracy
    both_orders: Cell | None  # both questions of a pair of views that is asked from either one
    whole_samples: Cell | None  # all questions of a sample
    circular: Cell | None  # right in every order of its options, of questions that have more than one
    confusion: dict[str, dict[str, dict[str, int]]]  # type -> right option -> chosen option -> how often


def evaluate(predictions: Path, dataset: Path) -> tuple[Scores, list[Answered]]:
    """Score a file of predictions, of what was said to fair questions; of others it is not judged.

    Raises:
        InputError: the file is not there, or a line is not of the form; names the line.
    """
    said = read_predictions(predictions)
    cases = list[Answered]()
    known = set[str]()
    asked_about = Counter[tuple[str, str]]()  # splits, of renders and of photographs
    everything = list[tuple[str, Sample, Question]]()
    splits_said = {shard_start(name).partition("-")[0] for name in said}  # shards of others are not read
    for _, stored in _samples(dataset, lambda shard: split_of(shard) in splits_said):
        for question in stored.sample.questions:
            known.add(question.id)
            if question.fair:
                everything.append((stored.key, stored.sample, question))
                asked_about[stored.sample.split, stored.sample.proof] += question.id in said
    for key, sample, question in everything:
        # a split that nobody was asked about is not unanswered; nor are photographs beside renders
        if asked_about[sample.split, sample.proof]:
            for rotation, text in sorted(said.get(question.id, {0: None}).items()):
                cases.append(_judge(key, sample, question, text, rotation))
    unknown = sorted(said.keys() - known)
    if unknown and len(unknown) == len(said):
        example = everything[0][2].id if everything else "train-00000-00003-ego_translation-camera_1"
        raise InputError(
            f"{predictions}: none of its {len(said)} question ids is in {dataset}; ids look like {example}"
        )
    return _scores(cases, unknown), cases


def read_predictions(path: Path) -> dict[str, dict[int, str | None]]:
    """What was said to each question, by rotation. The last line counts where two are about the same."""
    out: dict[str, dict[int, str | None]] = {}
    for number, line in enumerate(_lines(path), 1):
        if not line.strip():
            continue
        try:
            row = from_json(line)  # stricter than `json`: no halves of characters, no nesting without end
            name = row["question_id"] if "question_id" in row else row["id"]
            text = row["prediction"] if "prediction" in row else row["completion"]
            stated = row.get("rotation") or 0
            rotation = int(stated)
            in_range = rotation == float(stated) and 0 <= rotation < MOST_ROTATIONS
            if not isinstance(name, str | int) or not in_range or number > MOST_LINES:
                raise ValueError(
                    f"an id that is text, a rotation of 0 to {MOST_ROTATIONS - 1}, at most {MOST_LINES} lines"
                )
            out.setdefault(str(name), {})[rotation] = _text(text)
        except (ValueError, KeyError, TypeError, AttributeError, OverflowError) as error:
            raise InputError(
                f"{path}, line {number}: expected "
                '{"question_id": ..., "prediction": ...}, and "rotation" where the options were shown in '
                "another order; "
                f"got {line[:80].decode(errors='replace')!a} ({one_line(str(error))})"
            ) from error
    if not out:
        raise InputError(f"{path} holds no predictions")
    return out


def _lines(path: Path) -> Iterator[bytes]:
    """The lines of a file, or of a pipe that somebody writes to: a reader that opens one without waiting sees
    that it is empty.
    """
    try:
        handle = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
        with open(handle, "rb") as file:
            os.set_blocking(handle, True)
            for number, line in enumerate(iter(partial(file.readline, MOST_LINE_BYTES), b""), 1):
                if len(line) == MOST_LINE_BYTES:
                    raise InputError(f"{path}, line {number}: expected fewer than {MOST_LINE_BYTES:,} bytes")
                yield line.removeprefix(codecs.BOM_UTF8) if number == 1 else line  # Windows begins with one
    except OSError as error:
        raise InputError(f"{path} cannot be read: {error.strerror}") from error


def _text(said: Any) -> str:
    """A completion as text; conversations hand on a list of messages."""
    if isinstance(said, list) and said and isinstance(said[-1], dict):
        said = said[-1].get("content", "")
    if said is None:
        return ""
    return said if isinstance(said, str) else json.dumps(said)


def _judge(key: str, sample: Sample, question: Question, text: str | None, rotation: int) -> Answered:
    if text is None:
        return Answered(key, sample, question, None, rotation, NO_ANSWER, 0.0)
    if question.value is not None:
        number = parse_number(text)
        if number is None:
            return Answered(key, sample, question, text, rotation, NO_ANSWER, 0.0)
        near = abs(number - question.value) <= 0.1 * abs(question.value)
        credit = mean_relative_accuracy(number, question.value)
        return Answered(key, sample, question, text, rotation, ABOUT_RIGHT if near else FAR_OFF, credit)
    by = rotation % len(question.options)
    options = question.options[by:] + question.options[:by]
    place = parse_choice(text, options, question.answer_form)
    chosen = NO_ANSWER if place is None else options[place]
    right = question.options[question.answer_index]
    return Answered(key, sample, question, text, rotation, chosen, float(chosen == right))


def _samples(dataset: Path, wanted: Callable[[Path], bool]) -> Iterator[tuple[Path, StoredSample]]:
    """(Shard, sample) of some shards of a dataset, and of the photographs that lie beside its renders."""
    for folder in folders_of(dataset):
        for path in filter(wanted, shard_paths(folder)):
            for stored in read_shard(path):
                yield path, stored


# --- scores ----------------------------------------------------------------------------------------


GROUPS: dict[str, Callable[[Answered], str]] = {
    "type": lambda case: case.question.type,
    "tier": lambda case: case.question.tier,
    "family": lambda case: case.sample.family,
    "azimuth change": lambda case: _angle_bin(case),
    "answer form": lambda case: case.question.answer_form,
    "split": lambda case: case.sample.split,
    "source": lambda case: "renders" if case.sample.proof == "depth" else "photographs",
}


def _confusion(cases: Sequence[Answered]) -> dict[str, dict[str, dict[str, int]]]:
    """How often each option was chosen, by type and by the right one."""
    out: dict[str, dict[str, Counter[str]]] = defaultdict(lambda: defaultdict(Counter))
    for case in cases:
        question = case.question
        right = question.options[question.answer_index] if question.options else "a number"
        out[question.type][right][case.chosen] += 1
    return {
        kind: {right: dict(sorted(chosen.items())) for right, chosen in sorted(rows.items())}
        for kind, rows in sorted(out.items())
    }


def _scores(cases: Sequence[Answered], unknown: list[str]) -> Scores:
    answered = [case for case in cases if case.said is not None]
    # of each question the order that was asked first; `cases` has them in order
    first = list({case.question.id: case for case in reversed(answered)}.values())[::-1]
    of_options = [case for case in first if case.question.options]
    return Scores(
        questions=len({case.question.id for case in cases}),
        answered=len({case.question.id for case in answered}),
        unread=sum(case.chosen == NO_ANSWER for case in answered),
        unreadable=_unreadable(first),
        unknown_ids=unknown,
        unanswered_ids=sorted({case.question.id for case in cases if case.said is None}),
        accuracy=_cell(first),
        accuracy_of_all=_cell([*first, *(case for case in cases if case.said is None)]),
        chance=sum(1 / len(case.question.options) for case in of_options) / max(1, len(of_options)),
        by={
            name: {value: _cell_of(first, partial(_is, of, value)) for value in _in_order({of(c) for c in first})}
            for name, of in GROUPS.items()
        },
        numbers=_cell([case for case in first if case.question.value is not None]),
        both_orders=_joint(first, _twin_of, least=2, most=2),
        whole_samples=_joint(first, lambda case: case.sample_key),
        circular=_joint(answered, lambda case: case.question.id, least=2),
        confusion=_confusion(first),
    )  # fmt: skip


def _unreadable(cases: Sequence[Answered]) -> Cell | None:
    if not cases:
        return None
    hits = [float(case.chosen == NO_ANSWER) for case in cases]
    return _interval(hits, [case.sample.object.uid for case in cases])


def _cell(cases: Sequence[Answered]) -> Cell | None:
    return _cell_of(cases, lambda case: True) if cases else None


def _cell_of(cases: Iterable[Answered], wanted: Callable[[Answered], bool]) -> Cell:
    chosen = [case for case in cases if wanted(case)]
    return _interval([case.credit for case in chosen], [case.sample.object.uid for case in chosen])


def _is(of: Callable[[Answered], str], value: str, case: Answered) -> bool:
    return of(case) == value


def _joint(
    cases: Iterable[Answered], group: Callable[[Answered], str], least: int = 1, most: int = 10_000
) -> Cell | None:
    """Groups of which every member is right; a number is right within 10 %."""
    groups: dict[str, list[Answered]] = defaultdict(list)
    for case in cases:
        groups[group(case)].append(case)
    whole = [members for members in groups.values() if least <= len(members) <= most]
    if not whole:
        return None
    hits = [float(all(_right(case) for case in members)) for members in whole]
    return _interval(hits, [members[0].sample.object.uid for members in whole])


def _right(case: Answered) -> bool:
    return case.chosen == ABOUT_RIGHT if case.question.value is not None else case.credit == 1


def _interval(hits: Sequence[float], objects: Sequence[str]) -> Cell:
    found = share(hits, objects)
    low, high = wilson(found.value, found.effective_n)
    return Cell(value=found.value, low=low, high=high, n=found.n)


def _twin_of(case: Answered) -> str:
    return case.question.id.removesuffix("-reversed")


def _angle_bin(case: Answered) -> str:
    angle = abs(case.sample.truth.azimuth_change_deg)
    above = next((i for i, edge in enumerate(ANGLES_DEG) if edge > angle), len(ANGLES_DEG) - 1)
    return f"{ANGLES_DEG[above - 1]}-{ANGLES_DEG[above]} deg"


def _in_order(names: Iterable[str]) -> list[str]:
    def key(name: str) -> tuple[float, str]:
        head = name.partition("-")[0]
        return (float(head) if head.isdigit() else math.inf, name)

    return sorted(names, key=key)


# --- the page --------------------------------------------------------------------------------------


def write_page(scores: Scores, cases: Sequence[Answered], dataset: Path, page: Path) -> None:
    """One HTML file that needs nothing else: scores, a confusion table per type, and the worst cases with
    their pictures.

    The worst cases are wrong answers to the clearest questions: those with the largest margin, each object and type
    once before any comes twice.
    """
    from viewpoint100k.shards import write_atomically

    worst = _worst(cases)
    pictures = pictures_of(dataset, worst)
    text = render(
        asset("evaluate.html.j2"),
        scores=scores,
        summary=summary(scores),
        worst=[(case, pictures[case.question.id]) for case in worst],
        name=dataset.name,
    )
    write_atomically(page, text.encode())


def summary(scores: Scores) -> list[tuple[str, Cell]]:
    """The lines of the table above all others."""
    named = [
        ("accuracy, of what was answered", scores.accuracy),
        (
            "accuracy, the unanswered counted as wrong",
            scores.accuracy_of_all if scores.unanswered_ids else None,
        ),
        ("answers that could not be read", scores.unreadable),
        ("numbers: mean relative accuracy", scores.numbers),
        ("both orders of the views right", scores.both_orders),
        ("all questions of a sample right", scores.whole_samples),
        ("right in every order of the options", scores.circular),
    ]
    return [(name, cell) for name, cell in named if cell is not None]


def _worst(cases: Sequence[Answered]) -> list[Answered]:
    wrong = sorted(
        (case for case in cases if case.said is not None and case.credit < 0.5),
        key=lambda case: (-case.question.margin, case.question.id, case.rotation),
    )
    seen = Counter[tuple[str, str]]()
    rounds = []
    for case in wrong:
        name = (case.sample.object.uid, case.question.type)
        rounds.append((seen[name], case))
        seen[name] += 1
    return [case for _, case in sorted(rounds, key=lambda one: one[0])[:WORST]]


def pictures_of(dataset: Path, cases: Sequence[Answered]) -> dict[str, list[str]]:
    """The pictures of questions as they were shown, as addresses that hold the picture itself."""
    keys = {case.sample_key for case in cases}
    shards = {shard_start(key) for key in keys}
    out = dict[str, list[str]]()
    for path, stored in _samples(dataset, lambda shard: shard.name.partition("-of-")[0] in shards):
        if stored.key not in keys:
            continue
        with in_sample(path, stored.key):
            views = [decode(data, f"view_{number}.jpg") for number, data in enumerate(stored.images)]
            for case in cases:
                if case.sample_key == stored.key:
                    out[case.question.id] = [_address(picture) for picture in shown(case.question, views)]
    return out


def _address(picture: Any) -> str:
    picture = picture.copy()
    picture.thumbnail((256, 256))
    out = io.BytesIO()
    picture.save(out, "JPEG", quality=88)
    return "data:image/jpeg;base64," + base64.b64encode(out.getvalue()).decode()
