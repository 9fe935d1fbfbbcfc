"""A small convolutional vision tower that compares the two pictures of a question: learns in minutes on a
CPU.

`trainers/probe.py` trains it as a classifier; `trainers/tiny.py` puts it into a small LLaVA. A tower that
sees one picture at a time stayed at chance on rendered pairs: which way things went is in where each place of
one picture is found again in the other, so that is what this one is given.
"""

import math
from typing import Any

import torch
from torch import Tensor, nn
from transformers import AutoConfig, AutoModel, PretrainedConfig, PreTrainedModel
from transformers.modeling_outputs import BaseModelOutput

GRID = 16  # places along a side at which pictures are compared
REACH = (1, 6)  # how far down and across a place is looked for, in places
CHANNELS = (24, 48, 64, 96)


class TowerConfig(PretrainedConfig):
    model_type = "viewpoint_tower"

    def __init__(self, image_size: int = 32, hidden_size: int = 128, **more: Any) -> None:
        self.image_size = image_size  # pixels: 16, 32, 64 and so on
        self.hidden_size = hidden_size
        super().__init__(**more)


class ConvTower(PreTrainedModel):
    """(pictures, 3, size, size) -> one token each, (pictures, 1, hidden_size).

    Pictures come in twos, first and second of each question; the token of each tells how it compares to the
    other. A last one without another is compared to itself.
    """

    config_class = TowerConfig
    main_input_name = "pixel_values"
    _supports_sdpa = True  # it has no attention; GRPO's reference model is loaded with the language model's
    _no_split_modules = ()

    def __init__(self, config: TowerConfig) -> None:
        super().__init__(config)
        fine, middle, coarse, last = CHANNELS
        halvings = int(math.log2(config.image_size // GRID))
        if config.image_size != GRID * 2**halvings:
            raise ValueError(f"image_size = {config.image_size}: expected {GRID} times a power of 2")
        layers = list[nn.Module]()
        inputs = 3
        for _ in range(halvings):
            layers += _block(inputs, fine, 3, 2)
            inputs = fine
        layers += _block(inputs, fine, 3, 1)
        self.features = nn.Sequential(*layers, nn.Conv2d(fine, fine, 1))
        self.shown = nn.Conv2d(fine, 16, 1)
        shifts = (2 * REACH[0] + 1) * (2 * REACH[1] + 1)
        self.compare = nn.Sequential(
            *_block(shifts + 32, middle, 1, 1),
            *_block(middle, coarse, 3, 2),
            *_block(coarse, last, 3, 2),
            nn.Flatten(),
        )
        self.dense = nn.Linear(last * (GRID // 4) ** 2, config.hidden_size)
        self.norm = nn.LayerNorm(config.hidden_size)
        self.post_init()

    def _init_weights(self, module: nn.Module) -> None:
        if isinstance(module, nn.Conv2d | nn.Linear):
            nn.init.kaiming_normal_(module.weight, nonlinearity="relu")
            if module.bias is not None:
                nn.init.zeros_(module.bias)

    def forward(self, pixel_values: Tensor, **more: Any) -> BaseModelOutput:
        seen = self.features(pixel_values.to(self.dense.weight.dtype))
        shown = self.shown(seen)
        unit = nn.functional.normalize(seen, dim=1)
        found = torch.cat([3 * matches(unit, _other(unit)), shown, _other(shown)], dim=1)
        token = self.norm(self.dense(self.compare(found)))[:, None]
        return BaseModelOutput(last_hidden_state=token, hidden_states=(token,))


def _block(inputs: int, outputs: int, size: int, stride: int) -> list[nn.Module]:
    return [nn.Conv2d(inputs, outputs, size, stride, size // 2), nn.GroupNorm(8, outputs), nn.ReLU()]


def _other(pictures: Tensor) -> Tensor:
    """The other picture of each question."""
    even = len(pictures) // 2 * 2
    swapped = pictures[:even].unflatten(0, (-1, 2)).flip(1).flatten(0, 1)
    return torch.cat([swapped, pictures[even:]])


def matches(one: Tensor, other: Tensor) -> Tensor:
    """The similarity of each place of `one` to the places around it in `other`.

    Args:
        one: (n, channels, height, width) of unit length.

    Returns:
        (n, shifts, height, width) cosines; shifts row by row, within `REACH`; 0 beyond the border.
    """
    down, across = REACH
    height, width = one.shape[-2:]
    padded = nn.functional.pad(other, (across, across, down, down))
    rows = one.permute(0, 2, 3, 1)
    out = []
    for shift in range(2 * down + 1):
        every = rows @ padded[:, :, shift : shift + height].transpose(
            1, 2
        )  # (n, height, width, width + 2 across)
        # the same number of columns from each place on: a diagonal band, which a row longer by one makes
        # upright
        band = nn.functional.pad(every.flatten(-2), (0, width)).unflatten(-1, (width, -1))
        out.append(band[..., : 2 * across + 1])
    return torch.cat(out, dim=-1).permute(0, 3, 1, 2)


def register() -> None:
    """Register the tower with `AutoModel`; calling this again does nothing."""
    AutoConfig.register(TowerConfig.model_type, TowerConfig, exist_ok=True)
    AutoModel.register(TowerConfig, ConvTower, exist_ok=True)
