"""What questions of each family must show before they are answered, and answers that many kinds share."""

from collections.abc import Callable

from viewpoint100k.config import GateConfig, Range
from viewpoint100k.proof.case import Answer, Case, Label
from viewpoint100k.proof.measure import Pair

Solve = Callable[[Case], Answer | str]
PairRule = Callable[[Pair, Case], Label | None]


def of_pair(rule: PairRule, *decided_by: str) -> Solve:
    """Questions that the poses of two views answer, in either order.

    Args:
        rule: the right answer, or None in a grey band.
        decided_by: the things whose difference the question needs, by the fields of `Decidability`; empty:
            the answer says it.
    """

    def solve(case: Case) -> Answer | str:
        question = case.question
        count = len(case.sample.views)
        if len(question.images) != 2 or count > 2 or not all(0 <= view < count for view in question.images):
            return f"shows views {question.images} of {count}, not a pair"
        if question.marks or question.mirrored or question.map_cameras:
            return "has a figure, and its kind has none"
        label = rule(case.pair(), case)
        if label is None:
            return "is asked although the poses are in a grey band"
        return Answer(label, _decidability(case, decided_by or label.decided_by))

    return solve


def _decidability(case: Case, decided_by: tuple[str, ...]) -> float | str:
    """What a question's decidability must be, by what is stored of its sample."""
    in_order = case.question.images == [0, 1]
    stored = case.sample.decidability if in_order else case.sample.decidability_reversed
    if stored is None:
        return "is asked from the second view to the first, and nothing is known of that"
    return min((float(getattr(stored, name)) for name in decided_by), default=0.0)


def of_figure(
    solve: Solve, *, images: tuple[int, ...] = (0, 1), draws: str = "", only_pairs: bool = False
) -> Solve:
    """Questions that draw a figure, and questions about sets of views.

    Args:
        images: the views that the question shows, in order; empty: whichever.
        draws: the field of the question that holds its figure.
        only_pairs: else the first two views of a set will do.
    """

    def checked(case: Case) -> Answer | str:
        question = case.question
        shown = question.images
        if shown != list(images or shown) or len({*shown}) != len(shown):
            return f"shows views {shown}"
        count = len(case.sample.views)
        fits = count == 2 if only_pairs else count > 2 or images == (0, 1)
        if max(shown) >= count or not fits:
            return f"is asked of {count} views"
        if count > 2 and not _tells_how_views_differ(case):
            return "is asked of a set of which it is not stored how its views differ"
        for name in ("marks", "mirrored", "map_cameras"):
            if getattr(question, name) and name != draws:
                return f"has {name} that its kind does not draw"
        answer = solve(case)
        return answer if isinstance(answer, str) else answer._replace(decidability=_at_most_one(answer))

    return checked


def _tells_how_views_differ(case: Case) -> bool:
    count = len(case.sample.views)
    seen = case.sample.seen
    tables = (seen.difference, seen.covisible_fraction)
    whole = all(len(table) == count and all(len(row) == count for row in table) for table in tables)
    return whole and len(seen.other_side) == count


def of_scene(solve: Solve, count: int, *, images: int = 1) -> Solve:
    """Questions about a scene.

    Args:
        count: of the objects that the question speaks of.
        images: how many pictures it shows: one of the sample's, or both of a pair.
    """

    def checked(case: Case) -> Answer | str:
        question = case.question
        scene = case.sample.scene
        if scene is None:
            return "is asked of a single object"
        parts = question.parts
        known = all(0 <= part < len(scene.parts) for part in parts)
        if len(parts) != count or len({*parts}) != count or not known:
            return f"speaks of the objects {parts}; expected {count} different ones"
        if question.mirrored or question.map_cameras or not all(mark.letter for mark in question.marks):
            return "has a figure that its kind does not draw"
        if len({*question.options}) != len(question.options):
            return "has two options that say the same"
        views = len(case.sample.views)
        if images == 2 and (question.images != [0, 1] or views != 2):
            return f"shows views {question.images}"
        if images == 1 and (len(question.images) != 1 or not 0 <= question.images[0] < views):
            return f"shows views {question.images}"
        answer = solve(case)
        return answer if isinstance(answer, str) else answer._replace(decidability=_at_most_one(answer))

    return checked


def _at_most_one(answer: Answer) -> float | str:
    return answer.decidability if isinstance(answer.decidability, str) else min(1.0, answer.decidability)


# --- answers -----------------------------------------------------------------------------------------


def one_of_three(value: float, band: Range, less: str, more: str, none: str) -> Label | None:
    """The words for clearly negative, for clearly positive or for none; None in the grey band."""
    size = abs(value)
    if size <= band.low:
        return Label(none, 2 - size / band.low)
    if size < band.high:
        return None
    return Label(more if value > 0 else less, size / band.high)


def step(pair: Pair, name: str, gates: GateConfig, words: tuple[str, str, str]) -> Label | None:
    """A step along one axis, if it is none or large enough beside the largest.

    Args:
        name: "right", "up" or "forward".
        words: for a negative step, for a positive one and for none.
    """
    value = float(getattr(pair, name))
    label = one_of_three(value, gates.dolly_grey if name == "forward" else gates.truck_grey, *words)
    if label is None or label.words == words[2]:
        return label
    largest = max(abs(pair.right), abs(pair.up), abs(pair.forward))
    return label if abs(value) >= gates.min_axis_share * largest else None


def both(first: Label | None, second: Label | None, joined: str) -> Label | None:
    """Two answers at once; a "none" of either is no answer.

    Args:
        joined: what is said, with braces for the words of both.
    """
    if first is None or second is None:
        return None
    if any(label.words.startswith(("no ", "neither")) for label in (first, second)):
        return None
    return Label(joined.format(first.words, second.words), min(first.margin, second.margin))
