"""Scores of predictions files whose right scores are known, counted here by hand."""

import json
import re
import shutil

import pytest

from viewpoint100k.audit.statistics import wilson
from viewpoint100k.errors import InputError
from viewpoint100k.evaluate import evaluate, read_predictions, write_page
from viewpoint100k.shards import iter_samples


@pytest.fixture(scope="module")
def questions(dataset):
    return [(one, question) for one in iter_samples(dataset) for question in one.sample.fair_questions]


@pytest.fixture
def scored(dataset, tmp_path):
    """Write lines to a file, and score it."""

    def score(lines):
        path = tmp_path / "predictions.jsonl"
        path.write_text("".join(json.dumps(line) + "\n" for line in lines))
        return evaluate(path, dataset)

    return score


def wrong(question):
    """An answer that is another option, or a number far off."""
    if question.value is not None:
        return "100000"
    return next(option for option in question.options if option != question.options[question.answer_index])


def line(question, said, **more):
    return {"question_id": question.id, "prediction": said, **more}


def test_right_answers_score_one_everywhere_and_wrong_ones_nothing(questions, scored):
    scores, _ = scored([line(q, q.answer) for _, q in questions])
    cells = [
        scores.accuracy,
        scores.both_orders,
        scores.whole_samples,
        *(c for g in scores.by.values() for c in g.values()),
    ]
    assert {cell.value for cell in cells} == {1.0}
    assert (scores.answered, scores.unread, scores.unknown_ids, scores.unanswered_ids) == (
        len(questions),
        0,
        [],
        [],
    )
    scores, _ = scored([line(q, wrong(q)) for _, q in questions])
    assert (scores.accuracy.value, scores.both_orders.value, scores.whole_samples.value) == (0, 0, 0)


def test_what_was_said_to_questions_beside_the_balanced_subset_is_known_and_not_judged(
    questions, scored, dataset
):
    others = [q for one in iter_samples(dataset) for q in one.sample.questions if not q.fair]
    assert len(others) > 20
    scores, cases = scored([*(line(q, q.answer) for _, q in questions), *(line(q, wrong(q)) for q in others)])
    assert (scores.accuracy.value, scores.answered, scores.unknown_ids) == (1.0, len(questions), [])
    assert {case.question.id for case in cases} == {q.id for _, q in questions}


def test_shares_by_type_tier_and_family_are_those_counted_here(questions, scored):
    right = {q.id: number % 3 != 0 for number, (_, q) in enumerate(questions)}
    scores, _ = scored([line(q, q.answer if right[q.id] else wrong(q)) for _, q in questions])
    for name, of in (
        ("type", lambda s, q: q.type),
        ("tier", lambda s, q: q.tier),
        ("family", lambda s, q: s.sample.family),
        ("answer form", lambda s, q: q.answer_form),
        ("split", lambda s, q: s.sample.split),
    ):
        for value in {of(s, q) for s, q in questions}:
            hits = [right[q.id] for s, q in questions if of(s, q) == value]
            cell = scores.by[name][value]
            assert cell.value == pytest.approx(sum(hits) / len(hits)) and cell.n == len(hits)
            assert cell.low <= cell.value <= cell.high
            low, high = wilson(cell.value, cell.n)  # an interval that counts objects is no narrower
            assert cell.high - cell.low >= high - low - 1e-9
    for label, cell in scores.by["azimuth change"].items():
        low, high = map(int, re.fullmatch(r"(\d+)-(\d+) deg", label).groups())
        hits = [right[q.id] for s, q in questions if low <= abs(s.sample.truth.azimuth_change_deg) < high]
        assert (cell.n, cell.value) == (len(hits), pytest.approx(sum(hits) / len(hits)))


def test_both_orders_need_both_and_a_whole_sample_all(questions, scored):
    back = {q.id for _, q in questions if q.id.endswith("-reversed")}
    assert back
    scores, _ = scored([line(q, wrong(q) if q.id in back else q.answer) for _, q in questions])
    twins = {name for name in back if name.removesuffix("-reversed") in {q.id for _, q in questions}}
    assert (scores.both_orders.value, scores.both_orders.n) == (0, len(twins))
    keys = {s.key for s, _ in questions}
    broken = {s.key for s, q in questions if q.id in back}
    assert scores.whole_samples.n == len(keys)
    assert scores.whole_samples.value == pytest.approx(1 - len(broken) / len(keys))


def test_a_question_asked_in_every_order_of_its_options_counts_only_if_all_are_right(questions, scored):
    """Whoever always says A is right once around; whoever knows the answer follows it."""
    lettered = [q for _, q in questions if q.answer_form == "letter"]
    follows = [
        line(q, "ABCDEF"[(q.answer_index - k) % len(q.options)], rotation=k)
        for q in lettered
        for k in range(len(q.options))
    ]
    scores, _ = scored(follows)
    assert (scores.circular.value, scores.circular.n, scores.accuracy.value) == (1.0, len(lettered), 1.0)
    scores, _ = scored([line(q, "A", rotation=k) for q in lettered for k in range(len(q.options))])
    assert scores.circular.value == 0
    assert scores.accuracy.value == pytest.approx(sum(q.answer_index == 0 for q in lettered) / len(lettered))


def test_numbers_are_worth_their_mean_relative_accuracy(questions, scored):
    numbers = [q for _, q in questions if q.value is not None]
    assert numbers
    scores, _ = scored([line(q, f"about {1.12 * q.value:.6f} degrees") for q in numbers])
    assert scores.numbers.value == pytest.approx(0.8)  # 12 % off is within eight of ten tolerances
    assert set(scores.confusion["angle_number"]["a number"]) == {"further off"}


def test_what_is_unread_unknown_and_unanswered_is_said(questions, scored):
    (_, first), (_, second), *rest = questions
    lines = [line(first, "I cannot tell"), line(second, ""), {"id": "nobody", "completion": "A"}]
    scores, _ = scored(lines + [{"id": q.id, "completion": q.answer} for _, q in rest[:-1]])
    assert (
        scores.unread == 2 and scores.unknown_ids == ["nobody"] and scores.unanswered_ids == [rest[-1][1].id]
    )
    assert scores.unreadable.value == pytest.approx(2 / (len(rest) + 1))
    assert scores.accuracy.value == pytest.approx((len(rest) - 1) / (len(rest) + 1))
    assert scores.accuracy_of_all.value == pytest.approx((len(rest) - 1) / (len(rest) + 2))


def test_a_split_that_nobody_was_asked_about_is_not_unanswered(questions, scored):
    scores, _ = scored([line(q, q.answer) for s, q in questions if s.sample.split == "validation"])
    assert scores.unanswered_ids == [] and set(scores.by["split"]) == {"validation"}


@pytest.mark.parametrize(
    "text", ["", "[]\n", "hello\n", '{"question_id": "a"}\n', '{"prediction": "A"}\n', '{"question_id": "x", "prediction": "A"}\n',
             '{"question_id": "x", "prediction": "A", "rotation": "one"}\n']
)  # fmt: skip
def test_a_file_of_another_form_is_an_error_that_names_it(text, dataset, tmp_path):
    path = tmp_path / "bad.jsonl"
    path.write_text(text)
    with pytest.raises(InputError, match=r"bad\.jsonl"):
        evaluate(path, dataset)


def test_orders_that_do_not_begin_with_the_first_count_each_question_once(questions, scored):
    """Two orders of one question are no pair of twins, and one of them is what its accuracy is of."""
    lettered = [q for _, q in questions if q.answer_form == "letter"]
    alone = [q for q in lettered if not q.id.endswith("-reversed")]
    letters = "ABCDEF"
    lines = [
        line(q, letters[(q.answer_index - k) % len(q.options)], rotation=k) for q in alone for k in (1, 2)
    ]
    first = {q.id: letters[q.answer_index] for q in alone[:3]}
    lines += [{"id": name, "completion": letter} for name, letter in first.items()]
    scores, _ = scored(lines)
    assert scores.accuracy.n == len(alone) == scores.accuracy_of_all.n - len(scores.unanswered_ids)
    assert scores.both_orders is None and scores.circular.n == len(alone)


def test_a_file_as_windows_writes_it_is_read_as_any_other(tmp_path):
    path = tmp_path / "p.jsonl"
    path.write_bytes(b'\xef\xbb\xbf{"id": "a-b", "completion": "B"}\r\n\r\n{"id": 2, "completion": "C"}\r\n')
    assert read_predictions(path) == {"a-b": {0: "B"}, "2": {0: "C"}}


@pytest.mark.parametrize("rotation", ["1.5", "-1", "100", "1e999", "[1]"])
def test_a_rotation_that_is_no_place_among_the_options_is_refused_and_not_rounded(rotation, tmp_path):
    path = tmp_path / "p.jsonl"
    path.write_text(f'{{"id": "a-b", "completion": "B", "rotation": {rotation}}}')
    with pytest.raises(InputError, match=r"p\.jsonl, line 1"):
        read_predictions(path)


def test_messages_and_json_are_read_as_text(tmp_path):
    path = tmp_path / "p.jsonl"
    rows = [
        {"id": 1, "completion": [{"role": "assistant", "content": "B"}]},
        {"id": 2, "prediction": {"answer": "C"}},
    ]
    path.write_text("\n".join(map(json.dumps, [*rows, {"id": 3, "prediction": None}])))
    assert read_predictions(path) == {"1": {0: "B"}, "2": {0: '{"answer": "C"}'}, "3": {0: ""}}


def test_the_page_needs_nothing_else_and_shows_the_worst_with_their_pictures(
    questions, scored, dataset, tmp_path
):
    hostile = "<script>alert(1)</script>"
    scores, cases = scored([line(q, f"{hostile} {wrong(q)}") for _, q in questions])
    write_page(scores, cases, dataset, tmp_path / "page.html")
    text = (tmp_path / "page.html").read_text("utf-8")
    assert "<script" not in text and hostile.replace("<", "&lt;").replace(">", "&gt;") in text
    assert not re.search(r"""(?:src|href)=["'](?!data:)|url\(|@import""", text)
    assert text.count("data:image/jpeg;base64,") >= 24
    assert all(kind in text for kind in scores.confusion)


def test_shards_of_a_split_that_nobody_was_asked_about_are_not_read(dataset, questions, tmp_path):
    copy = tmp_path / "copy"
    shutil.copytree(dataset, copy, ignore=shutil.ignore_patterns(".run"))
    for path in copy.glob("train-*.tar"):
        path.write_bytes(b"torn")
    said = tmp_path / "said.jsonl"
    asked = [q for one, q in questions if one.sample.split != "train"]
    said.write_text("".join(json.dumps(line(q, q.answer)) + "\n" for q in asked))
    scores, cases = evaluate(said, copy)
    assert (scores.accuracy.value, scores.unanswered_ids) == (1.0, [])
    assert asked and len(cases) == len(asked)
    write_page(scores, cases, copy, tmp_path / "page.html")
