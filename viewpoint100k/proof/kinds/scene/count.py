"""How many of the other objects are further to one side, closer or farther than one object?"""

from viewpoint100k.proof.case import Answer, Case
from viewpoint100k.proof.forms import of_scene
from viewpoint100k.proof.reading import Fact, Proof, Said, Say, items_of, only_phrase
from viewpoint100k.proof.scene_facts import clear

NUMBERS = ("zero", "one", "two", "three", "four", "five", "six")
MOST_SAID = 4  # the greatest number among the options
CLEAREST = 9.0
RELATIONS = {
    "left": "further to the left in the picture than",
    "right": "further to the right in the picture than",
    "closer": "closer to the camera than",
    "farther": "farther from the camera than",
}
SIDES = {
    "left": "further to the left",
    "right": "further to the right",
    "closer": "closer to the camera",
    "farther": "farther from the camera",
}
SORTS = ({SIDES["left"], SIDES["right"]}, {SIDES["closer"], SIDES["farther"]})


def _solve(case: Case) -> Answer | str:
    relation = only_phrase(case.wording, RELATIONS)
    if not relation:
        return "does not tell one relation"
    look = case.look()
    (part,) = case.parts
    most = case.gates.max_uncounted
    others = [i for i in look.present if i != part and look.seen[i].visible_fraction > most]
    if not all(look.seen[i].referable for i in others):
        return "counts objects that are neither seen nor hidden"
    amount = look.right if relation in ("left", "right") else look.farther
    amounts = [amount(other, part, case.gates) for other in others]
    if len(amounts) < 2:
        return "counts fewer than two objects"
    if min(map(abs, amounts)) == 0:
        return "counts an object in the grey band"
    number = sum((amount > 0) == (relation in ("right", "farther")) for amount in amounts)
    return clear(case, NUMBERS[number], min(CLEAREST, *map(abs, amounts)))


def _each(case: Case, say: Say) -> bool:
    """All of the others that can be seen, each on its side."""
    look = case.look()
    sides = _sides_of(say)
    said = [name for name, _ in sides]
    seen = {
        part.name
        for part, shown in zip(case.scene.parts, look.seen, strict=True)
        if shown.pixels and shown.referable
    }
    if len(said) != len({*said}) or {*said} != seen - {say["a"]}:
        return False
    here = case.number(say["a"])
    return all(_is_on_side(case, case.number(name), here, side) for name, side in sides)


def _is_on_side(case: Case, part: int, of_part: int, side: str) -> bool:
    look = case.look()
    aside = look.middle_percent(part)[0] - look.middle_percent(of_part)[0]
    nearer = look.away(part) < look.away(of_part)
    on = {SIDES["left"]: aside < 0, SIDES["right"]: aside > 0, SIDES["closer"]: nearer}
    return bool(on.get(side, not nearer))


def _sides_of(say: Say) -> list[tuple[str, str]]:
    """(name, side) of a list."""
    items = (item.partition(" is ") for item in items_of(say["list"]))
    return [(name, side) for name, _, side in items]


EACH = Fact("each", ("compared with <a:name>, <list:sides>", "relative to <a:name>, <list:sides>"), _each)


def _follows(said: Said) -> str:
    each = said.say("each")
    side = SIDES.get(only_phrase(said.case.wording, RELATIONS))
    if each is None or side is None or each["a"] != said.case.names[0]:
        return ""
    sides = [side_said for _, side_said in _sides_of(each)]
    if not any({*sides, side} <= sort for sort in SORTS):
        return ""
    number = sides.count(side)
    return NUMBERS[number] if number <= MOST_SAID else ""


PROOFS = {
    "count/camera": Proof(
        of_scene(_solve, 1),
        (EACH,),
        frozenset(),
        _follows,
        options={"zero": "zero", "one": "one", "two": "two", "three": "three", "four": "four"},
        phrases=RELATIONS,
    )
}
