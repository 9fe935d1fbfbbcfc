"""Estimates how much memory a run needs on each device, before it starts.

Weights, gradients and optimizer state follow from the number of trained parameters, their format and the
sharding. Activations that layers keep for the backward pass, and the short-lived needs of the head, are
measured by a forward pass of the longest row and by one of two such rows; the difference is the cost of a
further row.

    python -m trainers.memory        # the table of docs/training.md: which config fits on which card
"""

import weakref
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

import torch
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_flatten

GB = 1e9
MASTER_BYTES = 4  # bytes of a trained parameter, kept in 32 bit
HALF_BYTES = 2
BUCKET_BYTES = 4  # DDP copies gradients into communication buckets
LIVE_NUMBERS = 1e9  # greatest number of parameters that ZeRO-3 gathers at a time: stage3_max_live_parameters
STATE_BYTES = {
    "8bit": 2,
    "adafactor": 0,
    "sgd": 0,
}  # bytes of optimizer state per parameter, by a part of the optimizer's name; others keep two moments
MOMENTS_BYTES = 8


class Kept(NamedTuple):
    """The peak need of a forward pass of n rows: fixed + n x per_row, in bytes.

    It consists of the activations that layers keep for the backward pass, and of one tile of logits, which
    TRL's head computes tile by tile.
    """

    per_row: float
    fixed: float = 0.0  # copies of weights in 16 bit, in bytes


class Activations(NamedTuple):
    """The activations of the longest row, without and with gradient checkpointing."""

    whole: Kept
    checkpointed: Kept


@dataclass(frozen=True, kw_only=True)
class Layout:
    """How a run stores and shards its parameters."""

    sharding: str = "none"  # none, ddp, fsdp2 or zero3
    processes: int = 1
    optimizer: str = "adamw_torch_fused"
    computes_in_16_bit: bool = True  # autocast
    checkpointing: bool = True  # gradient_checkpointing
    rows: int = 1  # rows per device at a time
    accumulates: bool = False  # whether gradients of several batches are summed before a step
    rollout_share: float = 0.0  # share of the card's memory that vLLM reserves
    card_gb: float = 0.0


class Counts(NamedTuple):
    """The numbers of a model's parameters, and the bytes of the frozen ones."""

    trained: int
    frozen_bytes: float
    reference_bytes: float = 0.0
    largest_layer: int = 0  # parameters that FSDP gathers at a time
    head: int = 0  # parameters of the output layer, if it is trained: its gradient is computed first


class Memory(NamedTuple):
    """Memory on one device, in bytes."""

    weights: float
    gradients: float
    optimizer: float
    reference: float
    activations: float
    gathered: float  # sharded parameters that are gathered for a moment
    rollouts: float
    # gradient of the head, which is computed while all activations are still kept
    first_gradient: float = 0.0

    @property
    def peak(self) -> float:
        """The peak: gradients grow while activations are freed, unless some gradients exist before."""
        lasting = self.weights + self.optimizer + self.reference + self.rollouts + self.gathered
        return lasting + max(self.activations + self.first_gradient, self.gradients)


def plan_memory(counts: Counts, kept: Activations | None, layout: Layout) -> Memory:
    """
    Args:
        kept: measured activations; None: they were not measured and count as 0.
    """
    sharded = layout.sharding in ("fsdp2", "zero3")
    over = layout.processes if sharded else 1
    trained = counts.trained
    copies = HALF_BYTES * trained if layout.sharding == "zero3" else 0  # beside the masters
    gradients = MASTER_BYTES * trained / over
    if layout.sharding == "zero3":
        gradients = (HALF_BYTES + MASTER_BYTES) * trained / over  # in 16 bit, and in 32 when it steps
    if layout.sharding == "ddp":
        gradients += BUCKET_BYTES * trained
    state = next((n for name, n in STATE_BYTES.items() if name in layout.optimizer), MOMENTS_BYTES)
    activations = 0.0
    if kept is not None:
        one = kept.checkpointed if layout.checkpointing else kept.whole
        copies_in_16_bit = HALF_BYTES * trained if sharded else 0  # of weights, which then are shards
        fixed = max(0.0, one.fixed - copies_in_16_bit)
        activations = fixed + layout.rows * one.per_row
    if layout.accumulates:
        activations += gradients
    gathered = 0.0
    if layout.sharding == "fsdp2":  # one layer in use and the next one on its way, and a layer's gradients
        gathered = 3 * HALF_BYTES * counts.largest_layer
    elif layout.sharding == "zero3":
        gathered = HALF_BYTES * min(LIVE_NUMBERS, trained + counts.frozen_bytes / HALF_BYTES)
    return Memory(
        weights=(MASTER_BYTES * trained + copies + counts.frozen_bytes) / over,
        gradients=gradients,
        optimizer=state * trained / over,
        reference=counts.reference_bytes / over,
        activations=activations,
        gathered=gathered,
        rollouts=layout.rollout_share * layout.card_gb * GB,
        # where it is sharded, the head is counted as gathered
        first_gradient=0.0 if sharded or kept is None else MASTER_BYTES * counts.head,
    )


def counts_of(model: Any, reference: Any = None) -> Counts:
    """The counts of a loaded model; trained parameters count as 32 bit, whatever their present format."""
    from trainers.preflight import numbers

    trained = 0
    frozen = 0.0
    for parameter in model.parameters():
        if parameter.requires_grad:
            trained += numbers(parameter)
        else:
            frozen += numbers(parameter) * parameter.element_size()
    held = 0.0
    for parameter in reference.parameters() if reference is not None else ():
        held += numbers(parameter) * parameter.element_size()
    layers = [sum(map(numbers, layer.parameters())) for layer in layers_of(model)]
    rest = sum(map(numbers, model.parameters())) - sum(layers)
    output = model.get_output_embeddings() if hasattr(model, "get_output_embeddings") else None
    head = numbers(output.weight) if output is not None and output.weight.requires_grad else 0
    return Counts(trained, frozen, held, max([*layers, rest], default=0), head)


def layers_of(model: Any) -> list[Any]:
    """The layers that gradient checkpointing recomputes and FSDP gathers one by one."""
    from transformers.modeling_layers import GradientCheckpointingLayer

    return [module for module in model.modules() if isinstance(module, GradientCheckpointingLayer)]


class AliveBytes(TorchDispatchMode):
    """Tracks the bytes of live tensors that were made in its context: the present sum and its maximum.

    Each storage counts once. `add` counts tensors that existed before.
    """

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.now = 0
        self.most = 0
        self._known: weakref.WeakSet[Any] = weakref.WeakSet()

    def add(self, tensors: Iterable[torch.Tensor]) -> None:
        for tensor in tensors:
            storage = tensor.untyped_storage()
            if storage not in self._known:
                self._known.add(storage)
                size = storage.nbytes()
                self.now += size
                self.most = max(self.most, self.now)
                weakref.finalize(storage, self._gone, size)

    def __torch_dispatch__(self, function: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        result = function(*args, **(kwargs or {}))
        self.add(value for value in tree_flatten(result)[0] if _holds_bytes(value))
        return result

    def _gone(self, size: int) -> None:
        self.now -= size


def _holds_bytes(value: Any) -> bool:
    return isinstance(value, torch.Tensor) and value.device.type != "meta"


def measure(model: Any, forward: Callable[[int], Any]) -> Activations:
    """Measure the activations of a forward pass.

    Args:
        model: a model that is not sharded and has no gradient checkpointing yet.
        forward: computes and returns the loss of a number of copies of the longest row.
    """
    one = _tally(model, lambda: forward(1))
    two = _tally(model, lambda: forward(2))
    whole, checkpointed = (
        Kept(per_row=second - first, fixed=max(0.0, 2 * first - second))
        for first, second in zip(one, two, strict=True)
    )
    return Activations(whole, checkpointed)


def _tally(model: Any, run: Callable[[], Any]) -> tuple[float, float]:
    """Bytes needed in total, and if each layer kept only its input and one of them the rest."""
    own = {parameter.untyped_storage().data_ptr() for parameter in model.parameters()}
    seen = set[int]()
    inside: dict[int, float] = {}  # layer -> what it keeps
    enters: dict[int, float] = {}  # layer -> its input
    stack = list[int]()
    total = 0.0

    def pack(tensor: torch.Tensor) -> torch.Tensor:
        nonlocal total
        storage = tensor.untyped_storage()
        if storage.data_ptr() not in own | seen:
            seen.add(storage.data_ptr())
            total += storage.nbytes()
            if stack:
                inside[stack[-1]] = inside.get(stack[-1], 0.0) + storage.nbytes()
        return tensor

    alive = AliveBytes()
    hooks = torch.autograd.graph.saved_tensors_hooks(pack, lambda t: t)
    with _watched(model, stack, enters), hooks, alive:
        loss = run()
        for_a_moment = alive.most - alive.now
    del loss
    outside = total - sum(inside.values())
    checkpointed = outside + sum(enters.values()) + max(inside.values(), default=0.0)
    return total + for_a_moment, checkpointed + for_a_moment


@contextmanager
def _watched(model: Any, stack: list[int], enters: dict[int, float]) -> Iterator[None]:
    """Track the layer in which a tensor is kept, and the size of each layer's input."""

    def enter(module: Any, given: tuple[Any, ...], named: dict[str, Any]) -> None:
        stack.append(id(module))
        states = [value for value in (*given, *named.values()) if isinstance(value, torch.Tensor)]
        floating = [value.untyped_storage().nbytes() for value in states if value.is_floating_point()]
        enters[id(module)] = float(max(floating, default=0))

    def leave(module: Any, given: tuple[Any, ...], result: Any) -> None:
        stack.pop()

    handles = []
    for layer in layers_of(model):
        handles.append(layer.register_forward_pre_hook(enter, with_kwargs=True))
        handles.append(layer.register_forward_hook(leave))
    try:
        yield
    finally:
        for handle in handles:
            handle.remove()


def layout_of(trainer: Any) -> Layout:
    """The layout of a TRL trainer's parameters."""
    args = trainer.args
    accelerator = trainer.accelerator
    sharding = "none" if accelerator.num_processes == 1 else "ddp"
    if trainer.is_deepspeed_enabled:
        sharding = "zero3"
    elif trainer.is_fsdp_enabled:
        sharding = "fsdp2"
    share = 0.0
    if getattr(args, "use_vllm", False) and args.vllm_mode == "colocate":
        share = args.vllm_gpu_memory_utilization
    card = torch.cuda.get_device_properties(0).total_memory / GB if torch.cuda.is_available() else 0.0
    return Layout(
        sharding=sharding,
        processes=accelerator.num_processes,
        optimizer=str(getattr(args.optim, "value", args.optim)),
        computes_in_16_bit=accelerator.mixed_precision != "no",
        checkpointing=bool(args.gradient_checkpointing),
        rows=args.per_device_train_batch_size,
        accumulates=args.gradient_accumulation_steps > 1,
        rollout_share=share,
        card_gb=card,
    )


def in_words(memory: Memory, layout: Layout) -> list[str]:
    """The plan's lines about memory."""
    parts = {
        "weights": memory.weights,
        "gradients": memory.gradients,
        "optimizer": memory.optimizer,
        "reference model": memory.reference,
        "gathered": memory.gathered,
        "activations": memory.activations,
        "vLLM": memory.rollouts,
    }
    parts_in_words = ", ".join(f"{name} {size / GB:.2f}" for name, size in parts.items() if size)
    line = f"{memory.peak / GB:.2f} GB per device at the most ({parts_in_words})"
    if layout.card_gb and memory.peak > layout.card_gb * GB:
        line += f": more than the {layout.card_gb:.0f} GB of this card; see the table in docs/training.md"
    return [line]


# --- the table of the docs -------------------------------------------------------------------------

TOKENS = 900  # tokens of a question with its answer; two pictures of 512 px take 2 x 324 of them
CARDS_GB = (24, 48, 80)
# bytes of a tile of logits: the tokens and words that TRL's head computes at a time
TILE_BYTES = 4096 * 32768 * HALF_BYTES
ROOM = 0.92  # usable share of a card; CUDA's context and fragmentation take the rest
LORA_TARGETS = ("q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj")


class Case(NamedTuple):
    """One of our configs under one of our launchers."""

    config: str
    model: str
    layout: Layout
    tokens: int
    rank: int = 0  # of LoRA; 0: everything is trained
    reference: bool = False


def _cases() -> list[Case]:
    eight = {"processes": 8, "accumulates": True}
    sft = Layout(rows=4, **eight)  # type: ignore[arg-type]
    grpo = Layout(rows=4, **eight)  # type: ignore[arg-type]
    cases = []
    for sharding in ("fsdp2", "zero3", "ddp"):
        cases.append(Case("qwen2_5_vl_7b_sft", "7B", replace(sft, sharding=sharding), TOKENS))
    cases.append(Case("qwen3_vl_8b_sft", "8B", replace(sft, sharding="fsdp2"), TOKENS))
    for sharding in ("fsdp2", "zero3"):
        layout = replace(grpo, sharding=sharding)
        cases.append(Case("qwen2_5_vl_7b_grpo", "7B", layout, TOKENS + 4096, reference=True))
    colocate = replace(grpo, sharding="fsdp2", rollout_share=0.3, card_gb=80.0)
    name = "qwen2_5_vl_7b_grpo_vllm_colocate"
    cases.append(Case(name, "7B", colocate, TOKENS + 4096, reference=True))
    one = Layout(rows=1, accumulates=True)
    cases.append(Case("qwen2_5_vl_3b_lora_24gb_sft", "3B", one, TOKENS, rank=32))
    two = replace(one, rows=2)
    cases.append(Case("qwen2_5_vl_3b_lora_24gb_grpo", "3B", two, TOKENS + 512, rank=32))
    return cases


def _config_of(name: str) -> Any:
    """The configuration of a real model, which gives its shapes."""
    from transformers import Qwen2_5_VLConfig, Qwen3VLConfig

    if name == "8B":
        text = {"hidden_size": 4096, "num_hidden_layers": 36, "num_attention_heads": 32, "head_dim": 128,
                "num_key_value_heads": 8, "intermediate_size": 12288, "vocab_size": 151936}  # fmt: skip
        vision = {"depth": 27, "hidden_size": 1152, "intermediate_size": 4304, "out_hidden_size": 4096,
                  "deepstack_visual_indexes": [8, 16, 24]}  # fmt: skip
        return Qwen3VLConfig(text_config=text, vision_config=vision, tie_word_embeddings=False)
    large = name == "7B"
    text = {"hidden_size": 3584 if large else 2048, "num_hidden_layers": 28 if large else 36,
            "num_attention_heads": 28 if large else 16, "num_key_value_heads": 4 if large else 2,
            "intermediate_size": 18944 if large else 11008,
        "vocab_size": 152064 if large else 151936}  # fmt: skip
    vision = {
        "depth": 32,
        "hidden_size": 1280,
        "intermediate_size": 3420,
        "out_hidden_size": text["hidden_size"],
    }
    return Qwen2_5_VLConfig(text_config=text, vision_config=vision, tie_word_embeddings=not large)


def _counts_of(case: Case) -> tuple[Counts, Kept]:
    """The counts of a real model, and an estimate of its activations with checkpointing."""
    from transformers import AutoModelForImageTextToText

    config = _config_of(case.model)
    with torch.device("meta"):
        model = AutoModelForImageTextToText.from_config(config, dtype=torch.bfloat16)
    every = sum(parameter.numel() for parameter in model.parameters())
    adapters = sum(
        case.rank * (module.in_features + module.out_features)
        for name, module in model.named_modules()
        if name.endswith(LORA_TARGETS) and "visual" not in name
    )
    layers = [sum(parameter.numel() for parameter in layer.parameters()) for layer in layers_of(model)]
    rest = every - sum(layers)
    text = config.text_config
    enters = text.num_hidden_layers * text.hidden_size
    one_layer = 8 * text.hidden_size + 6 * text.intermediate_size
    per_row = HALF_BYTES * case.tokens * (enters + one_layer)
    trained = adapters or every
    frozen = HALF_BYTES * every if case.rank else 0
    reference = HALF_BYTES * every if case.reference else 0
    head = 0 if case.rank else text.vocab_size * text.hidden_size
    counts = Counts(trained, frozen, reference, max(*layers, rest), head)
    return counts, Kept(per_row, HALF_BYTES * trained + TILE_BYTES)


def table() -> str:
    """The memory that each config needs, as a Markdown table."""
    lines = ["| config | launcher | GB on each device | fits on |", "|---|---|---|---|"]
    for case in _cases():
        counts, kept = _counts_of(case)
        needed = plan_memory(counts, Activations(kept, kept), case.layout)
        size = needed.peak / GB
        cards = [f"{card}" for card in CARDS_GB if size <= ROOM * card]
        if case.layout.rollout_share:  # its share is of this card
            cards = [f"{case.layout.card_gb:.0f}"] if size <= ROOM * case.layout.card_gb else []
        launcher = {"none": "one_gpu"}.get(case.layout.sharding, f"{case.layout.sharding} x 8")
        lines.append(f"| `{case.config}` | {launcher} | {size:.0f} | {', '.join(cards) or 'none of them'} |")
    return "\n".join(lines)


if __name__ == "__main__":
    print(table())
