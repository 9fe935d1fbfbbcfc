"""Which object moved, turned, appeared or vanished between two pictures of a scene?"""

from viewpoint100k.proof.case import Answer, Case, Label
from viewpoint100k.proof.events import STAYED, Event, event_of
from viewpoint100k.proof.forms import of_scene
from viewpoint100k.proof.reading import Fact, Proof, Said, Say, only_phrase
from viewpoint100k.proof.scene_facts import RADIUS, SLACK_TENTHS, near

CHANGES = {
    "moved": "stands in another place in image 2",
    "turned": "has been turned on the spot in image 2",
    "appeared": "is present in image 2 only",
    "vanished": "is present in image 1 only",
}
SURELY_APART = 2  # tenths of the scene's radius, of two that are rounded


def _solve(case: Case) -> Answer | str:
    event = event_of(case)
    change = only_phrase(case.wording, CHANGES)
    if not isinstance(event, Event) or case.scene.change is None or change != event.kind:
        return f"asks what {change or 'else'}, and the scene has {event}"
    if event.part not in case.parts or event.margin < 1:
        return f"asks of {case.parts}; what changed is {event}"
    return Answer(Label(case.scene.parts[event.part].name, event.margin), case.scene.change.difference)


def _between(case: Case, say: Say) -> tuple[float, float]:
    """How far apart two objects are in both pictures, tenths of the scene's radius.

    Raises:
        KeyError: either is absent in one of them.
    """
    first = case.number(say["a"])
    second = case.number(say["b"])
    looks = (case.look(1), case.look(2))
    if any(not {first, second} <= {*look.present} for look in looks):
        raise KeyError(say["a"])
    return looks[0].apart(first, second), looks[1].apart(first, second)


def _kept(case: Case, say: Say) -> bool:
    before, after = _between(case, say)
    return say["a"] != say["b"] and abs(before - after) <= STAYED and near(say["t1"], before, SLACK_TENTHS)


def _differs(case: Case, say: Say) -> bool:
    before, after = _between(case, say)
    return near(say["t1"], before, SLACK_TENTHS) and near(say["t2"], after, SLACK_TENTHS)


KEPT = Fact(
    "kept",
    (
        f"<a:name> and <b:name> are about <t1:number> {RADIUS} apart in both images",
        f"in both images the distance between <a:name> and <b:name> is about <t1:number> {RADIUS}",
    ),
    _kept,
)
DIFFERS = Fact(
    "differs",
    (
        f"<a:name> and <b:name> are about <t1:number> {RADIUS} apart in image 1 and about <t2:number> in "
        "image 2",
        f"the distance between <a:name> and <b:name> is about <t1:number> {RADIUS} in image 1 and about "
        "<t2:number> in image 2",
    ),
    _differs,
)


def _follows(said: Said) -> str:
    """Only of what moved: chains say nothing of other changes."""
    kept = said.say("kept")
    differs = said.every("differs")
    if kept is None or not differs or only_phrase(said.case.wording, CHANGES) != "moved":
        return ""
    stayed = {kept["a"], kept["b"]}
    moved = {name for say in differs for name in (say["a"], say["b"])} - stayed
    clear = all(abs(int(say["t1"]) - int(say["t2"])) >= SURELY_APART for say in differs)
    return moved.pop() if len(moved) == 1 and clear and stayed <= {*said.case.names} else ""


PROOFS = {
    "changed_object/scene": Proof(
        of_scene(_solve, 3, images=2),
        (KEPT, DIFFERS),
        frozenset(),
        _follows,
        options={"a": "{a}", "b": "{b}", "c": "{c}"},
        phrases=CHANGES,
    )
}
