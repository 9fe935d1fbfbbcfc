"""A small convolutional vision tower: learns in minutes on a CPU what patch transformers do not.

`trainers/probe.py` trains it as a classifier; `trainers/tiny.py` puts it into a small LLaVA.
"""

from typing import Any

from torch import Tensor, nn
from transformers import AutoConfig, AutoModel, PretrainedConfig, PreTrainedModel
from transformers.modeling_outputs import BaseModelOutput

CHANNELS = (32, 64, 96)


class TowerConfig(PretrainedConfig):
    model_type = "viewpoint_tower"

    def __init__(self, image_size: int = 64, hidden_size: int = 128, **more: Any) -> None:
        self.image_size = image_size  # pixels, a multiple of 8
        self.hidden_size = hidden_size
        super().__init__(**more)


class ConvTower(PreTrainedModel):
    """(batch, 3, size, size) pictures -> one token each, (batch, 1, hidden_size).

    Three stages, each of one convolution of stride 2 and one of stride 1, then a dense layer over all places: where things
    are is what questions are about, so nothing is pooled.
    """

    config_class = TowerConfig
    main_input_name = "pixel_values"
    _supports_sdpa = True  # it has no attention; GRPO's reference model is loaded with the language model's
    _no_split_modules = ()

    def __init__(self, config: TowerConfig) -> None:
        super().__init__(config)
        layers: list[nn.Module] = []
        before = 3
        for channels in CHANNELS:
            for stride, inputs in ((2, before), (1, channels)):
                layers += [nn.Conv2d(inputs, channels, 3, stride, 1), nn.GroupNorm(8, channels), nn.ReLU()]
            before = channels
        if config.image_size > 64:
            layers.append(nn.AvgPool2d(2))
        side = config.image_size // (8 if config.image_size <= 64 else 16)
        self.features = nn.Sequential(*layers, nn.Flatten())
        self.dense = nn.Linear(before * side * side, config.hidden_size)
        self.norm = nn.LayerNorm(config.hidden_size)
        self.post_init()

    def _init_weights(self, module: nn.Module) -> None:
        if isinstance(module, nn.Conv2d | nn.Linear):
            nn.init.kaiming_normal_(module.weight, nonlinearity="relu")
            if module.bias is not None:
                nn.init.zeros_(module.bias)

    def forward(self, pixel_values: Tensor, **more: Any) -> BaseModelOutput:
        token = self.norm(self.dense(self.features(pixel_values.to(self.dense.weight.dtype))))[:, None]
        return BaseModelOutput(last_hidden_state=token, hidden_states=(token,))


def register() -> None:
    """Let `AutoModel` know the tower; again does nothing."""
    AutoConfig.register(TowerConfig.model_type, TowerConfig, exist_ok=True)
    AutoModel.register(TowerConfig, ConvTower, exist_ok=True)
