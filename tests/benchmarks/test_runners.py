"""The server that answers a harness from a file: it knows questions by their words and pictures."""

import base64
import io
import json
import urllib.request

import numpy as np
import pytest
from PIL import Image

from benchmarks.readers import made_up_answer, prompt_of
from benchmarks.runners import Answers, Work, serving
from viewpoint100k.scoring import score

ROW = {
    "prompt": "Which way?\nA. left\nB. right\nAnswer with the letter of the correct option.",
    "answer": "B",
    "options": ["left", "right"],
    "answer_index": 1,
    "answer_form": "letter",
}


@pytest.fixture
def work(tmp_path):
    """Two questions in the same words, about other pictures; the answers say which is which."""
    rng = np.random.default_rng(0)
    (tmp_path / "meant").mkdir()
    rows = []
    for name in ("first", "second"):
        picture = Image.fromarray(rng.integers(0, 255, (32, 32, 3), dtype=np.uint8))
        picture.save(tmp_path / "meant" / f"{name}.png")
        rows.append(ROW | {"question_id": name, "images": [f"{name}.png"]})
    lines = [
        json.dumps({"question_id": row["question_id"], "prediction": row["question_id"]}) for row in rows
    ]
    (tmp_path / "said_letters.jsonl").write_text("\n".join(lines))
    return Work(tmp_path, "test", rows, {"letters": 0.5})


def ask(address, text, *pictures):
    parts = []
    for picture in pictures:
        packed = io.BytesIO()
        picture.save(packed, "JPEG")
        url = "data:image/jpeg;base64," + base64.b64encode(packed.getvalue()).decode()
        parts.append({"type": "image_url", "image_url": {"url": url}})
    content = [*parts, {"type": "text", "text": text}]
    body = json.dumps({"model": "letters", "messages": [{"role": "user", "content": content}]}).encode()
    request = urllib.request.Request(
        f"{address}/chat/completions", body, {"Content-Type": "application/json"}
    )
    with urllib.request.urlopen(request) as told:
        return json.load(told)["choices"][0]["message"]["content"]


def test_the_question_is_found_by_its_pictures_even_when_they_are_enlarged_and_packed_anew(work):
    answers = Answers("vlmevalkit", work)
    with serving(answers) as address:
        for row in reversed(work.rows):
            with Image.open(work.folder / "meant" / row["images"][0]) as picture:
                said = ask(address, prompt_of("vlmevalkit", row), picture.resize((100, 100)))
            assert said == row["question_id"]
    assert answers.asked["letters"] == {"first": 1, "second": 1}
    assert not answers.strange


def test_a_question_that_is_none_of_ours_is_noted(work):
    answers = Answers("lmms-eval", work)
    with serving(answers) as address, Image.open(work.folder / "meant" / "first.png") as picture:
        ask(address, "Which way did it go?", picture)
        ask(address, ROW["prompt"], picture, picture)  # as many pictures as it has not
    assert answers.strange == ["Which way did it go?", ROW["prompt"]]
    assert not answers.asked["letters"]


def test_made_up_answers_are_right_wrong_and_unreadable():
    said = [made_up_answer(number, ROW, ["{said}", "({said})"], letters=True) for number in range(12)]
    worth = [score(text, ROW["options"], ROW["answer_index"]) for text in said]
    assert worth == [1, 1, 1, 1, 0, 0] * 2
    assert len(set(said)) == 5  # two letters in two dressings, and what cannot be read
