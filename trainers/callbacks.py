"""What happens beside the training steps: questions are answered, accuracy is logged, and a fall stops the
run.
"""

from collections import defaultdict
from collections.abc import Sequence
from typing import Any

import torch
from transformers import Trainer, TrainerCallback, TrainerControl, TrainerState, TrainingArguments

from trainers.backends import Asked, generate
from trainers.rewards import format_reward
from viewpoint100k.scoring import parse_choice, parse_number, score

KEY = "watch/accuracy"


class WatchCallback(TrainerCallback):
    """Answers held-out questions greedily at regular intervals, and logs the scorer's accuracy: all, and per
    type.

    With `max_fall`, training stops when the accuracy is that far below the first measurement twice in a row,
    because the model forgets; a single bad measurement may be chance. Measurements are in the trainer's log,
    so that a resumed run continues with them.

    Args:
        rows: the result of `trainers.data.load_watched`.
        every: number of optimizer steps between measurements.
    """

    def __init__(
        self,
        rows: Any,
        *,
        every: int,
        max_new_tokens: int,
        max_fall: float | None = None,
        batch_size: int = 32,
    ) -> None:
        self.rows = rows
        self.every = every
        self.max_fall = max_fall
        self.max_new_tokens = max_new_tokens
        self.batch_size = batch_size
        self.trainer: Any = None

    def attach(self, trainer: Any) -> "WatchCallback":
        self.trainer = trainer
        trainer.add_callback(self)
        return self

    def on_train_begin(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **more: Any
    ) -> None:
        if not measured(state):
            self._measure(state, control)

    def on_step_end(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **more: Any
    ) -> None:
        if state.global_step % self.every == 0 or state.global_step == state.max_steps:
            self._measure(state, control)

    def _measure(self, state: TrainerState, control: TrainerControl) -> None:
        # logging resets this flag, but the loss of this step is still to be logged
        waits = control.should_log
        Trainer.log(
            self.trainer, self.answer()
        )  # not TRL's, which would put the means of the steps so far into it
        control.should_log = waits
        found = measured(state)
        if self.max_fall is not None and len(found) >= 3 and max(found[-2:]) < found[0] - self.max_fall:
            self.trainer.accelerator.print(
                f"stopped: {KEY} was {found[0]:.3f} before training and is {found[-2]:.3f}, {found[-1]:.3f} "
                "now, more than "
                f"--max_fall {self.max_fall} lower. Mix in more viewpoint questions, or lower the learning "
                "rate."
            )
            control.should_training_stop = True

    def answer(self) -> dict[str, float]:
        """Accuracy over all questions and per type, and the share of answers in the required form.

        Processes share the questions.
        """
        from trl.models.utils import unwrap_model_for_generation

        accelerator = self.trainer.accelerator
        mine = range(accelerator.process_index, len(self.rows), accelerator.num_processes)
        kinds = sorted(set(self.rows["type"]))
        sums: dict[str, list[float]] = defaultdict(lambda: [0.0, 0.0])
        with unwrap_model_for_generation(self.trainer.model_wrapped, accelerator) as model:
            # every process runs the same number of rounds, because sharded weights need all of them in each
            # forward pass
            rounds = -(-len(self.rows) // (accelerator.num_processes * self.batch_size))
            for start in range(0, rounds * self.batch_size, self.batch_size):
                chosen = list(mine[start : start + self.batch_size])
                batch = [self.rows[i] for i in chosen or [0]]
                asked = [Asked(row["question_id"], 0, row["images"], row["prompt"]) for row in batch]
                said = generate(model, self.trainer.processing_class, asked, self.max_new_tokens)
                if chosen:
                    _count(sums, batch, said)
        names = ["all", "form", "unreadable", *kinds]
        table = torch.tensor([sums[name] for name in names], dtype=torch.float64, device=accelerator.device)
        table = accelerator.reduce(table, reduction="sum").cpu()
        accuracies = {
            name: float(right / n) for name, (right, n) in zip(names, table.tolist(), strict=True) if n
        }
        out = {KEY: accuracies.pop("all"), "watch/unreadable": accuracies.pop("unreadable")}
        if "form" in accuracies:
            out["watch/format"] = accuracies.pop("form")
        return out | {f"{KEY}/{kind}": value for kind, value in accuracies.items()}


def _count(sums: dict[str, list[float]], rows: Sequence[dict[str, Any]], said: Sequence[str]) -> None:
    for row, text in zip(rows, said, strict=True):
        options = row["options"] or []
        hit = score(text, options, row["answer_index"], row["answer_form"], row["value"])
        if row["value"] is None:
            unread = parse_choice(text, options, row["answer_form"]) is None
        else:
            unread = parse_number(text) is None
        names = [("all", hit), ("unreadable", float(unread)), (row["type"], hit)]
        if row["thinks"]:
            names.append(("form", format_reward([[{"role": "assistant", "content": text}]])[0]))
        for name, value in names:
            sums[name][0] += value
            sums[name][1] += 1


def measured(state: TrainerState) -> list[float]:
    """All measurements of this run so far, including those before a restart."""
    return [entry[KEY] for entry in state.log_history if KEY in entry]
