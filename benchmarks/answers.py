"""How do other parsers read the answers that ours reads? `python benchmarks/answers.py [--lmms-eval FOLDER]
[--vlmevalkit FOLDER] [--json answers.json] [--page docs/answers.md]`.

Each string below is what a model might say to "Which way did the camera move?" with the options A. left,
B. right, C. no movement sideways. Beside our verdict stand those of five parsers, loaded from checkouts of
the two harnesses (or from where they are installed): lmms-eval's shared `extract_mcq_answer`, MindCube's and
MMMU's; VLMEvalKit's `can_infer`, which comes before its judge, and `can_match_option` of its spatial suite. A
parser that is not there is left out. Prints a table; exit 1 if our own verdict is not what is meant.
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

from benchmarks.measured import leave
from viewpoint100k.scoring import LETTERS, parse_answer

OPTIONS = ["left", "right", "no movement sideways"]
A, B, C, NONE = 0, 1, 2, None


class Habit(NamedTuple):
    """A way in which models answer: answers with the option that each means to us, and why parsers differ."""

    name: str
    why: str
    answers: list[tuple[str, int | None]]


HABITS = [
    Habit(
        "The letter, dressed",
        "lmms-eval looks for capitals of ASCII. VLMEvalKit splits at spaces and `.()[],:;!*#{}`, so "
        "that a tag, a backquote, a tilde or a bracket of full width hides the letter beside it; its "
        "spatial suite takes the last line that begins with a letter, also where an explanation follows"
        " the answer.",
        [
            ("B", B),
            ("b", B),
            ("(B)", B),
            ("B.", B),
            ("B!", B),
            ("~B~", B),
            ("<B>", B),
            ("<b>B</b>", B),
            ("✅ B", B),
            ("B) right", B),
            ("B: right", B),
            ("**B**", B),
            ("**B. right**", B),
            ("`B`", B),
            ("### B", B),
            ("\uff22", B),  # full width
            ("【B】", B),
            ("B、right", B),
            ("B选项", B),
            ("B\n\nThe camera moved to the right.", B),
            ("B. right\n\nOption A is wrong because nothing moved left.", B),
            ("B\n\nExplanation: A is wrong because nothing moved left.", B),
            ("B, i.e. right", B),
            ("B because the camera moved right", B),
            ("B</answer>", B),  # the prompt ended with the opening tag
            ("<answer >B</answer >", B),
            ("<answer>A</answer> no, wait: <answer>B</answer>", B),
            ("<|begin_of_box|>B<|end_of_box|>", B),
        ],
    ),
    Habit(
        "LaTeX",
        "No other parser here knows `\\boxed{}`: they read what else stands in the string, the first "
        "capital or the last. Where the brace is missing the answer was cut off, which only we take for"
        " no answer.",
        [
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
        ],
    ),
    Habit(
        "A stated conclusion",
        "Each has a list of phrases of its own, most of them English. VLMEvalKit wants spaces around "
        "the letter, which Chinese has not. Where no phrase is known, the last capital wins, or nothing"
        " does.",
        [
            ("The answer is B.", B),
            ("Final Answer: **B**", B),
            ("The correct option is B) right", B),
            ("I would choose B", B),
            ("I'd say B", B),
            ("Ans. B", B),
            ("The correct answer is most likely (B).", B),
            ('{"reasoning": "it is A or B", "final_answer": "B"}', B),
            ("Looking at A, B and C, the answer is B", B),
            ("The answer is B; A is wrong.", B),
            ("The answer is not A but B.", B),
            ("[Answer] B", B),
            ("Without a doubt, the answer is B.", B),
            ("La respuesta correcta es B", B),
            ("La réponse est B.", B),
            ("Die Antwort ist B", B),
            ("答案：B", B),
            ("答案是 B。", B),
            ("正确答案为（B）", B),
            ("因此选择B", B),
            ("故选：B", B),
            ("正解は B です", B),
            ("정답은 B", B),
            ("옵션 B", B),
        ],
    ),
    Habit(
        "At the end, or in passing",
        "A list of options that is said once more counts as one mention of each letter. VLMEvalKit "
        "gives up at two letters, and where the letter is not among the last words.",
        [
            ("The camera moved to the right, so B", B),
            ("Comparing both pictures, things shifted left.\n\nB", B),
            ("Option B", B),
            ("A. left\nB. right\nC. no movement sideways\n\nB", B),
            ("I believe option B fits best, not option A.", B),
            ("It moved to the right (B).", B),
            ("This corresponds to B.", B),
            ("Not sure. B", B),
            ("Sure, it must be B", B),
            ("Eliminating A and C leaves B.", B),
            ("The camera did not move left.\nSo the answer is B", B),
        ],
    ),
    Habit(
        "One option after the other",
        "Only we read verdicts. The others take the first letter that stands before a colon or point, "
        "or the last.",
        [
            ("A: no. B: yes.", B),
            ("A: no. B: yes. C: no.", B),
            ("A? No. B? Yes.", B),
            ("A is incorrect. B is correct.", B),
            ("A) No B) Yes", B),
            ("A is wrong. B is right.", B),
            ("(A) is wrong, so (B).", B),
            ("Option A: false; option B: true; option C: false", B),
            ("A. left - no\nB. right - yes\nC. no movement sideways - no", B),
            ("A) left: incorrect. B) right: correct.", B),
            ("B是正确的", B),
            ("A is out, C is out, leaving B.", B),
            ("A ✗ B ✓ C ✗", NONE),  # no verdicts one can tell from marks between letters
            ("A: yes. B: yes.", NONE),
            ("A: no. C: no.", NONE),  # what is left over was not said
            ("A: no.", NONE),
            ("A: left. B: right.", NONE),  # repeats the options
            ("A. left\nB. right\nC. no movement sideways", NONE),
        ],
    ),
    Habit(
        "The option's words",
        "lmms-eval's first two look for letters only, and MMMU's for words only from six words on. "
        'VLMEvalKit takes the one option whose words are held, behind a "not" as well; two options are '
        "none.",
        [
            ("The camera moved right.", B),
            ("The camera moved rightwards.", B),
            ("right, not left", B),
            ("not left", NONE),
            ("It didn't move left.", NONE),
            ("It did not move to the left.", NONE),
            ("It's impossible to move left.", NONE),
            ("left or right", NONE),
        ],
    ),
    Habit(
        "Two letters, hedges, refusals",
        "lmms-eval takes one of the letters: the last in the place that it trusts most. VLMEvalKit "
        'takes none of two, unless "answer is" stands before them, and no parser here looks for a '
        '"not".',
        [
            ("A or B", NONE),
            ("A/B", NONE),
            ("A, B", NONE),
            ("a, b", NONE),
            ("B, maybe A", NONE),
            ("B (or A)", NONE),
            ("B. Or perhaps A.", NONE),
            ("I am torn between A and B", NONE),
            ("Neither A nor B", NONE),
            ("Either B or C.", NONE),
            ("The answer is A or B.", NONE),
            ("The answer is a/b", NONE),
            ("정답은 A 또는 B", NONE),
            ("选A还是B", NONE),
            ("The answer is A. No, the answer is B.", NONE),
            ("The answer is not B.", NONE),
            ("I don't think it's B.", NONE),
            ("I don't think the answer is B.", NONE),
            ("I can't tell whether it is B", NONE),
            ("I would not choose B.", NONE),
            ("Option B is not the answer.", NONE),
            ("Option B can be ruled out.", NONE),
            ("It's not (B)", NONE),
            ("Anything but B.", NONE),
            ("Answer: A (or B)", NONE),
            ("It is unclear if the answer is B", NONE),
            ("B is wrong.", NONE),
            ("Is B correct?", NONE),
            ("不选B", NONE),
            ("I cannot determine the answer.", NONE),
            ("D", NONE),  # there is no such option
            ("", NONE),
        ],
    ),
    Habit(
        "A letter that is a word, or a part of one",
        'The others take a capital before a space, or the first letter behind "answer is", for a choice.',
        [
            ("The answer is a rotation.", NONE),
            ("A camera moved", NONE),
            ("Because of the shift", NONE),
            ("Compare A with B.", NONE),
            ("B-roll footage", NONE),
            ("ABC", NONE),
        ],
    ),
]
ANSWERS = [answer for habit in HABITS for answer in habit.answers]
MARKS = r"*_`|<>[]\~&$"  # of Markdown, to be shown as they are
GUESS = "?"  # what a parser draws by chance where it finds nothing


class Parser(NamedTuple):
    """Somebody's way from a completion to a letter; what is no letter of an option is no answer."""

    name: str
    read: Callable[[str], Any]

    def verdict(self, said: str) -> str:
        """A letter, "-" for none, or `GUESS`."""
        read = self.read(said)
        known = isinstance(read, str) and len(read) == 1 and read in LETTERS[: len(OPTIONS)] + GUESS
        return read if known else "-"


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


def parsers_here(lmms_eval: Path | None, vlmevalkit: Path | None) -> list[Parser]:
    """Ours, and those of the harnesses that are here."""
    choices = dict(zip(LETTERS, OPTIONS, strict=False))
    parsers = [Parser("ours", lambda said: letter(parse_answer(said, OPTIONS)))]
    shared = load(lmms_eval, "lmms_eval", "lmms_eval.tasks._task_utils.mcq_extract")
    if shared:
        parsers.append(Parser("lmms-eval, shared", lambda said: shared.extract_mcq_answer(said, [*choices])))
    mindcube = load(lmms_eval, "lmms_eval", "lmms_eval.tasks.mindcube.utils")
    if mindcube:
        parsers.append(Parser("lmms-eval, MindCube", mindcube.extract_answer))
    mmmu = load(lmms_eval, "lmms_eval", "lmms_eval.tasks._task_utils.mmmu_mcq_utils")
    if mmmu:
        vars(mmmu)["random"] = types.SimpleNamespace(choice=lambda letters: GUESS)
        read = mmmu.parse_mmmu_multi_choice_response
        parsers.append(Parser("lmms-eval, MMMU", lambda said: read(said, [*choices], choices)))
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


def compare(parsers: list[Parser]) -> list[dict[str, str]]:
    """A row for each answer: the habit, what is said, which letter is meant, and each parser's verdict."""
    return [
        {"habit": habit.name, "said": said, "meant": letter(meant)}
        | {parser.name: parser.verdict(said) for parser in parsers}
        for habit in HABITS
        for said, meant in habit.answers
    ]


def figures(rows: list[dict[str, str]], name: str) -> dict[str, int]:
    """How many answers a parser reads as meant, how many without a meaning it takes, how many it guesses."""
    return {
        "as meant": sum(row[name] == row["meant"] for row in rows),
        "taken": sum(row["meant"] == "-" and row[name] in LETTERS for row in rows),
        "guessed": sum(row[name] == GUESS for row in rows),
    }


def page(rows: list[dict[str, str]], names: list[str]) -> str:
    """What differs, as Markdown: a table for each habit."""
    parts = [HEAD.format(count=len(rows))]
    parts += [f"| {name} | " + " | ".join(map(str, figures(rows, name).values())) + " |\n" for name in names]
    for habit in HABITS:
        own = [row for row in rows if row["habit"] == habit.name]
        differing = [row for row in own if len({row["meant"], *(row[name] for name in names)}) > 1]
        alike = f"{len(own) - len(differing)} of {len(own)} are read alike by all."
        parts.append(f"\n## {habit.name}\n\n{habit.why} {alike}\n\n")
        parts.append(f"| said | meant | {' | '.join(names)} |\n|---{'|---' * (len(names) + 1)}|\n")
        for row in differing:
            said = "".join(f"&#{ord(sign)};" if sign in MARKS else sign for sign in row["said"])
            said = said.replace("\n", "<br>")
            verdicts = [row["meant"], *(row[name] for name in names)]
            parts.append(f"| <code>{said}</code> | {' | '.join(verdicts)} |\n")
    return "".join(parts)


HEAD = """# How answers are read, here and elsewhere

What a model might say to "Which way did the camera move?" with the options A. left, B. right, C. no movement
sideways, which option we hold to be meant, and the verdicts of our parser and five others, none of which asks
another model. `-` is no answer, `?` a guess. We chose the strings, so this is a list of differences and no
ranking. Written by `python benchmarks/answers.py --lmms-eval CHECKOUT --vlmevalkit CHECKOUT --page
docs/answers.md`.

Of {count} strings:

| parser | read as meant | a letter where none is meant | guesses by chance |
|---|---|---|---|
"""


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--lmms-eval", type=Path, help="a checkout; else the installed package")
    parser.add_argument("--vlmevalkit", type=Path, help="a checkout; else the installed package")
    parser.add_argument("--json", type=Path, help="where to write every verdict")
    parser.add_argument("--page", type=Path, help="where to write the page; leaves the record, too")
    given = parser.parse_args()
    parsers = parsers_here(given.lmms_eval, given.vlmevalkit)
    names = [parser.name for parser in parsers]
    rows = compare(parsers)
    table = Table("said", "meant", *names)
    for row in rows:
        table.add_row(ascii(row["said"])[1:-1], row["meant"], *(row[name] for name in names))
    console = Console(width=160)
    console.print(table)
    told = []
    for name in names:
        counted = figures(rows, name)
        guesses = f", guesses {counted['guessed']}" if counted["guessed"] else ""
        taken = f"{counted['taken']} letters where none is meant"
        told.append(f"{name}: {counted['as meant']} of {len(rows)} as meant, {taken}{guesses}")
    console.print("\n".join(told))
    if given.json:
        given.json.write_text(json.dumps(rows, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    if given.page:
        given.page.write_text(page(rows, names), encoding="utf-8")
        what = f"How {len(rows)} strings that we chose are read by our scorer and by parsers of two harnesses"
        leave("answers", what, "learning", told)
    return int(any(row["ours"] != row["meant"] for row in rows))


if __name__ == "__main__":
    sys.exit(main())
