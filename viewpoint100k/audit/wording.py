"""Probes whether questions can be answered without looking: by letters, priors, options or words."""

import re
from collections import Counter, defaultdict
from collections.abc import Callable, Sequence

import numpy as np

from viewpoint100k.audit.report import Bounds, Measured, Probe, judge, not_measured
from viewpoint100k.audit.samples import Asked, Samples, says_none
from viewpoint100k.audit.statistics import Share, chi_square_p, share

ABOVE_CHANCE = 0.03
POSITION_TOLERANCE = 0.02
# questions that the classifier learns from: it takes seconds, and suffices for a bound of three points
MOST_BLIND = 3000
FEWEST_BLIND = 200
FOLDS = 5
SAME_LENS = "the same lens stated"
OTHER_LENS = "another lens stated"


def chance(questions: Sequence[Asked]) -> float:
    """The score of somebody who knows only how often "none" is right.

    With three options and a fifth of the answers "none", always saying "left" scores 40 %. That is no fault
    of the questions, so it counts as chance. A probe of its own judges whether a fifth is enough.
    """
    offered = [[says_none(option) for option in asked.question.options] for asked in questions]
    if not any(any(each) for each in offered):
        return float(np.mean([1 / len(each) for each in offered]))
    none = float(np.mean([says_none(asked.right) for asked in questions]))
    others = float(np.mean([1 / max(1, len(each) - sum(each)) for each in offered]))
    return max(none, (1 - none) * others)


def by_stated_lens(questions: Sequence[Asked]) -> dict[str, list[Asked]]:
    """The questions by what they state about the lens; those that state nothing are under ""."""
    out = defaultdict[str, list[Asked]](list)
    for asked in questions:
        out[_stated_lens(asked)].append(asked)
    return out


def _stated_lens(asked: Asked) -> str:
    if asked.lenses is None:
        return ""
    return SAME_LENS if asked.lenses[0] == asked.lenses[1] else OTHER_LENS


def with_options(samples: Samples) -> dict[str, list[Asked]]:
    """The questions that offer options, by kind."""
    kept = {kind: [asked for asked in every if asked.right] for kind, every in samples.fair().items()}
    return {kind: every for kind, every in kept.items() if every}


def always_all(questions: Sequence[Asked]) -> bool:
    """Whether a kind offers all its options every time."""
    return len({frozenset(asked.question.options) for asked in questions}) == 1


def letter_position(samples: Samples) -> Probe:
    """The right answer must be at each position of the list of options equally often."""
    measured = []
    for kind, every in with_options(samples).items():
        by_count = defaultdict[int, list[Asked]](list)
        for asked in every:
            by_count[len(asked.question.options)].append(asked)
        for count, questions in sorted(by_count.items()):
            places = [asked.question.answer_index for asked in questions]
            seen = [places.count(place) for place in range(count)]
            p = chi_square_p(seen, [len(places) / count] * count)
            bounds = Bounds(1 / count - POSITION_TOLERANCE, 1 / count + POSITION_TOLERANCE)
            for place in range(count):
                score = share([at == place for at in places], [asked.item.key for asked in questions])
                name = f"{kind}, option {place + 1} of {count}"
                measured.append(Measured(name, score, bounds, f"chi-square p = {p:.3g}", p))
    what = "how often each place among the options is the right one"
    return judge("letter_position", what, measured, too_few="too few questions with options")


def majority_answer(samples: Samples) -> Probe:
    """No answer of a kind may be right more often than its fair share; `none_share` judges "none"."""
    measured = []
    for kind, every in with_options(samples).items():
        if not always_all(every):
            continue
        said = [asked for asked in every if not says_none(asked.right)]
        fair = [option for option in every[0].question.options if not says_none(option)]
        cells = defaultdict[str, list[Asked]](list)
        for asked in said:
            cells[kind].append(asked)
            cells[f"wording {asked.question.template}"].append(asked)
        for name, questions in cells.items():
            top = Counter(asked.right for asked in questions).most_common(1)[0][0]
            score = share(
                [asked.right == top for asked in questions], [asked.item.group for asked in questions]
            )
            measured.append(Measured(f"{name}: {top!r}", score, Bounds(high=1 / len(fair) + ABOVE_CHANCE)))
    what = "how often the most frequent answer is right, of those that say something happened"
    return judge("majority_answer", what, measured, too_few="too few questions with a fixed set of options")


def prior_guess(samples: Samples) -> Probe:
    """Picking the option that is most often right for other objects must not pay, if options are drawn."""
    measured = []
    for kind, every in with_options(samples).items():
        if always_all(every):
            continue
        total = Counter(asked.right for asked in every)
        own = defaultdict[str, Counter[str]](Counter)
        for asked in every:
            own[asked.item.group][asked.right] += 1
        hits = []
        for asked in every:
            known = [total[option] - own[asked.item.group][option] for option in asked.question.options]
            hits.append(_hit_rate(asked, [i for i, count in enumerate(known) if count == max(known)]))
        found = share(hits, [asked.item.group for asked in every])
        measured.append(Measured(kind, found, Bounds(high=chance(every) + ABOVE_CHANCE)))
    what = "score of picking the option that is right most often for other objects"
    return judge("prior_guess", what, measured, too_few="no kind draws its options")


def option_structure(samples: Samples) -> Probe:
    """A comparison of the options with each other must not reveal the right one."""
    measured = []
    all_hits = defaultdict[str, list[tuple[float, str, float]]](list)
    for kind, every in with_options(samples).items():
        fair = chance(every)
        for rule, pick in RULES.items():
            picked = [(asked, pick(asked.question.options)) for asked in every]
            used = [(asked, best) for asked, best in picked if 0 < len(best) < len(asked.question.options)]
            if not used:
                continue
            hits = [_hit_rate(asked, best) for asked, best in used]
            groups = [asked.item.group for asked, _ in used]
            all_hits[rule] += [(hit, group, fair) for hit, group in zip(hits, groups, strict=True)]
            measured.append(
                Measured(f"{rule}, {kind}", share(hits, groups), Bounds(high=fair + ABOVE_CHANCE))
            )
    for rule, rows in all_hits.items():
        fair = float(np.mean([row[2] for row in rows]))
        score = share([row[0] for row in rows], [row[1] for row in rows])
        measured.append(Measured(f"{rule}, all kinds", score, Bounds(high=fair + ABOVE_CHANCE)))
    what = "score of rules that only compare the options: length, shared words, middle number, opposites"
    return judge("option_structure", what, measured, too_few="too few questions with options")


def _hit_rate(asked: Asked, picked: Sequence[int]) -> float:
    return (asked.question.answer_index in picked) / len(picked)


def _words(option: str) -> set[str]:
    return set(re.findall(r"[a-z]+|\d+", option.lower()))


def _overlaps(options: Sequence[str]) -> list[float]:
    words = [_words(option) for option in options]
    return [
        sum(len(mine & theirs) / max(1, len(mine | theirs)) for j, theirs in enumerate(words) if j != i)
        for i, mine in enumerate(words)
    ]


def _extreme(scores: Sequence[float], best: Callable[[Sequence[float]], float]) -> list[int]:
    wanted = best(scores)
    return [i for i, value in enumerate(scores) if abs(value - wanted) < 1e-9]


def _not_nested(options: Sequence[str]) -> list[int]:
    words = [_words(option) for option in options]
    return [
        i
        for i, mine in enumerate(words)
        if not any(mine <= theirs or theirs <= mine for j, theirs in enumerate(words) if j != i)
    ]


def _median(options: Sequence[str]) -> list[int]:
    numbers = [re.search(r"\d+(?:\.\d+)?", option) for option in options]
    if any(match is None for match in numbers):
        return []
    values = [float(match.group()) for match in numbers if match]
    return _extreme([abs(value - float(np.median(values))) for value in values], min)


def _twins(options: Sequence[str]) -> list[int]:
    """The options that differ from another option in one word only."""
    words = [option.lower().split() for option in options]
    return [
        i
        for i, mine in enumerate(words)
        if any(
            len(mine) == len(theirs) and sum(a != b for a, b in zip(mine, theirs, strict=True)) == 1
            for j, theirs in enumerate(words)
            if j != i
        )
    ]


RULES: dict[str, Callable[[Sequence[str]], list[int]]] = {
    "longest": lambda options: _extreme([len(option) for option in options], max),
    "shortest": lambda options: _extreme([len(option) for option in options], min),
    "odd one out": lambda options: _extreme(_overlaps(options), min),
    "most alike": lambda options: _extreme(_overlaps(options), max),
    "not nested": _not_nested,
    "middle number": _median,
    "one of the twins": _twins,
}


def blind_text(samples: Samples) -> Probe:
    """A classifier that reads the question and sees no picture must not score above chance."""
    name = "blind_text"
    what = "score of character n-grams + logistic regression without pictures, objects held out"
    every = [asked for questions in with_options(samples).values() for asked in questions]
    chosen = samples.draw({asked.question.id for asked in every}, MOST_BLIND, name)
    every = [asked for asked in every if asked.question.id in chosen]
    if len(every) < FEWEST_BLIND or len({asked.item.group for asked in every}) < FOLDS:
        return not_measured(
            name, what, f"needs {FEWEST_BLIND} questions of {FOLDS} objects; there are {len(every)}"
        )
    hits = _blind_hits(every)
    measured = []
    by_kind = defaultdict[str, list[int]](list)
    for i, asked in enumerate(every):
        by_kind[asked.kind].append(i)
    fair = {kind: chance([every[i] for i in rows]) for kind, rows in by_kind.items()}
    for kind, rows in by_kind.items():
        measured.append(Measured(kind, _share(every, hits, rows), Bounds(high=fair[kind] + ABOVE_CHANCE)))
    overall = float(np.mean([fair[asked.kind] for asked in every]))
    together = _share(every, hits, range(len(every)))
    measured.append(Measured("all kinds", together, Bounds(high=overall + ABOVE_CHANCE)))
    return judge(name, what, measured)


def _share(every: Sequence[Asked], hits: Sequence[bool], rows: Sequence[int]) -> Share:
    return share([hits[i] for i in rows], [every[i].item.group for i in rows])


def _blind_hits(every: Sequence[Asked]) -> list[bool]:
    """Whether a classifier that rates options by text, position and question picks the right one."""
    from sklearn.feature_extraction.text import TfidfVectorizer
    from sklearn.linear_model import LogisticRegression
    from sklearn.model_selection import GroupKFold

    texts = [[_tokens(asked, i) for i in range(len(asked.question.options))] for asked in every]
    hits = [False] * len(every)
    groups = [asked.item.group for asked in every]
    for train, test in GroupKFold(FOLDS).split(every, groups=groups):
        vectors = TfidfVectorizer(analyzer=list, min_df=2, sublinear_tf=True)
        right = [i == every[row].question.answer_index for row in train for i in range(len(texts[row]))]
        model = LogisticRegression(C=3.0, max_iter=100, tol=1e-3)
        model.fit(vectors.fit_transform([tokens for row in train for tokens in texts[row]]), right)
        scores = model.decision_function(vectors.transform([tokens for row in test for tokens in texts[row]]))
        start = 0
        for row in test:
            end = start + len(texts[row])
            hits[row] = int(np.argmax(scores[start:end])) == every[row].question.answer_index
            start = end
    return hits


def _lens_word(lenses: tuple[float, float] | None) -> str:
    """A word for what a question says about the second picture's lens."""
    if lenses is None:
        return "not stated"
    first, second = lenses
    if second > first:
        return "wider"
    return "longer" if second < first else "same"


def _tokens(asked: Asked, place: int) -> list[str]:
    """n-grams of an option, alone and with the question, which a linear model cannot combine by itself."""
    options = asked.question.options
    text = options[place]
    rest = {word for i, other in enumerate(options) if i != place for word in _words(other)}
    padded = f" {text.lower()} "
    grams = [padded[i : i + n] for n in (3, 4, 5) for i in range(len(padded) - n + 1)]
    fresh = len(_words(text) - rest)
    rank = sum(len(other) < len(text) for other in options)
    context = [f"#{asked.kind}", f"#{asked.question.template}"]
    lens = _lens_word(asked.lenses)
    moves = " ".join(re.findall(r"\d+ degrees(?: \w+-?\w*)?", asked.question.prompt.split("\n")[0]))
    facts = [
        f"={text}",
        f"={text}, {moves}",
        f"={text}, lens {lens}",
        f"@{place}/{len(options)}",
        f"fresh{fresh}",
        f"rank{rank}/{len(options)}",
    ]
    return grams + facts + [f"{where}{fact}" for where in context for fact in facts]


def wording_leakage(samples: Samples) -> Probe:
    """The wordings of test questions must not occur in training."""
    name = "wording_leakage"
    what = "wordings of test questions that training questions have too"
    by_split = defaultdict[str, dict[str, str]](dict)
    for every in samples.asked().values():
        for asked in every:
            by_split[asked.item.sample.split].setdefault(asked.question.template, asked.item.key)
    train = by_split.get("train", {})
    test = by_split.get("test", {})
    if not train or not test:
        return not_measured(name, what, "there is no training split or no test split")
    shared = sorted(set(train) & set(test))
    return Probe(
        name=name,
        what=what,
        value=len(shared) / len(test),
        threshold=Bounds(high=0.0),
        n=len(test),
        verdict="fail" if shared else "pass",
        because=f"{len(shared)} of {len(test)} test wordings are also in training"
        if shared
        else "none is shared",
        detail={"shared": shared[:100]},
        worst=[test[template] for template in shared[:6]],
    )


def none_share(samples: Samples) -> Probe:
    """If "nothing happened" is offered, it must be right often enough, whatever lens is stated."""
    measured = []
    for kind, every in with_options(samples).items():
        offered = [asked for asked in every if any(map(says_none, asked.question.options))]
        parts = {kind: offered} if offered else {}
        parts |= {f"{kind}, {stated}": mine for stated, mine in by_stated_lens(offered).items() if stated}
        for name, mine in parts.items():
            score = share([says_none(asked.right) for asked in mine], [asked.item.group for asked in mine])
            measured.append(Measured(name, score, Bounds(0.15, 0.25)))
    what = 'how often "none" is right where it is offered, and with the same lens or another in the text'
    return judge("none_share", what, measured, too_few="no kind offers it often enough")
