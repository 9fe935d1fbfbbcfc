"""Whether one can tell the objects that a question speaks of, by their names and in its pictures."""

from collections.abc import Iterator, Sequence

from viewpoint100k.config import GateConfig
from viewpoint100k.proof.case import Case
from viewpoint100k.proof.events import Event, event_of
from viewpoint100k.records import PartSeen, Question, Scene

LETTER_PX = 3.0  # beside the object's box
PIXELS_OF = 512  # the side of the picture for which the gate counts pixels
ROUNDING_PX = 0.5
SHARE_ATOL = 1e-6


def problems_of_references(case: Case) -> Iterator[str]:
    """Names that fit two objects or none that is seen; letters that are missing, or reveal what is gone."""
    scene = case.sample.scene
    question = case.question
    if scene is None or any(not 0 <= part < len(scene.parts) for part in question.parts):
        yield "speaks of objects that are not there"
        return
    said = " ".join([question.prompt, *question.options]).lower()
    incomplete = _incomplete(case, scene)
    for place in sorted(incomplete & {mark.image for mark in question.marks}):
        yield f"has letters on image {place + 1}, and the one that lacks there tells which object is gone"
    for number in question.parts:
        part = scene.parts[number]
        if part.name.lower() not in said:
            yield f"never says {part.name!r}"
        if fits := [
            other for other in range(len(scene.parts)) if other != number and _fits(scene, number, other)
        ]:
            yield f"says {part.name!r}, which {len(fits) + 1} objects are"
        if not _is_told(case, scene, number):
            yield f"speaks of {part.name}, of which too little can be seen"
        if part.named_by == "letter":
            yield from _missing_letters(case, scene, number, incomplete)


def _incomplete(case: Case, scene: Scene) -> set[int]:
    """The places among two pictures of one from which an object is absent that the other one shows."""
    event = event_of(case) if len(case.question.images) > 1 else None
    if not isinstance(event, Event):
        return set()
    states = {place: scene.views[view].state for place, view in enumerate(case.question.images)}
    return {place for place, state in states.items() if not scene.parts[event.part].present[state]}


def _missing_letters(case: Case, scene: Scene, number: int, incomplete: set[int]) -> Iterator[str]:
    part = scene.parts[number]
    for place, seen in enumerate(_shown(case, scene, number)):
        if place in incomplete or not _is_clear(case, seen, case.gates):
            continue
        if not _has_letter(case.question, place, part.letter, seen):
            yield f"says {part.name!r}, and image {place + 1} has no such letter on it"


def _shown(case: Case, scene: Scene, number: int) -> Sequence[PartSeen]:
    """What each picture of a question shows of an object."""
    return [scene.views[view].parts[number] for view in case.question.images]


def _fits(scene: Scene, number: int, other: int) -> bool:
    """Whether the name of an object is good for another one too."""
    mine = scene.parts[number]
    theirs = scene.parts[other]
    if mine.name == theirs.name:
        return True
    if mine.named_by == "letter" or not mine.noun or mine.noun != theirs.noun:
        return False
    return mine.named_by == "noun" or mine.colour == theirs.colour


def _is_clear(case: Case, seen: PartSeen, gates: GateConfig) -> bool:
    """Whether an object can be told in a picture, by the run's own gates."""
    side = case.sample.views[0].size_px[0]
    enough = seen.pixels >= gates.min_part_pixels * (side / PIXELS_OF) ** 2 - ROUNDING_PX
    share = seen.pixels / seen.solo_pixels if seen.solo_pixels else 0.0
    return enough and share >= gates.min_part_visible - SHARE_ATOL and not seen.cut and seen.box is not None


def _is_told(case: Case, scene: Scene, number: int) -> bool:
    clear = [_is_clear(case, seen, case.gates) for seen in _shown(case, scene, number)]
    change = scene.change
    gone = change is not None and change.part == number and change.kind in ("appeared", "vanished")
    return any(clear) if case.question.type == "seen_in" or gone else all(clear)


def _has_letter(question: Question, place: int, letter: str, seen: PartSeen) -> bool:
    left, top, right, bottom = seen.box or seen.full_box
    return any(
        mark.image == place
        and mark.letter == letter
        and left - LETTER_PX <= mark.x <= right + LETTER_PX
        and top - LETTER_PX <= mark.y <= bottom + LETTER_PX
        for mark in question.marks
    )
