"""Files of words: what cannot be used is refused when it is loaded, and a translation is a dataset in another language."""

import itertools
import re
from importlib import resources

import numpy as np
import pytest
import yaml
from support.scene_samples import synthetic_scene

from viewpoint100k.config import GateConfig, QuestionConfig
from viewpoint100k.errors import InputError
from viewpoint100k.questions import KINDS, ask_all, load_templates
from viewpoint100k.questions.ask import Writer, figure_of, in_english
from viewpoint100k.questions.words_file import problems_of_kind, read_templates, vocabulary_problems
from viewpoint100k.scoring import score

GATES = GateConfig()
EGO, ROLL = "ego_translation/camera_1", "roll/behind_camera_1"

# --- wordings -------------------------------------------------------------------------------


PLACEHOLDER = re.compile(r"\{\w+\}")
OURS = yaml.safe_load((resources.files("viewpoint100k.questions") / "templates.yaml").read_text("utf-8"))
USES = ("train", "test")


def quae(section, use):
    """One short wording, with the placeholders of ours in another order."""
    return " ".join([f"{use}: quae", *sorted({*PLACEHOLDER.findall(section[use][0])}, reverse=True), "est?"])


PLAIN = {
    name: {**section, **{use: [quae(section, use)] for use in USES}} if name != "shared" else section
    for name, section in OURS.items()
}
WORDS_OF = {  # the words of each kind, without wordings
    name: {key: words for key, words in section.items() if key not in USES} for name, section in OURS.items()
}
COUNT, CLOSER, VIEW, CHANGED = (
    "count/camera",
    "closer/camera",
    "which_view/around_object",
    "changed_object/scene",
)
AFTER, HOPS = "side_after/camera", "hops/camera"


def load(tmp_path, change, base=PLAIN):
    (tmp_path / "mine.yaml").write_text(yaml.safe_dump({**base, **change}))
    return load_templates(str(tmp_path / "mine.yaml"))


def refusal(tmp_path, change, base=PLAIN):
    with pytest.raises(InputError) as error:
        load(tmp_path, change, base)
    return str(error.value)


def with_words(name, section):
    """A section with the words of its kind, if it is one and holds wordings."""
    return {**WORDS_OF[name], **section} if name in WORDS_OF and isinstance(section, dict) else section


def test_wordings_can_be_replaced_by_a_file(tmp_path):
    ours = load_templates()
    assert load(tmp_path, {}, OURS) == ours
    mine = load(tmp_path, {})
    assert mine.vocabulary == ours.vocabulary
    assert mine.wordings == {name: {use: PLAIN[name][use] for use in USES} for name in ours.wordings}


def test_each_placeholder_of_each_wording_of_ours_is_needed_and_no_other_is_taken(tmp_path):
    """Tried on the first wording of each list; ours are what says which kind has which."""
    path, tried = tmp_path / "mine.yaml", 0

    def refused(kind, use, wordings):
        path.write_text(
            yaml.safe_dump({"shared": OURS["shared"], kind.name: {**PLAIN[kind.name], use: wordings}})
        )
        with pytest.raises(InputError) as error:
            read_templates(str(path), [kind])
        return str(error.value)

    for kind, use in itertools.product(KINDS, ("train", "test")):
        first, *others = OURS[kind.name][use]
        mine = {*PLACEHOLDER.findall(first)}
        assert all({*PLACEHOLDER.findall(other)} == mine for other in others)
        for placeholder in sorted(mine):
            spoiled = first.replace(placeholder, "something")
            said = refused(kind, use, [spoiled])
            assert all(
                part in said for part in ("mine.yaml", kind.name, use, spoiled[:40], f"lacks {placeholder}")
            ), said
            tried += 1
        for placeholder in sorted({"{move}", "{relation}", "{change}", "{a}", "{b}", "{c}", "{d}"} - mine):
            said = refused(kind, use, [*PLAIN[kind.name][use], f"{first} {placeholder}"])
            assert all(
                part in said for part in ("mine.yaml", kind.name, use, "2 of 2", f"has {placeholder}")
            ), said
            assert all(one in said.rpartition("expected")[2] for one in mine or ["no placeholder"]), said
            tried += 1
    assert tried == 2 * 7 * len(KINDS)


@pytest.mark.parametrize(
    ("kind", "wording", "words"),
    [
        (COUNT, "How many things are near {a}?", ["lacks {relation}", "{relation} once and {a} once or more"]),
        (COUNT, "How many are {relation} {a}, truly {relation} it?", ["has {relation} 2 times", "{relation} once"]),
        (COUNT, "How many are { relation } {a}?", ["has { relation }"]),
        (COUNT, "How many are {Relation} {a}?", ["has {Relation}"]),
        (COUNT, "How many are {relation.__class__} {a}?", ["has {relation.__class__}"]),
        (COUNT, "How many are {relation!r} {a}?", ["has {relation!r}"]),
        (COUNT, "How many are {relation:>10} {a}?", ["has {relation:>10}"]),
        (COUNT, "How many are {relation} {a[0]}?", ["has {a[0]}"]),
        (COUNT, "How many are {{relation}} {a}?", ["no other braces"]),
        (COUNT, "How many are {relation} {a?", ["belongs to no placeholder", "'{'"]),
        (COUNT, "How many are {relation} a} {a}?", ["belongs to no placeholder", "'}'"]),
        (COUNT, "How many are {relation} {a} {}?", ["has {}"]),
        (COUNT, "How many are {0} {a}?", ["has {0}"]),
        (COUNT, "How many are {relation} {a} {b}?", ["has {b}"]),
        (COUNT, "How many are {relation} {a}, closer to the camera than it?", ["cannot be told", "closer to the camera than"]),
        (COUNT, "Count. {relation} {a}: how many?", ["cannot be told", "capital"]),
        (HOPS, "The camera {move} and all else stays where it is: where is {a}, from {b}?", ["cannot be told"]),
        (AFTER, "{move}: where would {a} be, from {b}?", ["cannot be told", "capital"]),
        (VIEW, "The camera moves. What then?", ["lacks {move}"]),
        (VIEW, "The camera {move}; it never rises until it looks down at the object about 40 degrees more steeply.",
         ["cannot be told"]),
        (CLOSER, "Which is closer?", ["lacks {a}"]),
        (CLOSER, "Which is closer, {a} or {c}?", ["has {c}"]),
        (CHANGED, "Which of {a}, {b} and {c} {change}?", ["has {a}"]),
        (EGO, "Which way did {a} move?", ["has {a}", "expected no placeholder"]),
        (EGO, "Which way {}?", ["has {}", "expected no placeholder"]),
        (EGO, "Which way? :}", ["belongs to no placeholder"]),
        (EGO, "", ["is empty"]),
        (EGO, " \t\n ", ["is empty"]),
        (EGO, "Which\x07 way?", ["control character"]),
        (EGO, None, ["is empty", "quotes"]),
        (EGO, True, ["is a truth value", "quotes"]),
        (EGO, 3.5, ["is a number"]),
        (EGO, {"Which way": "left or right?"}, ["is a mapping", "quotes"]),
        (EGO, ["Which way?"], ["is a list"]),
    ],
)  # fmt: skip
@pytest.mark.parametrize("use", ["train", "test"])
def test_a_wording_that_cannot_be_used_is_refused_when_it_is_loaded(kind, wording, words, use, tmp_path):
    said = refusal(tmp_path, {kind: {**PLAIN[kind], use: [*PLAIN[kind][use], wording]}})
    assert all(word in said for word in ["mine.yaml", kind, use, "wording 2 of 2", *words]), said


def test_half_a_character_is_refused_for_no_shard_could_hold_it(tmp_path):
    text = yaml.safe_dump(PLAIN).replace("'train: quae est?'", '"Which \\ud800 way?"', 1)
    (tmp_path / "mine.yaml").write_text(text)
    with pytest.raises(InputError, match="half of a character"):
        load_templates(str(tmp_path / "mine.yaml"))


@pytest.mark.parametrize(
    ("kind", "wording"),
    [
        (COUNT, "Of all but {a}, how many lie {relation} {a}?"),
        (COUNT, "Quot res\nsunt {relation}\n{a}?\n"),
        (CLOSER, "{b}, {a}: utra camerae propior est? {a}? {b}?"),
        (AFTER, "如果相机 {move}，{a} 在 {b} 的哪一边？"),
        (EGO, "¿Hacia dónde se movió la cámara? 100 %: $x, <b>, \\n"),
        (EGO, "में कैमरा किस ओर\u200d गया?"),
    ],
)
def test_a_wording_may_be_of_any_language_and_name_an_object_again(kind, wording, tmp_path):
    change = {kind: {**WORDS_OF[kind], "train": [wording], "test": [wording]}}
    assert load(tmp_path, change).wordings[kind]["test"] == [wording]


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (
            {ROLL: {"train": ["Which?", "How?", " Which? "], "test": ["What?"]}},
            [ROLL, "train", "1 and 3", "Which?"],
        ),
        ({ROLL: {"train": ["A?"], "test": ["B?", "B?"]}}, [ROLL, "test", "1 and 2"]),
        (
            {ROLL: {"train": ["A?"], "test": ["B?"], "validation": ["C?"]}},
            [ROLL, "validation", "nothing else"],
        ),
        ({ROLL: {"train": "A?", "test": ["B?"]}}, [ROLL, "train"]),
        ({ROLL: {"train": {"A": 1}, "test": ["B?"]}}, [ROLL, "train"]),
        ({ROLL: "A?"}, [ROLL, "str"]),
        ({7: {"train": ["A?"], "test": ["B?"]}, "x": 3}, ["unknown kind 7"]),
        ({None: {}}, ["unknown kind None"]),
        ({ROLL.upper(): {"train": ["A?"], "test": ["B?"]}}, [f"unknown kind {ROLL.upper()!r}", ROLL]),
    ],
)
def test_lists_that_are_none_and_kinds_that_do_not_exist_are_named(change, words, tmp_path):
    said = refusal(tmp_path, {name: with_words(name, section) for name, section in change.items()})
    assert all(word in said for word in ["mine.yaml", *words]), said


def test_every_kind_that_is_missing_is_missed(tmp_path):
    for kind in KINDS:
        (tmp_path / "mine.yaml").write_text(
            yaml.safe_dump({name: PLAIN[name] for name in PLAIN if name != kind.name})
        )
        with pytest.raises(InputError, match=rf"mine\.yaml: has no wordings for the kind '{kind.name}'"):
            load_templates(str(tmp_path / "mine.yaml"))


@pytest.mark.parametrize(
    "again", [f"{ROLL}:\n  train: [A]\n  test: [B]\n", f'"{ROLL}":\n  train: [A]\n  test: [B]\n']
)
def test_a_kind_that_is_there_twice_is_refused_for_one_of_both_would_be_lost(again, tmp_path):
    (tmp_path / "mine.yaml").write_text(yaml.safe_dump(PLAIN) + again)
    with pytest.raises(InputError, match=rf"mine\.yaml.*'{ROLL}' is there twice.*line \d+"):
        load_templates(str(tmp_path / "mine.yaml"))


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({EGO: None}, [EGO, "train", "test"]),
        ({EGO: {"train": ["Which?"]}}, [EGO]),
        ({ROLL: {"train": [], "test": ["Which?"]}}, [ROLL]),
        ({ROLL: {"train": ["Which?"], "test": [5]}}, [ROLL]),
        ({ROLL: {"train": ["Which?"], "test": ["  "]}}, [ROLL]),
        ({ROLL: ["Which?"]}, [ROLL]),
        ({"roll/of_a_drum": {"train": ["a"], "test": ["b"]}}, ["roll/of_a_drum", "unknown"]),
    ],
)
def test_a_file_that_lacks_wordings_or_has_too_many_names_the_kind(change, words, tmp_path):
    said = refusal(tmp_path, {name: with_words(name, section) for name, section in change.items()})
    assert all(word in said for word in ["mine.yaml", *words]), said


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[]",
        "a: [",
        "7",
        "a: 2020-99-99",
        "? [a]\n: b",
        "&a [*a]",
        "a: !!python/name:os.system",
        "[" * 9999,
    ],
)
def test_a_broken_wordings_file_is_an_error_that_says_what_is_expected(text, tmp_path):
    (tmp_path / "mine.yaml").write_text(text)
    with pytest.raises(InputError, match=r"mine\.yaml"):
        load_templates(str(tmp_path / "mine.yaml"))


def test_the_wordings_we_ship_differ_between_training_and_testing():
    templates = load_templates()
    for kind in KINDS:
        train, test = (set(templates.wordings[kind.name][use]) for use in USES)
        assert len(train) >= 8, kind.name
        assert len(test) >= 3, kind.name
        assert not train & test, kind.name


# --- words -------------------------------------------------------------------------------------------


HIDES = "hides/camera"
GOES = OURS[AFTER]["move"]


@pytest.mark.parametrize(
    ("kind", "field", "change", "words"),
    [
        (EGO, "options", {"left": None}, ["options", "left", "is empty"]),
        (EGO, "options", {"left": 3}, ["options", "left", "is a number", "quotes"]),
        (EGO, "options", {"left": "right"}, ["options", "left and right are the same"]),
        (EGO, "options", {"left": " Right "}, ["options", "left and right are the same"]),
        (EGO, "options", {"left": "A"}, ["options", "left", "letter or the number of an option"]),
        (EGO, "options", {"left": "to {a}"}, ["options", "left", "has {a}", "expected no placeholder"]),
        (EGO, "options", {"left": "left\nor so"}, ["options", "left", "several lines"]),
        (EGO, "options", {"up": "up"}, ["options", "'up'", "nothing else"]),
        (HIDES, "options", {"a_hides_b": "{a} hides it"}, ["options", "a_hides_b", "lacks {b}"]),
        (CLOSER, "options", {"a": "the first"}, ["options", "lacks {a}"]),
        (COUNT, "relation", {"left": ""}, ["relation", "left", "is empty"]),
        (COUNT, "relation", {"left": "beside {a}"}, ["relation", "left", "has {a}"]),
        (COUNT, "relation", {"left": "right of", "right": "far to the right of"}, ["relation", "'right of'"]),
        (VIEW, "move", {"rises": "rises"}, ["move", "rises", "lacks {degrees}"]),
        (VIEW, "move", {"rises": "rises {degrees} and {more}"}, ["move", "rises", "has {more}"]),
        (AFTER, "move", {"half": GOES["left"]}, ["move", "is also in"]),
        (CHANGED, "change", {"gone": "is gone"}, ["change", "'gone'", "nothing else"]),
    ],
)
def test_words_that_cannot_be_used_are_refused_when_they_are_loaded(kind, field, change, words, tmp_path):
    said = refusal(tmp_path, {kind: {**PLAIN[kind], field: {**PLAIN[kind][field], **change}}})
    assert all(word in said for word in ["mine.yaml", kind, *words]), said


def test_each_word_of_each_kind_is_needed():
    """Tried on the sections alone: what is said of a file names the file before."""
    tried = 0
    for kind in KINDS:
        for field, words in WORDS_OF[kind.name].items():
            for key in words:
                fewer = {other: text for other, text in words.items() if other != key}
                section = {**PLAIN[kind.name], field: fewer}
                said = next(problems_of_kind(section, kind))
                assert all(part in said for part in (kind.name, field, f"lacks {key!r}")), said
                tried += 1
            without = {other: text for other, text in PLAIN[kind.name].items() if other != field}
            assert field in next(problems_of_kind(without, kind))
    assert tried > 150


def test_a_kind_has_no_words_that_it_does_not_ask_with(tmp_path):
    said = refusal(tmp_path, {EGO: {**PLAIN[EGO], "move": GOES}})
    assert all(part in said for part in (EGO, "'move'", "nothing else")), said


@pytest.mark.parametrize("field", ["endings", "lens", "group"])
def test_what_kinds_share_is_needed_too(field, tmp_path):
    shared = {name: words for name, words in OURS["shared"].items() if name != field}
    assert f"shared, {field}" in refusal(tmp_path, {"shared": shared})
    assert "shared" in refusal(tmp_path, {"shared": {**OURS["shared"], field: 7}})


def translated(text):
    """In a made-up language: each word backwards, with an ending; placeholders stay."""

    def word(found):
        return found[0] if found[0].startswith("{") else found[0][::-1] + "o"

    return re.sub(r"\{[^{}]*\}|[^\W\d_]+", word, text)


def translation(tree):
    if isinstance(tree, str):
        return translated(tree)
    if isinstance(tree, list):
        return [translation(text) for text in tree]
    return {translated(key) if " object" in key else key: translation(value) for key, value in tree.items()}


@pytest.fixture(scope="module")
def scenes():
    events = (None, "moved", None, "turned", "appeared", "vanished")
    return [
        synthetic_scene(
            seed, count=5, event=events[seed % len(events)], camera_still=seed % 3 == 0, size_px=256
        )
        for seed in range(12)
    ]


def test_another_language_asks_the_same(scenes, tmp_path):
    """All of our words in a made-up language: nothing English is left, and each question is read as it was meant."""
    (tmp_path / "mine.yaml").write_text(yaml.safe_dump(translation(OURS)))
    mine, ours = load_templates(str(tmp_path / "mine.yaml")), load_templates()
    keys = [f"train-00000-{number:05d}" for number in range(len(scenes))]
    settings = QuestionConfig(other_forms=0.5)
    asked, english = (
        ask_all(keys, scenes, GATES, Writer(settings, words, 0), np.random.default_rng(1))
        for words in (mine, ours)
    )
    kinds = set()
    for sample, theirs, same in zip(scenes, asked, english, strict=True):
        back = in_english(sample.model_copy(update={"questions": theirs}), mine.vocabulary).questions
        names = "|".join(part.name.lower() for part in sample.scene.parts)
        for question, read, original in zip(theirs, back, same, strict=True):
            kinds.add(f"{question.type}/{question.frame}")
            assert question.option_keys == original.option_keys
            assert figure_of(question) == figure_of(original)
            assert (read.options, read.answer) == (original.options, original.answer)
            assert read.chain_of_thought == original.chain_of_thought
            assert (question.chain_of_thought is None) == (original.chain_of_thought is None)
            form = question.answer_form
            assert score(question.answer, question.options, question.answer_index, form, question.value) == 1
            ours_alone = re.sub(rf"{names}|\{{.*\}}", "", question.prompt.lower())  # names, and JSON
            words = re.findall(r"[a-z]+", ours_alone)
            assert all(word.endswith("o") for word in words if len(word) > 1), question.prompt
    assert len(kinds) > 20


def test_the_words_that_a_dataset_says_it_has_are_checked_like_a_file():
    ours = load_templates().vocabulary
    assert list(vocabulary_problems(ours, KINDS)) == []
    for part in ("endings", "lens", "options", "phrases"):
        words = getattr(ours, part)
        fewer = {key: words[key] for key in list(words)[1:]}
        assert list(vocabulary_problems(ours.model_copy(update={part: fewer}), KINDS)), part
    options = {**ours.options, EGO: {**ours.options[EGO], "left": "right"}}
    (said,) = vocabulary_problems(ours.model_copy(update={"options": options}), KINDS)
    assert EGO in said and "the same" in said
