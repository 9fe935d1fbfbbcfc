"""How much memory a run needs on each device, before it is started.

Weights, gradients and the optimizer's state follow from how many numbers are trained, in which format, and
who holds them. What the layers keep for the backward pass is measured: one forward pass of the longest row,
and one of two such rows, whose difference is what each further row costs.

    python -m trainers.memory        # the table of docs/training.md: which config fits on which card
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, NamedTuple

import torch

GB = 1e9
MASTER_BYTES = 4  # what is trained, in 32 bit
HALF_BYTES = 2
BUCKET_BYTES = 4  # DDP copies gradients into buckets, in which they are sent
LIVE_NUMBERS = 1e9  # that ZeRO-3 gathers at a time at most: stage3_max_live_parameters
STATE_BYTES = {
    "8bit": 2,
    "adafactor": 0,
    "sgd": 0,
}  # of an optimizer, by what its name holds; else two moments
MOMENTS_BYTES = 8


class Kept(NamedTuple):
    """What a forward pass of n rows keeps for the backward pass: fixed + n x per_row, in bytes."""

    per_row: float
    fixed: float = 0.0  # copies of weights in 16 bit


class Activations(NamedTuple):
    """Of the longest row: as it is, and with each layer computed again in the backward pass."""

    whole: Kept
    checkpointed: Kept


@dataclass(frozen=True, kw_only=True)
class Layout:
    """How a run holds its numbers."""

    sharding: str = "none"  # none, ddp, fsdp2 or zero3
    processes: int = 1
    optimizer: str = "adamw_torch_fused"
    computes_in_16_bit: bool = True  # autocast
    checkpointing: bool = True  # gradient_checkpointing
    rows: int = 1  # per device at a time
    accumulates: bool = False  # gradients of several batches are summed before a step
    rollout_share: float = 0.0  # of the card, which vLLM takes for itself
    card_gb: float = 0.0


class Counts(NamedTuple):
    """How many numbers a model has, and in how many bytes the frozen ones are held."""

    trained: int
    frozen_bytes: float
    reference_bytes: float = 0.0
    largest_layer: int = 0  # numbers of what FSDP gathers at a time


class Memory(NamedTuple):
    """Bytes on one device."""

    weights: float
    gradients: float
    optimizer: float
    reference: float
    activations: float
    gathered: float  # what is whole for a moment, of what is sharded
    rollouts: float

    @property
    def peak(self) -> float:
        """The most at a time: gradients grow as what the layers kept goes, unless some are there before."""
        lasting = self.weights + self.optimizer + self.reference + self.rollouts + self.gathered
        return lasting + max(self.activations, self.gradients)


def plan_memory(counts: Counts, kept: Activations | None, layout: Layout) -> Memory:
    """
    Args:
        kept: None: not measured; then activations are 0.
    """
    sharded = layout.sharding in ("fsdp2", "zero3")
    over = layout.processes if sharded else 1
    trained = counts.trained
    copies = HALF_BYTES * trained if layout.sharding == "zero3" else 0  # beside the masters
    gradients = MASTER_BYTES * trained / over
    if layout.sharding == "zero3":
        gradients = HALF_BYTES * trained / over
    if layout.sharding == "ddp":
        gradients += BUCKET_BYTES * trained
    state = next((n for name, n in STATE_BYTES.items() if name in layout.optimizer), MOMENTS_BYTES)
    activations = 0.0
    if kept is not None:
        one = kept.checkpointed if layout.checkpointing else kept.whole
        fixed = 0.0 if sharded else one.fixed
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
    )


def counts_of(model: Any, reference: Any = None) -> Counts:
    """The numbers of a model as it is loaded; what is trained counts as 32 bit, whatever it is in now."""
    from trainers.preflight import numbers

    trained, frozen = 0, 0.0
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
    return Counts(trained, frozen, held, max([*layers, rest], default=0))


def layers_of(model: Any) -> list[Any]:
    """The layers that gradient checkpointing computes again, and FSDP gathers one by one."""
    from transformers.modeling_layers import GradientCheckpointingLayer

    return [module for module in model.modules() if isinstance(module, GradientCheckpointingLayer)]


def measure(model: Any, forward: Callable[[int], Any]) -> Activations:
    """What a forward pass keeps.

    Args:
        model: not in shards, and without gradient checkpointing as yet.
        forward: runs the loss of so many copies of the longest row, and returns it.
    """
    one, two = _tally(model, lambda: forward(1)), _tally(model, lambda: forward(2))
    whole, checkpointed = (
        Kept(per_row=second - first, fixed=max(0.0, 2 * first - second))
        for first, second in zip(one, two, strict=True)
    )
    return Activations(whole, checkpointed)


def _tally(model: Any, run: Callable[[], Any]) -> tuple[float, float]:
    """Bytes kept in all, and if each layer kept its input alone and one of them the rest."""
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

    with _watched(model, stack, enters), torch.autograd.graph.saved_tensors_hooks(pack, lambda t: t):
        loss = run()
    del loss
    outside = total - sum(inside.values())
    return total, outside + sum(enters.values()) + max(inside.values(), default=0.0)


@contextmanager
def _watched(model: Any, stack: list[int], enters: dict[int, float]) -> Iterator[None]:
    """Know in which layer a tensor is kept, and how large the layer's input is."""

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
    """How a trainer of TRL holds its numbers."""
    args, accelerator = trainer.args, trainer.accelerator
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
    told = ", ".join(f"{name} {size / GB:.2f}" for name, size in parts.items() if size)
    line = f"{memory.peak / GB:.2f} GB per device at the most ({told})"
    if layout.card_gb and memory.peak > layout.card_gb * GB:
        line += f": more than the {layout.card_gb:.0f} GB of this card; see the table in docs/training.md"
    return [line]
