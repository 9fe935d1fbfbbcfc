"""Writes docs/questions.md and docs/questions_scenes.md from the registry: `python docs/questions.py PAIRS SETS SCENES`.

These are datasets of ours; a page is written if they ask of its tiers, and must then ask each of its kinds at
least once, for instance of builtin objects: `viewpoint100k generate PAIRS --preset viewpoint-6dof --source
builtin: --pairs 240 --set render.size_px=256`, and `viewpoint100k generate SETS --preset viewpoint-sets
--source builtin: --pairs 60 --set render.size_px=256`, and `viewpoint100k generate SCENES --preset scenes
--source builtin: --pairs 100 --set render.size_px=256`.
"""

import io
import sys
from collections.abc import Sequence
from itertools import chain
from pathlib import Path

from PIL import Image

from viewpoint100k.config import GateConfig
from viewpoint100k.drawing import shown
from viewpoint100k.questions import KINDS, load_templates
from viewpoint100k.questions.kind import Kind, PairKind
from viewpoint100k.questions.registry import FILES
from viewpoint100k.records import Question
from viewpoint100k.shards import StoredSample, iter_samples

DOCS = Path(__file__).parent
PICTURES = Path("pictures") / "questions"
FILE_OF = {
    kind.name: module.partition(".kinds.")[2].replace(".", "/") + ".py"
    for module, kinds in FILES.items()
    for kind in kinds
}
SIDE_PX, GAP_PX = 192, 4
HEAD = """# Questions

Written by `python docs/questions.py PAIRS SETS` from the [registry](../viewpoint100k/questions/registry.py) of kinds, each of
which has a file in [kinds](../viewpoint100k/questions/kinds). Kinds about scenes of several objects have
[a page of their own](questions_scenes.md); frames and signs are in [conventions.md](conventions.md). Some kinds draw a figure at
random (dots, a map, a mirror), and some show three or four views. For a tenth of the pairs, the same is also asked from image 2
to image 1.

A question is asked only

- where its **truth is clear**: each kind has a grey band in which it is not asked (`gates.*_grey`: {greys}); where pixels decide,
  about an object's sides and about what is hidden, the object has at least {pixels} pixels in both pictures
  (`gates.min_pixels`), and the camera moved;
- where it **can be decided**: the second picture would look different, by at least {decidable} of the range of colours, if a
  wrong answer were true (`decidability`, [rendering.md](rendering.md#decidability)).

Every question that can be asked is stored. Those that are **fair** belong to the balanced subset of their shard
([balance.py](../viewpoint100k/questions/balance.py)), by which models are measured. In it, either of two opposite answers is right
equally often, whatever a *flat cue* shows: how the object shifts or grows in the picture, and where and how large it is in each
picture alone. "None" is right in a fifth of the questions, and no one of many options is right much more often than another. Where
one motion alone decides the shift (`next_action`), or both motions do (`relative_pose`), only the single pictures are kept from
revealing the answer. Kinds marked "never fair" are those whose answer one picture always suggests; they are asked all the same.

**What the text states counts as seen.** Some questions state how wide both pictures are. A reader who is told that the lens is
the same may conclude from the size: there, "it grew, so the camera came nearer" is not a shortcut but the answer. Where the text
states two lenses, growth must be right as often as wrong; and "none" must be as frequent with the same lens as with another, or
the text alone would reveal it. `audit` judges flat cues separately for pairs of either sort, and gives small learners the text,
the stated lenses, or the object's box in one picture alone: none may be four points better than always saying the most frequent
answer.

A question is data before it is text: its `relation`, `move` or `change`, its objects and the keys of its options are fields of
the [published question](format.md). All words are in one file, [templates.yaml](../viewpoint100k/questions/templates.yaml): at least
8 wordings of each kind for training and 4 others for the test split, and the words of options, relations, moves and changes. In a
file of your own (`--set questions.templates=mine.yaml`), each wording has the placeholders of its kind: `{{relation}}`, `{{move}}` or
`{{change}}` once, `{{a}}`, `{{b}}` and `{{c}}` as often as you like. What cannot be used is refused before anything is rendered
([words_file.py](../viewpoint100k/questions/words_file.py)). The correct option takes each letter in turn. A share
`questions.other_forms` of the questions is answered by number, in words or in JSON. A number is scored by mean relative accuracy.
`lens` marks kinds that state how wide both pictures are, because size means nothing without that.

A **chain of thought** is written from facts that are clearly true of the pair, facts first, in a closed grammar
([facts](../viewpoint100k/questions/facts)). It is shipped only if [its proof](../viewpoint100k/proof/kinds), which shares no code with
it, reads every sentence back, finds it true, and comes to the same answer. No model is involved.

| kind | tier | options |
|---|---|---|
"""

HEAD_OF_SCENES = """# Questions about scenes

Written by `python docs/questions.py SCENES` from the [registry](../viewpoint100k/questions/registry.py) of kinds, each of which has
a file in [kinds/scene](../viewpoint100k/questions/kinds/scene). Scenes of several objects on a floor are asked these kinds and,
where nothing but the camera moved, also [those about single objects](questions.md), worded for the group.

The objects that a question is about are drawn at random among those that can be told apart in the picture: they have at least
{pixels} pixels of 512 x 512, and {visible:.0%} of what would be seen of each if it were alone is visible. `{{a}}`, `{{b}}`, `{{c}}`
stand for their names; objects without a name of their own are called by letters, which are drawn into the picture. It is also
drawn at random which answer is to be right, and whether the flat picture speaks for it or against it.
[balance.py](../viewpoint100k/questions/balance.py) evens out the rest, by these *flat cues* of the objects: `across` (further right
in the picture), `height` (lower), `looks` (taller), `away` (nearer to the third one), `deeper` (closer to the camera as it is) and
`diagonal` (both `across` and `deeper`). Nothing is asked near the edge between two answers: the margins are settings,
`gates.scene_*`.

The **chains of thought** ([scene_sentences.py](../viewpoint100k/questions/facts/scene_sentences.py)) give directions in degrees
clockwise from the camera's line of sight, and distances in tenths of the scene's radius;
[their proofs](../viewpoint100k/proof/kinds/scene) measure each sentence anew on the objects' boxes and the cameras' matrices.
What appeared, vanished or was turned has no chain: that is seen, not worked out.

| kind | tier | options |
|---|---|---|
"""


def main() -> None:
    if len(sys.argv) < 2:
        sys.exit(__doc__)
    write([Path(argument) for argument in sys.argv[1:]], DOCS)


def write(datasets: Sequence[Path], docs: Path) -> None:
    """Write the pages and pictures/questions/ into a folder, with the clearest example of each kind."""
    examples: dict[str, tuple[StoredSample, Question]] = {}
    for stored in chain.from_iterable(map(iter_samples, datasets)):
        for question in stored.sample.questions:
            name = f"{question.type}/{question.frame}"
            if name not in examples or _worth(question) > _worth(examples[name][1]):
                examples[name] = stored, question
    gates = GateConfig()
    greys = ", ".join(
        f"{name.removesuffix('_grey').removesuffix('_grey_deg').replace('_', ' ')} {band['low']:g} to "
        f"{band['high']:g}"
        for name, band in gates.model_dump().items()
        if "_grey" in name and isinstance(band, dict)
    )
    pages = {
        "questions.md": (
            HEAD.format(greys=greys, decidable=gates.min_decidability, pixels=gates.min_pixels),
            "AB",
        ),
        "questions_scenes.md": (
            HEAD_OF_SCENES.format(pixels=gates.min_part_pixels, visible=gates.min_part_visible),
            "C",
        ),
    }
    for name, (head, tiers) in pages.items():
        kinds = [kind for kind in KINDS if kind.tier in tiers]
        missing = [kind.name for kind in kinds if kind.name not in examples]
        if len(missing) == len(kinds):
            continue
        if missing and not (tiers == "AB" and any(question.tier == "C" for _, question in examples.values())):
            sys.exit(
                f"no example of {', '.join(missing)} in {', '.join(map(str, datasets))}; use more samples"
            )
        if not missing:
            _write_page(docs / name, head, kinds, examples)


def _write_page(
    path: Path, head: str, kinds: Sequence[Kind], examples: dict[str, tuple[StoredSample, Question]]
) -> None:
    (path.parent / PICTURES).mkdir(parents=True, exist_ok=True)
    rows = "".join(
        f"| [{kind.name}](#{_anchor(kind)}) | {kind.tier} | {_options(kind)} |\n" for kind in kinds
    )
    sections = [_section(kind, *examples[kind.name], path.parent) for kind in kinds]
    path.write_text("".join([head, rows, *sections]))


def _worth(question: Question) -> tuple[bool, float]:
    """How good an example is: one with a chain of thought before one without, then the clearer one."""
    return question.chain_of_thought is not None, question.margin


def _anchor(kind: Kind) -> str:
    return kind.name.replace("/", "")


def _options(kind: Kind) -> str:
    if not kind.options:
        return "a number"
    shown = f"{kind.shown} of: " if kind.shown else ""
    words = load_templates().vocabulary.options[kind.name]
    return shown + "; ".join(words[key] for key in kind.options)


def _section(kind: Kind, stored: StoredSample, question: Question, docs: Path) -> str:
    """One kind: what it is, an example with its pictures, answer and chain of thought."""
    answer = kind.fact if isinstance(kind, PairKind) else kind.solve
    what = " ".join((answer.__doc__ or "").split())
    pictures = shown(question, [Image.open(io.BytesIO(image)).convert("RGB") for image in stored.images])
    strip = Image.new("RGB", (len(pictures) * (SIDE_PX + GAP_PX) - GAP_PX, SIDE_PX), "white")
    for place, picture in enumerate(pictures):
        small = picture.resize((SIDE_PX, SIDE_PX), Image.Resampling.LANCZOS)
        strip.paste(small, (place * (SIDE_PX + GAP_PX), 0))
    name = kind.name.replace("/", "-") + ".jpg"
    strip.save(docs / PICTURES / name, quality=85)
    quoted = "\n".join(f"> {line}  " for line in question.prompt.split("\n"))
    cues = dict.fromkeys(cue for pair in kind.opposites for cue in pair.cues)
    notes = "; ".join(
        [f"flat cues: {', '.join(cues)}"] * bool(cues)
        + ["lens"] * kind.lens
        + ["never fair"] * (not kind.can_be_fair)
    )
    thought = f"\n*{question.chain_of_thought}*\n" if question.chain_of_thought else ""
    file = FILE_OF[kind.name]
    files = f"[{file}](../viewpoint100k/questions/kinds/{file}), [proof](../viewpoint100k/proof/kinds/{file})"
    return (
        f"\n## {kind.name}\n\n{what}{f' ({notes})' if notes else ''} Files: {files}.\n\n"
        f"![](pictures/questions/{name})\n\n{quoted}\n\nAnswer: `{question.answer}`\n{thought}"
    )


if __name__ == "__main__":
    main()
