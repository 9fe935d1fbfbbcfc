"""Loads and prepares models and processors for the scripts."""

import re
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from viewpoint100k import InputError

PARTS = ("vision", "projector", "language")
_PROJECTOR = re.compile(
    r"\b(?:merger|connector|multi_modal_projector|mm_projector|projector|aligner)\b|deepstack_merger"
)
_VISION = re.compile(r"\b(?:visual|vision_tower|vision_model|vision_encoder|vision_embed_tokens)\b")


def check_model_name(model: str | None, option: str = "--model_name_or_path") -> str:
    """The name of a model, if it can be one: whatever is no folder would be looked for on the Hub, for
    minutes.

    Raises:
        InputError: no model was given, or a path that does not exist.
    """
    from huggingface_hub.errors import HFValidationError
    from huggingface_hub.utils import validate_repo_id

    if not model or not model.strip() or model in ("None", "null"):
        raise InputError(
            f"{option} is missing: expected a folder with a model, or its name on the Hub, such as "
            "Qwen/Qwen2.5-VL-3B-Instruct; `python -m trainers.tiny` builds one for a laptop"
        )
    if Path(model).is_dir():
        return model
    if Path(model).exists():
        raise InputError(
            f"{option} {model} is a file: expected a folder with a model, or its name on the Hub"
        )
    try:
        validate_repo_id(model)
    except HFValidationError:
        raise InputError(
            f"{option} {model}: there is no such folder, and no model on the Hub can have this name. If it "
            "is the "
            "output of an earlier stage, run that first"
        ) from None
    return model


def load_processor(model: str, revision: str | None = None, trust_remote_code: bool = False) -> Any:
    """The processor of a model, padding on the left, as generation needs.

    Without torchvision, processors with a part for videos cannot be created; those of the Qwen family are
    then assembled without that part.

    Raises:
        InputError: there is no such model, it has no processor, or the processor needs torchvision.
    """
    from transformers import AutoConfig, AutoProcessor
    from transformers.utils import is_torchvision_available

    from trainers.tower import register

    register()
    more: dict[str, Any] = {"revision": revision or "main", "trust_remote_code": trust_remote_code}
    if not Path(
        model
    ).is_dir():  # asked for one file first: a processor asks for six, and waits for each if nobody answers
        try:
            AutoConfig.from_pretrained(model, **more)
        except (OSError, ValueError) as error:
            raise InputError(
                f"cannot load {model}: there is no such folder, and with the Hub: "
                f"{str(error).splitlines()[0]}"
            ) from error
    try:
        processor = AutoProcessor.from_pretrained(model, padding_side="left", **more)
    except (OSError, ValueError, AttributeError, TypeError, ImportError) as error:
        if is_torchvision_available():
            raise InputError(f"cannot load the processor of {model}: {str(error).splitlines()[0]}") from error
        processor = _without_videos(model, error, more)
    if not hasattr(processor, "tokenizer"):
        raise InputError(
            f"{model} has a {type(processor).__name__}; expected the processor of a vision-language model"
        )
    processor.tokenizer.padding_side = "left"
    return processor


def _without_videos(model: str, error: Exception, more: dict[str, Any]) -> Any:
    from transformers import AutoConfig, AutoImageProcessor, AutoTokenizer

    try:
        kind = AutoConfig.from_pretrained(model, **more).model_type
    except (OSError, ValueError):
        raise InputError(f"cannot load the processor of {model}: {str(error).splitlines()[0]}") from error
    if kind not in ("qwen2_vl", "qwen2_5_vl", "qwen3_vl"):
        raise InputError(
            f"cannot load the processor of {model} ({kind}): {str(error).splitlines()[0]}. "
            "If it has a part for videos it needs torchvision: install the build that fits your torch"
        ) from error
    tokenizer = AutoTokenizer.from_pretrained(model, padding_side="left", **more)
    return video_free(kind)(
        AutoImageProcessor.from_pretrained(model, **more), tokenizer, tokenizer.chat_template
    )


def video_free(kind: str) -> Any:
    """The class of a Qwen processor whose attributes, which are read from its signature, name no videos.

    What it saves can be loaded where torchvision is: videos are to be treated as pictures are.
    """
    from transformers.models.qwen2_5_vl.processing_qwen2_5_vl import Qwen2_5_VLProcessor
    from transformers.models.qwen2_vl.processing_qwen2_vl import Qwen2VLProcessor
    from transformers.models.qwen3_vl.processing_qwen3_vl import Qwen3VLProcessor
    from transformers.processing_utils import ProcessorMixin

    base = {"qwen2_vl": Qwen2VLProcessor, "qwen2_5_vl": Qwen2_5_VLProcessor, "qwen3_vl": Qwen3VLProcessor}[
        kind
    ]

    videos = "Qwen3VLVideoProcessor" if kind == "qwen3_vl" else "Qwen2VLVideoProcessor"

    class VideoFree(base):  # type: ignore[misc, valid-type]
        def __init__(
            self, image_processor: Any = None, tokenizer: Any = None, chat_template: Any = None
        ) -> None:
            for name, token in (
                ("image_token", "<|image_pad|>"),
                ("video_token", "<|video_pad|>"),
                ("vision_start_token", "<|vision_start|>"),
                ("vision_end_token", "<|vision_end|>"),
            ):
                setattr(self, name, getattr(tokenizer, name, token))
                setattr(self, f"{name}_id", tokenizer.convert_tokens_to_ids(getattr(self, name)))
            ProcessorMixin.__init__(self, image_processor, tokenizer, chat_template=chat_template)

        def to_dict(self) -> dict[str, Any]:
            """As it is saved: with a part for videos, else neither vLLM nor torchvision's classes load it."""
            saved: dict[str, Any] = super().to_dict()
            pictures = dict(saved["image_processor"])
            pictures.pop("image_processor_type", None)
            saved["video_processor"] = pictures | {"video_processor_type": videos}
            return saved

    # saved under the name by which it can be loaded if torchvision is installed
    VideoFree.__name__ = base.__name__
    return VideoFree


def part_of(parameter: str) -> str:
    """The part of a vision-language model to which a parameter belongs, by its name.

    Example:
        >>> part_of("model.visual.merger.mlp.0.weight"), part_of("model.visual.blocks.0.norm1.weight"),
        part_of("lm_head.weight") ('projector', 'vision', 'language')
    """
    if _PROJECTOR.search(parameter):
        return "projector"
    return "vision" if _VISION.search(parameter) else "language"


def freeze(model: Any, parts: Iterable[str]) -> int:
    """Freeze parts of a model, and return the number of parameters that are still trained.

    Raises:
        InputError: there is no such part, or nothing is left to train.
    """
    wanted = set(parts)
    if unknown := wanted - set(PARTS):
        raise InputError(f"--freeze {' '.join(sorted(unknown))}: expected some of {', '.join(PARTS)}")
    present = {part_of(name) for name, _ in model.named_parameters()}
    if missing := wanted - present:
        raise InputError(
            f"--freeze {' '.join(sorted(missing))}: {type(model).__name__} has only "
            f"{', '.join(sorted(present))}"
        )
    for name, parameter in model.named_parameters():
        if part_of(name) in wanted:
            parameter.requires_grad_(False)
    left: int = sum(parameter.numel() for parameter in model.parameters() if parameter.requires_grad)
    if not left:
        raise InputError(f"--freeze {' '.join(sorted(wanted))} leaves nothing to train")
    return left


def widen(model: Any, everything: bool = False) -> int:
    """Keep what is trained in 32 bit. In 16, AdamW's steps are smaller than what tells two neighbouring
    numbers apart, and are rounded away; matrices are multiplied in 16 bit all the same where there is
    autocast.

    Args:
        everything: frozen parameters as well, as it takes where there is no autocast to bring them together.

    Returns:
        How many numbers were in fewer bits.
    """
    import torch

    found = 0
    for parameter in model.parameters():
        if parameter.dtype in (torch.bfloat16, torch.float16) and (everything or parameter.requires_grad):
            parameter.data = parameter.data.float()
            found += parameter.numel()
    return found


def lora_without(config: Any, parts: Iterable[str] | None) -> Any:
    """A LoRA configuration that leaves frozen parts alone: `all-linear` would put adapters into the tower as
    well.
    """
    patterns = {"vision": _VISION.pattern, "projector": _PROJECTOR.pattern}
    wanted = [patterns[part] for part in parts or () if part in patterns]
    if config is not None and wanted:
        config.exclude_modules = rf".*(?:{'|'.join(wanted)}).*"
    return config
