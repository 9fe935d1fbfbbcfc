"""The stream of fresh questions as a taskset of `verifiers`, by that package's own views and scoring."""

import asyncio
import base64
import io
from itertools import islice

import pytest
from PIL import Image
from support.audit_sets import make_samples, write_dataset

vf = pytest.importorskip("verifiers.v1", reason="needs the package verifiers, in an environment of its own")

from trainers.verifiers_taskset import ViewpointConfig, ViewpointTaskset  # noqa: E402
from viewpoint100k import gym  # noqa: E402


@pytest.fixture(scope="module")
def drawn(tmp_path_factory):
    samples = make_samples(objects=20, pairs=4, seed=3, size_px=32)
    return write_dataset(tmp_path_factory.mktemp("taskset") / "data", samples)


def earned(task, reply):
    """What its own scoring pays for a reply."""
    trace = vf.Trace.model_construct(root_reply=reply, rewards={}, metrics={})
    asyncio.run(task.score(trace))
    return trace.reward


def test_ten_tasks_ask_what_the_stream_asks_and_pay_for_the_right_answer(drawn):
    taskset = ViewpointTaskset(ViewpointConfig(dataset=str(drawn), seed=7))
    tasks = list(taskset.take(10))
    rows = list(islice(gym(drawn, seed=7), 10))
    assert [task.data.id for task in tasks] == [row["question_id"] for row in rows]
    for task, row in zip(tasks, rows, strict=True):
        parts = task.data.model_dump()["prompt"][0]["content"]
        texts = [part["text"] for part in parts if part["type"] == "text"]
        pictures = [part["image_url"]["url"] for part in parts if part["type"] == "image_url"]
        assert texts == [row["prompt"].strip()]
        for picture, shown in zip(pictures, row["images"], strict=True):
            seen = Image.open(io.BytesIO(base64.b64decode(picture.split(",")[1])))
            assert seen.tobytes() == shown.convert("RGB").tobytes()
        assert earned(task, row["answer"]) == pytest.approx(1.0, abs=0.11)  # a number is rounded
        assert earned(task, "I cannot tell.") == 0
