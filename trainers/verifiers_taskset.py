"""Fresh questions as a taskset of the `verifiers` package (0.4 and later), whose reward is the one scorer.

    import trainers.verifiers_taskset as viewpoints
    taskset = viewpoints.ViewpointTaskset(viewpoints.ViewpointConfig(dataset="viewpoint-100k"))

That package wants numpy 2.1, which bpy 5.0 on Python 3.11 does not: give it an environment of its own.
"""

import base64
import io
from collections.abc import Iterator
from typing import Any

import verifiers.v1 as vf
from pydantic import Field

from viewpoint100k import gym
from viewpoint100k.records import AnswerForm
from viewpoint100k.scoring import score


class ViewpointConfig(vf.TasksetConfig):  # type: ignore[misc]
    """Options of the stream of questions: see `viewpoint100k.gym`."""

    dataset: str = "viewpoint-100k"
    kinds: list[str] | None = None
    difficulty: float = 0.0
    seed: int = 0
    instruction: str = ""  # added to every question, such as how to think


class ViewpointData(vf.TaskData):  # type: ignore[misc]
    """A question and the facts that its answer is scored by."""

    options: list[str] = Field(default_factory=list)
    answer_index: int = -1
    answer_form: AnswerForm = "letter"
    value: float | None = None
    kind: str = ""


class ViewpointTask(vf.Task[ViewpointData, vf.State]):  # type: ignore[misc]
    """One question, one answer."""

    @vf.reward(weight=1.0)  # type: ignore[untyped-decorator]
    async def right(self, trace: Any) -> float:
        """1 for the right option; the score of a number depends on its error."""
        data = self.data
        return score(trace.last_reply, data.options, data.answer_index, data.answer_form, data.value)


class ViewpointTaskset(vf.Taskset[ViewpointTask, ViewpointConfig]):  # type: ignore[misc]
    """An endless stream: bound it with `take`."""

    INFINITE = True

    def load(self) -> Iterator[ViewpointTask]:
        config = self.config
        for row in gym(config.dataset, config.kinds, config.difficulty, config.seed):
            yield ViewpointTask(
                ViewpointData(
                    id=row["question_id"],
                    prompt=[{"role": "user", "content": _content(row, config.instruction)}],
                    options=row["options"],
                    answer_index=row["answer_index"],
                    answer_form=row["answer_form"],
                    value=row["value"],
                    kind=row["kind"],
                )
            )


def _content(row: dict[str, Any], instruction: str) -> list[dict[str, Any]]:
    """The pictures followed by the text, as in the training scripts."""
    parts: list[dict[str, Any]] = []
    for picture in row["images"]:
        out = io.BytesIO()
        picture.convert("RGB").save(out, "PNG")
        address = "data:image/png;base64," + base64.b64encode(out.getvalue()).decode()
        parts.append({"type": "image_url", "image_url": {"url": address}})
    return [*parts, {"type": "text", "text": f"{row['prompt']}\n{instruction}".strip()}]
