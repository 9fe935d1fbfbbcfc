"""Small vision-language models from nothing, with a tokenizer of their own and a real processor, for tests
and CPUs.

    python -m trainers.tiny OUT --data viewpoint-100k [--kind idefics3] [--size_px 64] [--tower PROBE]

`idefics3` needs no torchvision. `llava` has the convolutional tower of `trainers/tower.py`, one token per
picture, and learns viewpoints in minutes if the tower comes from `trainers/probe.py`. `qwen2_5_vl` and
`qwen3_vl` stand in for the real ones: the same code paths at a thousandth of the size.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import Any

from trainers.data import motion_line
from viewpoint100k import InputError

IMAGE = "<image>"
START = "<|im_start|>"
END = "<|im_end|>"
PAD = "<|pad|>"
TOKENS: dict[str, dict[str, str]] = {  # kind -> the special tokens its processor asks its tokenizer for
    "idefics3": {
        "image_token": IMAGE,
        "fake_image_token": "<fake_token_around_image>",
        "global_image_token": "<global-img>",
        "end_of_utterance_token": END,
    },
    "llava": {"image_token": IMAGE},
    "qwen2_5_vl": {
        "image_token": "<|image_pad|>",
        "video_token": "<|video_pad|>",
        "vision_start_token": "<|vision_start|>",
        "vision_end_token": "<|vision_end|>",
    },
}
TOKENS["qwen3_vl"] = TOKENS["qwen2_5_vl"]
TEMPLATE = (
    "{%- for message in messages -%}{{ '<|im_start|>' + message['role'] + '\\n' }}"
    "{%- if message['content'] is string -%}{{ message['content'] }}{%- else -%}"
    "{%- for part in message['content'] -%}"
    "{%- if part['type'] == 'image' -%}{{ 'IMAGE' }}{%- else -%}{{ part['text'] }}{%- endif -%}"
    "{%- endfor -%}{%- endif -%}{{ '<|im_end|>\\n' }}{%- endfor -%}"
    "{%- if add_generation_prompt -%}{{ '<|im_start|>assistant\\n' }}{%- endif -%}"
)


@dataclass
class TinyArguments:
    """What is built."""

    out: str = field(metadata={"help": "Folder for weights and processor."})
    data: str = field(metadata={"help": "Dataset whose questions and answers the tokenizer is trained on."})
    kind: str = field(default="idefics3", metadata={"help": "idefics3, llava, qwen2_5_vl or qwen3_vl."})
    split: str = field(default="train", metadata={"help": "Its split."})
    types: list[str] | None = field(default=None, metadata={"help": "Only these types of questions."})
    size_px: int = field(default=64, metadata={"help": "Pictures are scaled to this; a multiple of 16."})
    hidden: int = field(default=128, metadata={"help": "Width of the language model."})
    layers: int = field(default=3, metadata={"help": "Its depth."})
    vocabulary: int = field(default=1500, metadata={"help": "Tokens; the words of our questions fit in."})
    tower: str | None = field(
        default=None, metadata={"help": "Folder of a tower that probe.py trained, for llava."}
    )
    seed: int = field(default=0, metadata={"help": "Seed of the weights."})


def train_tokenizer(texts: Iterable[str], kind: str, vocabulary: int) -> Any:
    """A byte-level BPE tokenizer of its own, with the special tokens that the kind's processor needs."""
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
    from transformers import PreTrainedTokenizerFast

    special = [PAD, START, END, *(token for token in TOKENS[kind].values() if token != END)]
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    tokenizer.train_from_iterator(
        texts,
        trainers.BpeTrainer(
            vocab_size=vocabulary, special_tokens=special, initial_alphabet=alphabet, show_progress=False
        ),
    )
    return PreTrainedTokenizerFast(
        tokenizer_object=tokenizer,
        eos_token=END,
        pad_token=PAD,
        padding_side="left",
        extra_special_tokens=TOKENS[kind],
    )


def texts_of(rows: Iterable[dict[str, Any]]) -> list[str]:
    """What a tokenizer is trained on: questions, answers, and both kinds of thoughts."""
    out = []
    for row in rows:
        out += [
            row["prompt"],
            f"<think>{row['chain_of_thought'] or ''}</think> <answer>{row['answer']}</answer>",
            motion_line(row["motion"]) or "",
        ]
    return [*out, "user\nassistant\nsystem\n"]


def build(arguments: TinyArguments, texts: Iterable[str]) -> Path:
    """Weights, configuration and processor in one folder, which `from_pretrained` reads.

    Raises:
        InputError: no such kind, or a size that its patches do not divide.
    """
    import torch
    from transformers import AutoModelForImageTextToText, set_seed

    if arguments.kind not in TOKENS:
        raise InputError(f"--kind {arguments.kind}: expected one of {', '.join(TOKENS)}")
    if arguments.size_px % 16:
        raise InputError(f"--size_px {arguments.size_px}: expected a multiple of 16")
    set_seed(arguments.seed)
    tokenizer = train_tokenizer(texts, arguments.kind, arguments.vocabulary)
    make = {"idefics3": _idefics3, "llava": _llava}.get(arguments.kind, _qwen)
    config, processor = make(arguments, tokenizer)
    processor.chat_template = TEMPLATE.replace(
        "IMAGE", IMAGE if IMAGE in tokenizer.get_vocab() else "<|vision_start|><|image_pad|><|vision_end|>"
    )
    model = AutoModelForImageTextToText.from_config(config, dtype=torch.float32)
    model.generation_config.eos_token_id = tokenizer.eos_token_id
    model.generation_config.pad_token_id = tokenizer.pad_token_id
    if arguments.tower:
        from trainers.tower import ConvTower

        model.model.vision_tower.load_state_dict(ConvTower.from_pretrained(arguments.tower).state_dict())
    model.save_pretrained(arguments.out)
    processor.save_pretrained(arguments.out)
    return Path(arguments.out)


def _text(arguments: TinyArguments, tokenizer: Any, **more: Any) -> dict[str, Any]:
    """Settings of the language model. The default spread of 0.02 is small for so narrow a model."""
    return {
        "vocab_size": len(tokenizer),
        "hidden_size": arguments.hidden,
        "intermediate_size": 2 * arguments.hidden,
        "num_hidden_layers": arguments.layers,
        "num_attention_heads": 4,
        "num_key_value_heads": 4,
        "max_position_embeddings": 1024,
        "initializer_range": 0.09,
        "tie_word_embeddings": True,
        "bos_token_id": None,
        "eos_token_id": tokenizer.eos_token_id,
        "pad_token_id": tokenizer.pad_token_id,
        **more,
    }


def _vision(arguments: TinyArguments) -> dict[str, Any]:
    return {"image_size": arguments.size_px, "patch_size": 16, "hidden_size": 64, "intermediate_size": 128,
            "num_hidden_layers": 2, "num_attention_heads": 4, "initializer_range": 0.09}  # fmt: skip


def _idefics3(arguments: TinyArguments, tokenizer: Any) -> tuple[Any, Any]:
    from transformers import Idefics3Config, Idefics3Processor
    from transformers.models.idefics3.image_processing_pil_idefics3 import Idefics3ImageProcessorPil

    side = arguments.size_px // 16
    config = Idefics3Config(
        vision_config=_vision(arguments),
        text_config={"model_type": "llama", **_text(arguments, tokenizer)},
        scale_factor=side,  # one token per picture
        image_token_id=tokenizer.convert_tokens_to_ids(IMAGE),
        pad_token_id=tokenizer.pad_token_id,
        tie_word_embeddings=True,
    )
    pictures = Idefics3ImageProcessorPil(
        size={"longest_edge": arguments.size_px},
        max_image_size={"longest_edge": arguments.size_px},
        do_image_splitting=False,
    )
    return config, Idefics3Processor(pictures, tokenizer, image_seq_len=1)


def _llava(arguments: TinyArguments, tokenizer: Any) -> tuple[Any, Any]:
    from transformers import LlavaConfig, LlavaProcessor
    from transformers.models.clip.image_processing_pil_clip import CLIPImageProcessorPil

    from trainers.tower import TowerConfig, register

    register()
    config = LlavaConfig(
        vision_config=TowerConfig(image_size=arguments.size_px, hidden_size=128),
        text_config={"model_type": "llama", **_text(arguments, tokenizer)},
        image_token_index=tokenizer.convert_tokens_to_ids(IMAGE),
        vision_feature_layer=-1,
        vision_feature_select_strategy="full",
        image_seq_length=1,
        tie_word_embeddings=True,
    )
    square = {"height": arguments.size_px, "width": arguments.size_px}
    pictures = CLIPImageProcessorPil(
        size=square, crop_size=square, do_center_crop=False, image_mean=[0.5] * 3, image_std=[0.5] * 3
    )
    processor = LlavaProcessor(
        pictures, tokenizer, patch_size=arguments.size_px, vision_feature_select_strategy="full",
        image_token=IMAGE,
        num_additional_image_tokens=0,
    )  # fmt: skip
    return config, processor


def _qwen(arguments: TinyArguments, tokenizer: Any) -> tuple[Any, Any]:
    """Qwen2.5-VL or Qwen3-VL, with the processor without the part for videos."""
    from transformers import Qwen2_5_VLConfig, Qwen3VLConfig
    from transformers.models.qwen2_vl.image_processing_pil_qwen2_vl import Qwen2VLImageProcessorPil

    from trainers.models import video_free

    patch = 16
    merge = 2
    area = arguments.size_px**2
    names = ("image_token", "video_token", "vision_start_token", "vision_end_token")
    ids = {f"{name}_id": tokenizer.convert_tokens_to_ids(TOKENS[arguments.kind][name]) for name in names}
    head = arguments.hidden // 4
    sections: dict[str, Any] = {
        "mrope_section": [head // 2 - 2 * (head // 6), head // 6, head // 6],
        "rope_type": "default",
        "rope_theta": 1e4,
    }
    if arguments.kind == "qwen3_vl":
        sections["mrope_interleaved"] = True  # transformers always does; vLLM only if it is said
    text = _text(arguments, tokenizer, rope_parameters=sections, head_dim=head)
    shared = {"depth": 2, "hidden_size": 64, "num_heads": 4, "patch_size": patch, "spatial_merge_size": merge,
              "out_hidden_size": arguments.hidden, "intermediate_size": 128,
              "initializer_range": 0.09}  # fmt: skip
    if arguments.kind == "qwen2_5_vl":
        vision = {**shared, "fullatt_block_indexes": [1], "window_size": 64}
        config: Any = Qwen2_5_VLConfig(
            vision_config=vision, text_config=text, tie_word_embeddings=True, **ids
        )
    else:
        places = (arguments.size_px // patch) ** 2
        vision = {**shared, "num_position_embeddings": places, "deepstack_visual_indexes": [0]}
        config = Qwen3VLConfig(vision_config=vision, text_config=text, tie_word_embeddings=True, **ids)
    pictures = Qwen2VLImageProcessorPil(
        size={"shortest_edge": area, "longest_edge": area},
        min_pixels=area,
        max_pixels=area,
        patch_size=patch,
        merge_size=merge,
    )
    return config, video_free(arguments.kind)(pictures, tokenizer)


def main(arguments: TinyArguments) -> Path:
    from viewpoint100k import load_questions

    rows = load_questions(arguments.data, arguments.split, streaming=True, types=arguments.types, fair=False)
    return build(arguments, texts_of(islice(iter(rows.remove_columns("images")), 20_000)))


if __name__ == "__main__":
    import sys

    from trl import TrlParser

    from trainers.cli import run

    if len(sys.argv) > 1 and not sys.argv[1].startswith("-"):
        sys.argv[1:2] = ["--out", sys.argv[1]]
    run(main, TrlParser((TinyArguments,)))
