"""The memory plan: bytes counted on fingers, and what layers keep against what autograd keeps."""

import pytest

pytest.importorskip("torch", reason="needs the extra [train]")
pytest.importorskip("transformers", reason="needs the extra [train]")

import torch

from trainers.memory import GB, Activations, Counts, Kept, Layout, counts_of, in_words, measure, plan_memory

BILLION = Counts(trained=10**9, frozen_bytes=0, largest_layer=10**8)


@pytest.mark.parametrize(
    ("layout", "peak_gb"),
    [
        # weights 4, gradients 4, two moments 8
        ({}, 16),
        ({"optimizer": "adamw_bnb_8bit"}, 10),
        ({"optimizer": "adafactor"}, 8),
        # and gradients once more, in buckets
        ({"sharding": "ddp", "processes": 8}, 20),
        # an eighth of 16, and of a layer of 0.1 twice its weights and once its gradients in 16 bit
        ({"sharding": "fsdp2", "processes": 8}, 2.6),
        # an eighth of 4 + 2 + 8 and of gradients in both formats, 6; and all weights once in 16 bit
        ({"sharding": "zero3", "processes": 8}, 20 / 8 + 2),
        ({"rollout_share": 0.3, "card_gb": 80}, 40),
    ],
)
def test_a_billion_numbers_that_are_trained_take_what_is_counted_here(layout, peak_gb):
    assert plan_memory(BILLION, None, Layout(**layout)).peak / GB == pytest.approx(peak_gb)


def test_what_is_frozen_and_the_reference_model_take_what_they_were_loaded_in():
    lora = Counts(trained=10**7, frozen_bytes=2 * 10**9)
    assert plan_memory(lora, None, Layout()).peak / GB == pytest.approx(2.16)
    beside = Counts(trained=10**9, frozen_bytes=0, reference_bytes=2 * 10**9)
    assert plan_memory(beside, None, Layout()).peak / GB == pytest.approx(18)
    assert plan_memory(beside, None, Layout(sharding="fsdp2", processes=2)).reference / GB == pytest.approx(1)


def test_activations_and_gradients_are_not_there_at_once_unless_batches_are_accumulated():
    kept = Activations(whole=Kept(per_row=3e9), checkpointed=Kept(per_row=1e9))
    at_once = Layout(rows=2, checkpointing=False)
    assert plan_memory(BILLION, kept, at_once).peak / GB == pytest.approx(4 + 8 + 6)
    assert plan_memory(BILLION, kept, Layout(rows=2)).peak / GB == pytest.approx(16)  # gradients are more
    summed = Layout(rows=2, checkpointing=False, accumulates=True)
    assert plan_memory(BILLION, kept, summed).peak / GB == pytest.approx(4 + 8 + 6 + 4)


def two_layers():
    from transformers.modeling_layers import GradientCheckpointingLayer

    class Layer(GradientCheckpointingLayer):
        def __init__(self):
            super().__init__()
            self.up, self.down = torch.nn.Linear(8, 32), torch.nn.Linear(32, 8)

        def forward(self, states):
            return states + self.down(torch.relu(self.up(states)))

    return torch.nn.Sequential(Layer(), Layer())


def test_what_layers_keep_is_what_autograd_keeps_and_grows_with_each_row():
    """A row of 5 tokens: each layer keeps its input (5 x 8) and what relu gave (5 x 32), 4 bytes each; for a
    moment there is also what is computed next, which is less than what relu takes.
    """
    model = two_layers()
    found = measure(model, lambda rows: model(torch.ones(rows, 5, 8, requires_grad=True)).sum())
    layer = 4 * (5 * 8 + 5 * 32)
    moment = 4 * 5 * 32
    assert 2 * layer <= found.whole.per_row <= 2 * layer + moment
    assert 0 <= found.checkpointed.per_row - (2 * 4 * 5 * 8 + layer) <= moment
    assert found.whole.fixed == 0


def test_a_tile_of_logits_that_is_there_for_a_moment_only_is_counted():
    model = two_layers()

    def forward(rows, wide):
        states = model(torch.ones(rows, 5, 8, requires_grad=True)).sum()
        if wide:
            states = states + torch.empty(rows, 1000).fill_(0).sum()  # gone before the pass ends
        return states

    plain, wide = (measure(model, lambda rows, wide=wide: forward(rows, wide)) for wide in (False, True))
    assert wide.whole.per_row - plain.whole.per_row == pytest.approx(4000, rel=0.2)
    assert wide.checkpointed.per_row - plain.checkpointed.per_row == pytest.approx(4000, rel=0.2)


def test_the_gradient_of_the_head_comes_while_all_that_layers_kept_is_there():
    kept = Activations(whole=Kept(per_row=6e9), checkpointed=Kept(per_row=6e9))
    headed = BILLION._replace(head=10**8)
    assert plan_memory(headed, kept, Layout()).peak / GB == pytest.approx(4 + 8 + 6 + 0.4)
    fewer = Activations(whole=Kept(per_row=1e9), checkpointed=Kept(per_row=1e9))
    assert plan_memory(headed, fewer, Layout()).peak / GB == pytest.approx(16)  # gradients are more


def test_a_model_is_counted_in_the_format_in_which_it_is_held():
    model = two_layers().to(torch.bfloat16)
    every = sum(parameter.numel() for parameter in model.parameters())
    model[0].requires_grad_(False)
    found = counts_of(model, reference=model)
    assert found == Counts(every // 2, every // 2 * 2, every * 2, every // 2)


def test_a_card_that_is_too_small_is_said():
    layout = Layout(card_gb=10)
    assert "more than the 10 GB of this card" in in_words(plan_memory(BILLION, None, layout), layout)[0]
    assert "more than" not in in_words(plan_memory(BILLION, None, Layout(card_gb=80)), Layout(card_gb=80))[0]
