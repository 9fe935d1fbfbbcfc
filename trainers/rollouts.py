"""What vLLM is handed in a rollout of GRPO, what it must forget, and whether it answers what it was asked.

vLLM wants one image token for each picture, repeats it as often as the picture needs, and returns the prompts
that it made. TRL 1.16 hands it the prompts of the model that is trained, where these tokens are repeated
already, so that vLLM repeats one of each picture's tokens once more (trl#6294, #6401; trl#6718 is to change
that). A server gets the pictures apart, with the places of their tokens: there nothing is to be done.

vLLM also keeps what its vision tower made of a picture, and TRL has it forget prompts alone when weights are
renewed (trl#7198): questions about pictures that were shown before would be answered by the eyes of earlier
weights.
"""

from collections.abc import Sequence
from typing import Any

from viewpoint100k import InputError

WAYS_OUT = "take another release of TRL or vLLM, vllm_mode: server, or use_vllm: false"


def unrepeated(ids: Sequence[int], token: int) -> list[int]:
    """The prompt with one image token in place of each run of them.

    Pictures beside each other stay apart if the model marks where a picture begins and ends, as Qwen's do.
    """
    return [one for before, one in zip([None, *ids], ids, strict=False) if one != token or before != token]


def hand_over_unrepeated(generation: Any, processor: Any) -> None:
    """Have vLLM in the same process be handed one image token for each picture.

    A prompt is left as it is if it has that many already, or if its runs of image tokens are not as many as
    its pictures: `check_first_rollout` tells whether vLLM understands it.

    Args:
        generation: the trainer's `vllm_generation`. Its `generate` is wrapped.
    """
    if generation.mode == "server":
        return
    token = _image_token(processor)
    rollout = generation.generate

    def generate(prompts: Sequence[Sequence[int]], images: Any, *args: Any, **more: Any) -> Any:
        handed = []
        for ids, pictures in zip(prompts, images or [None] * len(prompts), strict=True):
            short = unrepeated(ids, token)
            handed.append(short if short.count(token) == len(pictures or ()) else ids)
        return rollout(handed, images, *args, **more)

    generation.generate = generate


def forget_pictures(generation: Any) -> None:
    """Have vLLM forget what earlier weights made of pictures, whenever its weights are renewed.

    Args:
        generation: the trainer's `vllm_generation`. Its `sync_weights` is wrapped.
    """
    renew = generation.sync_weights

    def sync_weights() -> None:
        renew()
        if generation.mode != "server":
            generation.llm.llm_engine.reset_encoder_cache()
        elif generation.accelerator.is_main_process:
            client = generation.vllm_client
            client.session.post(f"{client.base_url}/reset_encoder_cache").raise_for_status()

    generation.sync_weights = sync_weights


def check_first_rollout(generation: Any, processor: Any) -> None:
    """Check vLLM's first rollout: it must have answered the prompts of the model that is trained.

    Their text must be the same, and the image tokens as many as the processor makes of the pictures.
    Otherwise answers to other prompts would be rewarded, and nothing else would tell.

    Args:
        generation: the trainer's `vllm_generation`. Its `generate` is wrapped.
    """
    token = _image_token(processor)
    rollout = generation.generate

    def looked_at(prompts: Sequence[Sequence[int]], images: Any, *args: Any, **more: Any) -> Any:
        generation.generate = rollout  # only once
        result = rollout(prompts, images, *args, **more)
        shown = images or [None] * len(prompts)
        for number, (given, pictures, taken) in enumerate(zip(prompts, shown, result[0], strict=True)):
            ours, theirs = _image_tokens(processor, pictures), list(taken).count(token)
            if ours != theirs:
                raise InputError(
                    f"prompt {number} of the first rollout has {ours} image tokens for the model and "
                    f"{theirs} for vLLM, which answers another prompt than is rewarded (trl#6294): {WAYS_OUT}"
                )
            if unrepeated(given, token) != unrepeated(taken, token):
                raise InputError(
                    f"prompt {number} of the first rollout has other text for the model than for vLLM, which "
                    f"answers another prompt than is rewarded: {WAYS_OUT}"
                )
        return result

    generation.generate = looked_at


def _image_token(processor: Any) -> int:
    return int(processor.tokenizer.convert_tokens_to_ids(processor.image_token))


def _image_tokens(processor: Any, pictures: Any) -> int:
    """How many image tokens the model that is trained has for these pictures."""
    if not pictures:
        return 0
    ids = processor(images=[pictures], text=[processor.image_token * len(pictures)])["input_ids"][0]
    return list(ids).count(_image_token(processor))
