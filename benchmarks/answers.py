"""How do other parsers read the answers that ours reads? `python benchmarks/answers.py [--lmms-eval FOLDER]
[--vlmevalkit FOLDER] [--json answers.json]`.

Each string below is what a model might say to "Which way did the camera move?" with the options A. left,
B. right, C. no movement sideways. Beside our verdict stand those of four parsers, loaded from checkouts of
the two harnesses (or from where they are installed): lmms-eval's shared `extract_mcq_answer` and MindCube's;
VLMEvalKit's `can_infer`, and `can_match_option` of its spatial suite. A parser that is not there is left out.
Prints a table; exit 1 if our own verdict is not the expected one.
"""

import argparse
import importlib.util
import json
import sys
import types
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

from rich.console import Console
from rich.table import Table

from viewpoint100k.scoring import LETTERS, parse_answer

OPTIONS = ["left", "right", "no movement sideways"]
A, B, C, NONE = 0, 1, 2, None
ANSWERS: list[tuple[str, int | None]] = [
    # the letter, dressed
    ("B", B),
    ("b", B),
    ("(B)", B),
    ("B.", B),
    ("B) right", B),
    ("B: right", B),
    ("**B**", B),
    ("**B. right**", B),
    ("`B`", B),
    ("### B", B),
    ("\uff22", B),  # full width
    ("【B】", B),
    ("B、right", B),
    ("B\n\nThe camera moved to the right.", B),
    ("B. right\n\nOption A is wrong because nothing moved left.", B),
    ("B because the camera moved right", B),
    ("B</answer>", B),  # the prompt ended with the opening tag
    ("<|begin_of_box|>B<|end_of_box|>", B),
    # LaTeX
    (r"\boxed{B}", B),
    (r"$\boxed{\text{B}}$", B),
    (r"The shift is clear, so the answer is \boxed{\textbf{(B)}}.", B),
    (r"\boxed{B. right}", B),
    (r"First I thought \boxed{A}, but it is \boxed{B}.", B),
    (r"<think>\boxed{A}</think> \boxed{B}", B),
    (r"\boxed{right}", B),
    (r"\(B\)", B),
    (r"\boxed{B", NONE),  # cut off
    (r"\boxed{A or B}", NONE),
    # a stated conclusion
    ("The answer is B.", B),
    ("Final Answer: **B**", B),
    ("The correct option is B) right", B),
    ("I would choose B", B),
    ("The correct answer is most likely (B).", B),
    ('{"reasoning": "it is A or B", "final_answer": "B"}', B),
    ("Looking at A, B and C, the answer is B", B),
    ("答案：B", B),
    ("答案是 B。", B),
    ("正确答案为（B）", B),
    ("因此选择B", B),
    ("故选：B", B),
    ("正解は B です", B),
    ("정답은 B", B),
    # at the end, or in passing
    ("The camera moved to the right, so B", B),
    ("Comparing both pictures, things shifted left.\n\nB", B),
    ("Option B", B),
    ("A. left\nB. right\nC. no movement sideways\n\nB", B),
    ("I believe option B fits best, not option A.", B),
    ("It moved to the right (B).", B),
    # one option after the other
    ("A: no. B: yes.", B),
    ("A: no. B: yes. C: no.", B),
    ("A is incorrect. B is correct.", B),
    ("A) No B) Yes", B),
    ("A is wrong. B is right.", B),
    ("Option A: false; option B: true; option C: false", B),
    ("A ✗ B ✓ C ✗", NONE),  # no verdicts one can tell from marks between letters
    ("A: yes. B: yes.", NONE),
    ("A: no. C: no.", NONE),  # what is left over was not said
    ("A: no.", NONE),
    ("A: left. B: right.", NONE),  # repeats the options
    ("A. left\nB. right\nC. no movement sideways", NONE),
    # words
    ("The camera moved right.", B),
    ("right, not left", B),
    ("not left", NONE),
    ("It didn't move left.", NONE),
    ("It did not move to the left.", NONE),
    ("left or right", NONE),
    # two letters, hedges, letters in words
    ("A or B", NONE),
    ("A/B", NONE),
    ("A, B", NONE),
    ("B, maybe A", NONE),
    ("B (or A)", NONE),
    ("B. Or perhaps A.", NONE),
    ("I am torn between A and B", NONE),
    ("Neither A nor B", NONE),
    ("Either B or C.", NONE),
    ("The answer is A or B.", NONE),
    ("The answer is A. No, the answer is B.", NONE),
    ("The answer is not B.", NONE),
    ("B is wrong.", NONE),
    ("The answer is a rotation.", NONE),
    ("A camera moved", NONE),
    ("Because of the shift", NONE),
    ("I cannot determine the answer.", NONE),
    ("ABC", NONE),
    ("D", NONE),  # there is no such option
    ("", NONE),
]


class Parser(NamedTuple):
    """Somebody's way from a completion to a letter; what is no letter of an option is no answer."""

    name: str
    read: Callable[[str], Any]

    def option(self, said: str) -> int | None:
        letter = self.read(said)
        known = isinstance(letter, str) and len(letter) == 1 and letter in LETTERS[: len(OPTIONS)]
        return LETTERS.index(letter) if known else None


def load(folder: Path | None, package: str, module: str) -> types.ModuleType | None:
    """A module of a checkout by its file, so that nothing else of the harness has to be installed."""
    path = folder / (module.replace(".", "/") + ".py") if folder else None
    if path is None:
        found = importlib.util.find_spec(package)
        path = (
            Path(found.origin).parents[1] / (module.replace(".", "/") + ".py")
            if found and found.origin
            else None
        )
    if path is None or not path.is_file():
        return None
    spec = importlib.util.spec_from_file_location(f"theirs_{path.stem}", path)
    if spec is None or spec.loader is None:
        return None
    loaded = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(loaded)
    return loaded


def others(lmms_eval: Path | None, vlmevalkit: Path | None) -> list[Parser]:
    """The parsers that are here."""
    choices = dict(zip(LETTERS, OPTIONS, strict=False))
    parsers = []
    shared = load(lmms_eval, "lmms_eval", "lmms_eval.tasks._task_utils.mcq_extract")
    if shared:
        parsers.append(Parser("lmms-eval, shared", lambda said: shared.extract_mcq_answer(said, [*choices])))
    mindcube = load(lmms_eval, "lmms_eval", "lmms_eval.tasks.mindcube.utils")
    if mindcube:
        parsers.append(Parser("lmms-eval, MindCube", mindcube.extract_answer))
    _stand_in_for_logging()
    matching = load(vlmevalkit, "vlmeval", "vlmeval.utils.matching_util")
    if matching:
        parsers.append(Parser("VLMEvalKit", lambda said: matching.can_infer(said, dict(choices))))
    spatial = load(vlmevalkit, "vlmeval", "vlmeval.dataset.utils.spatial_bench.matching_func")
    if spatial:
        parsers.append(Parser("VLMEvalKit, spatial", lambda said: spatial.can_match_option(said, [*choices])))
    return parsers


def _stand_in_for_logging() -> None:
    """VLMEvalKit's parsers take a logger from a module that pulls the whole kit in, and words for numbers."""
    import logging

    names = ("vlmeval", "vlmeval.smp", "vlmeval.smp.log", "num2words")
    if importlib.util.find_spec("vlmeval") is None:
        for name in names:
            sys.modules.setdefault(name, types.ModuleType(name))
        vars(sys.modules["vlmeval.smp.log"])["get_logger"] = logging.getLogger
        vars(sys.modules["num2words"]).setdefault("num2words", lambda number, lang: str(number))


def letter(index: int | None) -> str:
    return "-" if index is None else LETTERS[index]


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--lmms-eval", type=Path, help="a checkout; else the installed package")
    parser.add_argument("--vlmevalkit", type=Path, help="a checkout; else the installed package")
    parser.add_argument("--json", type=Path)
    given = parser.parse_args()
    theirs = others(given.lmms_eval, given.vlmevalkit)
    table = Table("said", "expected", "ours", *(one.name for one in theirs))
    rows: list[dict[str, Any]] = []
    for said, expected in ANSWERS:
        verdicts = {"ours": parse_answer(said, OPTIONS)} | {one.name: one.option(said) for one in theirs}
        rows.append(
            {"said": said, "expected": letter(expected)} | {k: letter(v) for k, v in verdicts.items()}
        )
        table.add_row(ascii(said)[1:-1], letter(expected), *map(letter, verdicts.values()))
    console = Console(width=160)
    console.print(table)
    for name in ("ours", *(one.name for one in theirs)):
        agreed = sum(row[name] == row["expected"] for row in rows)
        taken = sum(row["expected"] == "-" != row[name] for row in rows)
        console.print(
            f"{name}: as expected for {agreed} of {len(rows)}; reads {taken} that say no single option"
        )
    if given.json:
        given.json.write_text(json.dumps(rows, indent=1, ensure_ascii=False) + "\n")
    return int(any(row["ours"] != row["expected"] for row in rows))


if __name__ == "__main__":
    sys.exit(main())
