"""Checks settings before a GPU-hour is spent, and prints the plan.

Each error message says what to change.
"""

from collections.abc import Callable, Iterator, Sequence
from itertools import islice
from typing import Any

from viewpoint100k import InputError
from viewpoint100k.scoring import score

CHECKED = 16  # number of first rows that are checked: wrong settings show in any row
MOVED = 0.9  # share of trained parameters that a tenth of a step must change
SAMPLE = 10_000  # numbers of each tensor that are sampled
LOOKED_AT = 20_000  # rows among which the longest are searched
IGNORED = -100  # label of a token without a loss


def first_rows(rows: Any, count: int = CHECKED) -> list[dict[str, Any]]:
    """
    Raises:
        InputError: there is none.
    """
    found = list(islice(iter(rows), count))
    if not found:
        raise InputError("no question is left to train on: check --split, --types, --tiers and --families")
    return found


def longest_rows(rows: Any, count: int = 4) -> list[dict[str, Any]]:
    """The rows with the longest texts, for which memory and context must suffice; none for a stream.

    In a large table, only some rows, spread over all of it, are considered.
    """
    if not hasattr(rows, "__len__"):
        return []
    looked = range(0, len(rows), max(1, len(rows) // LOOKED_AT))
    texts = rows.select_columns(["prompt", "completion"]).select(looked)
    lengths = [sum(len(part["content"]) for part in [*row["prompt"], *row["completion"]]) for row in texts]
    order = sorted(range(len(lengths)), key=lambda place: -lengths[place])
    return [rows[looked[place]] for place in order[:count]]


def check_rows(rows: Sequence[dict[str, Any]], think_ratio: float = 0.0) -> None:
    """Check that options, letters and gold answers match: every gold answer must score 1.

    Raises:
        InputError: a gold answer does not; the message names the question.
    """
    if not 0 <= think_ratio <= 1:
        raise InputError(f"--think_ratio {think_ratio}: expected a share, 0 to 1")
    for row in rows:
        where = f"question {row['question_id']}"
        options = row["options"] or []
        place = row["answer_index"]
        if row["value"] is None and not 0 <= place < len(options):
            raise InputError(
                f"{where}: its answer is option {place} of {len(options)}; rebuild it with `viewpoint100k "
                "requestion`"
            )
        gold = row["completion"][-1]["content"]
        if score(gold, options, place, row["answer_form"], row["value"]) < 0.9:  # numbers are rounded
            raise InputError(
                f"{where}: the scorer does not accept its own answer {gold[-80:]!r}; run `viewpoint100k "
                "validate`"
            )
        if not row["images"]:
            raise InputError(f"{where} shows no picture")


def check_pictures(processor: Any, rows: Sequence[dict[str, Any]]) -> None:
    """Check that the chat template writes one placeholder for each picture of a question.

    Raises:
        InputError: it does not.
    """
    from trl.data_utils import prepare_multimodal_messages

    if not processor.chat_template and not getattr(processor.tokenizer, "chat_template", None):
        raise InputError("the model has no chat template: take an instruction-tuned one")
    token = processor.image_token
    for row in rows:
        messages = prepare_multimodal_messages(row["prompt"], images=row["images"])
        text = processor.apply_chat_template(messages, tokenize=False, add_generation_prompt=True)
        if text.count(token) != len(row["images"]):
            raise InputError(
                f"question {row['question_id']}: the chat template writes {text.count(token)} placeholders "
                f"{token} for "
                f"{len(row['images'])} pictures; the model may take one picture only"
            )


def check_supervision(
    collator: Callable[[list[dict[str, Any]]], Any], rows: Sequence[dict[str, Any]]
) -> tuple[int, int, int]:
    """Check that every row has tokens that are trained on, after the trainer's own collator.

    Returns:
        The longest row in tokens, pictures included; the fewest and the most tokens that are trained on.

    Raises:
        InputError: a row has none, so that its loss would silently be 0.0.
    """
    longest = 0
    counts = list[int]()
    for row in rows:
        batch = collator([{name: row[name] for name in ("images", "prompt", "completion")}])
        supervised = int((batch["labels"] != IGNORED).sum())
        if not supervised:
            raise InputError(
                f"question {row['question_id']}: no token of its answer is left to train on; "
                "set max_length: null, or make pictures smaller"
            )
        longest = max(longest, int(batch["attention_mask"].sum()))
        counts.append(supervised)
    return longest, min(counts), max(counts)


def prompt_tokens(processor: Any, rows: Sequence[dict[str, Any]]) -> int:
    """The longest prompt in tokens, pictures included."""
    from trl.data_utils import prepare_multimodal_messages

    longest = 0
    for row in rows:
        messages = prepare_multimodal_messages(row["prompt"], images=row["images"])
        text = processor.apply_chat_template(messages, tokenize=False, add_generation_prompt=True)
        longest = max(longest, len(processor(images=[row["images"]], text=[text])["input_ids"][0]))
    return longest


def longest_rollout(
    processor: Any, rows: Sequence[dict[str, Any]], completion_tokens: int, count: int
) -> dict[str, Any]:
    """Model inputs with `count` copies of the longest prompt and a completion of the greatest length."""
    import torch
    from trl.data_utils import prepare_multimodal_messages

    row = max(rows, key=lambda row: prompt_tokens(processor, [row]))
    messages = prepare_multimodal_messages(row["prompt"], images=row["images"])
    text = processor.apply_chat_template(messages, tokenize=False, add_generation_prompt=True)
    inputs = processor(images=[row["images"]] * count, text=[text] * count, return_tensors="pt")
    fillers = {"input_ids": processor.tokenizer.eos_token_id, "attention_mask": 1}
    of_tokens = inputs["input_ids"].shape
    for name, values in list(inputs.items()):
        if values.shape == of_tokens:  # one for each token
            more = torch.full((count, completion_tokens), fillers.get(name, 0), dtype=values.dtype)
            inputs[name] = torch.cat([values, more], dim=1)
    return dict(inputs)


def check_context(config: Any, tokens: int, what: str) -> None:
    """
    Raises:
        InputError: the model's context is too short.
    """
    text = config.get_text_config()
    limit = getattr(text, "max_position_embeddings", None)
    if limit and tokens > limit:
        raise InputError(
            f"{what} needs {tokens} tokens, the model has room for {limit}: lower max_completion_length, or "
            "the size of "
            "pictures (max_pixels of the image processor)"
        )


def check_padding(processor: Any) -> None:
    """
    Raises:
        InputError: it pads on the right, so that answers would continue after padding.
    """
    if processor.tokenizer.padding_side != "left":
        raise InputError(
            'the tokenizer pads on the right: generation needs padding_side="left"; '
            "`trainers.models.load_processor` sets it"
        )


def check_batches(args: Any, processes: int) -> None:
    """Check that the batch sizes of a GRPO run are divisible as they must be.

    Raises:
        InputError: they are not; the message says which to change.
    """
    completions = args.per_device_train_batch_size * processes * args.steps_per_generation
    each = args.num_generations
    if completions % each:
        raise InputError(
            f"a rollout has {args.per_device_train_batch_size} x {processes} processes x "
            f"{args.steps_per_generation} steps = "
            f"{completions} completions, which num_generations = {each} does not divide: change one of them"
        )
    if args.steps_per_generation % args.gradient_accumulation_steps:
        raise InputError(
            f"steps_per_generation = {args.steps_per_generation} is no multiple of "
            "gradient_accumulation_steps = "
            f"{args.gradient_accumulation_steps}: an update would mix rollouts; change one of them"
        )


def _trained_here(model: Any) -> Iterator[Any]:
    """The trained parameters that this process holds: neither frozen nor sharded elsewhere."""
    for parameter in model.parameters():
        if parameter.requires_grad and not parameter.is_meta and parameter.numel():
            yield parameter


def check_rate(model: Any, rate: float, kept: Any = None) -> float:
    """Check that steps of this learning rate change the parameters, in the format in which they are kept.

    AdamW moves each parameter by at most about the learning rate, whatever the gradient, and most parameters
    by at least a tenth of it. A step of less than half the distance to the next representable number is
    silently rounded away. The loss still falls a little, thanks to the few parameters near 0.

    Args:
        kept: `torch.dtype` of the copy that the optimizer updates; None: that of the parameters.

    Returns:
        The share of trained parameters, in a sample, that a tenth of a step changes.

    Raises:
        InputError: the share is less than `MOVED`.
    """
    if not rate > 0:
        raise InputError(f"--learning_rate {rate}: expected more than 0, nothing moves")
    moved = 0.0
    seen = 0
    kinds = set[str]()
    for parameter in _trained_here(model):
        every = max(1, parameter.numel() // SAMPLE)
        values = parameter.detach().flatten()[::every].to(kept or parameter.dtype)
        weight = parameter.numel() / len(values)
        down, up = ((values.double() + by).to(values.dtype) for by in (-rate / 10, rate / 10))
        moved += weight * float(((down != values).sum() + (up != values).sum()) / 2)
        seen += parameter.numel()
        kinds.add(str(values.dtype).removeprefix("torch."))
    share = moved / seen if seen else 1.0
    if share < MOVED:
        set_it = "Set mixed_precision: bf16 for accelerate, or dtype: float32"
        what_to_do = "Raise it" if kinds == {"float32"} else set_it
        raise InputError(
            f"--learning_rate {rate:g} cannot move what it trains: weights are kept in "
            f"{', '.join(sorted(kinds))}, where a tenth of a step is rounded away for {1 - share:.0%} of "
            f"them. {what_to_do}"
        )
    return share


def numbers(parameter: Any) -> int:
    """The size of a parameter, even if DeepSpeed has sharded it elsewhere."""
    return int(getattr(parameter, "ds_numel", parameter.numel()))


def sft_plan(args: Any, rows: Any, processes: int, tokens: tuple[int, int, int]) -> list[str]:
    """The run in figures, for people."""
    batch = args.per_device_train_batch_size * processes * args.gradient_accumulation_steps
    lines = [
        f"{batch} questions per step: {args.per_device_train_batch_size} x {processes} processes x "
        f"{args.gradient_accumulation_steps} accumulated",
        f"at most {tokens[0]} tokens per question, {tokens[1]} to {tokens[2]} of them trained on (of the "
        f"first {CHECKED} and of the longest)",
    ]
    return lines + _length(args, rows, batch)


def grpo_plan(args: Any, rows: Any, processes: int, prompt: int) -> list[str]:
    completions = args.per_device_train_batch_size * processes * args.steps_per_generation
    updates = args.steps_per_generation // args.gradient_accumulation_steps * args.num_iterations
    prompts = completions // args.num_generations
    lines = [
        f"a rollout: {prompts} prompts x {args.num_generations} = {completions} completions, at most "
        f"{prompt} + "
        f"{args.max_completion_length} tokens each",
        f"{updates} updates per rollout; TRL counts each of them as a step",
    ]
    return lines + _length(args, rows, prompts / updates)


def _length(args: Any, rows: Any, per_step: float) -> list[str]:
    if not hasattr(rows, "__len__"):
        return [f"a stream, {args.max_steps} steps"]
    epoch = len(rows) / per_step
    steps = args.max_steps if args.max_steps > 0 else round(epoch * args.num_train_epochs)
    return [f"{len(rows)} questions, {epoch:.1f} steps per epoch, {steps} steps in all"]


def think_share(rows: Any) -> str:
    """The share of answers that begin with a thought, as text for the plan."""
    if not hasattr(rows, "__len__"):
        return "which answers begin with a thought is decided by the id of each question"
    thinks = sum(rows["thinks"])
    return f"{thinks} of {len(rows)} answers begin with a thought ({thinks / max(1, len(rows)):.1%})"
