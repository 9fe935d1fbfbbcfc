"""All kinds of questions, in the order of their ranks.

Every file in `kinds/`, and in `kinds/scene/`, holds one kind or a tight family of them, in a tuple `KINDS`. A
new file is found by itself. The order of kinds is part of what a seed determines: those that draw a figure
take from one stream of random numbers, one after the other. So each kind declares its rank.
"""

from collections.abc import Collection, Iterator
from importlib import import_module
from pkgutil import iter_modules

from viewpoint100k.questions import kinds
from viewpoint100k.questions.kind import DrawnKind, Kind, PairKind


def _files(package: str, paths: list[str]) -> Iterator[tuple[str, tuple[Kind, ...]]]:
    """(name of the module, its kinds) of each file of a package and of the packages within it."""
    for file in iter_modules(paths, f"{package}."):
        module = import_module(file.name)
        if file.ispkg:
            yield from _files(file.name, list(module.__path__))
        else:
            yield file.name, module.KINDS


FILES: dict[str, tuple[Kind, ...]] = dict(_files(kinds.__name__, list(kinds.__path__)))
KINDS: tuple[Kind, ...] = tuple(
    sorted((kind for file in FILES.values() for kind in file), key=lambda kind: kind.rank)
)
BY_NAME: dict[str, Kind] = {kind.name: kind for kind in KINDS}
PAIR_KINDS: tuple[PairKind, ...] = tuple(kind for kind in KINDS if isinstance(kind, PairKind))
DRAWN_KINDS: tuple[DrawnKind, ...] = tuple(kind for kind in KINDS if isinstance(kind, DrawnKind))


def never_fair(types: Collection[str] | None = None, tiers: Collection[str] | None = None) -> bool:
    """Whether no question of these types and tiers is ever of the balanced subset; None: all of them.

    Example:
        >>> never_fair(["roll"]), never_fair(["roll", "pitch"]), never_fair(tiers=["B"])
        (True, False, False)
    """
    chosen = [
        kind
        for kind in KINDS
        if (types is None or kind.type in types) and (tiers is None or kind.tier in tiers)
    ]
    return bool(chosen) and not any(kind.can_be_fair for kind in chosen)


assert [kind.rank for kind in KINDS] == list(range(1, len(KINDS) + 1)), (
    f"the ranks of kinds must be 1, 2, 3, ...; they are {[(kind.rank, kind.name) for kind in KINDS]}"
)
assert len(BY_NAME) == len(KINDS), f"two kinds have one name: {sorted(kind.name for kind in KINDS)}"
