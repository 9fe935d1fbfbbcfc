"""What vLLM is handed. vLLM itself needs minutes and a build of its own: benchmarks/rollouts.py runs it."""

from importlib.util import find_spec
from types import SimpleNamespace

import pytest
from PIL import Image

from trainers.models import load_processor
from trainers.rollouts import check_first_rollout, forget_pictures, hand_over_unrepeated, unrepeated
from trainers.tiny import TinyArguments, build
from viewpoint100k import InputError

PICTURES = [Image.new("RGB", (64, 64), colour) for colour in ("red", "blue")]


class Recorded:
    """A generation as TRL's `VLLMGeneration`: keeps what it is handed, and makes prompts of it as vLLM does.

    Args:
        tokens: how many a picture has; vLLM replaces as many image tokens by it as there are pictures, from the left,
            but not one that it has just put there.
    """

    def __init__(self, token, tokens, mode="colocate"):
        self.token, self.tokens, self.mode = token, tokens, mode

    def generate(self, prompts, images, num_generations=1):
        self.handed = [list(ids) for ids in prompts]
        made = [self.made(ids, len(shown or ())) for ids, shown in zip(prompts, images, strict=True)]
        return made, [[1]] * len(made), None, None

    def made(self, ids, pictures):
        out = []
        for one in ids:
            repeats = self.tokens if one == self.token and pictures else 1
            pictures -= repeats > 1
            out += [one] * repeats
        return out


@pytest.fixture(scope="module", params=["qwen2_5_vl", "qwen3_vl"])
def asked(request, tmp_path_factory):
    """The processor, and a question about two pictures side by side: repeated as TRL makes it, and by the tokenizer
    alone, which knows of no pictures.
    """
    out = str(tmp_path_factory.mktemp(request.param))
    build(
        TinyArguments(out=out, data="", kind=request.param, hidden=32, layers=1),
        ["Where is the camera?\nuser\nassistant\nsystem\n"],
    )
    processor = load_processor(out)
    message = {"role": "user", "content": [*({"type": "image", "image": one} for one in PICTURES),
                                           {"type": "text", "text": "Where is the camera?"}]}  # fmt: skip
    taken = processor.apply_chat_template([[message]], add_generation_prompt=True, tokenize=True,
                                          return_dict=True)  # fmt: skip
    text = processor.apply_chat_template([message], add_generation_prompt=True, tokenize=False)
    return processor, list(taken["input_ids"][0]), processor.tokenizer(text)["input_ids"]


def test_of_two_pictures_side_by_side_vllm_is_handed_one_token_each(asked):
    processor, repeated, alone = asked
    token = processor.tokenizer.convert_tokens_to_ids("<|image_pad|>")
    assert (repeated.count(token), alone.count(token)) == (8, 2)
    vllm = Recorded(token, tokens=4)
    hand_over_unrepeated(vllm, processor)
    check_first_rollout(vllm, processor)
    text = [one for one in alone if one != token]
    made = vllm.generate([repeated, text], [PICTURES, None], num_generations=4)[0]
    assert vllm.handed == [alone, text]
    assert made == [repeated, text]


def test_prompts_that_a_later_trl_hands_over_unrepeated_stay_so_and_pass(asked):
    processor, repeated, alone = asked
    vllm = Recorded(processor.image_token_id, tokens=4)
    hand_over_unrepeated(vllm, processor)
    check_first_rollout(vllm, processor)
    assert vllm.generate([alone], [PICTURES])[0] == [repeated]
    assert vllm.handed == [alone]


def test_a_server_is_handed_what_trl_has_placed_the_pictures_in(asked):
    processor, repeated, _ = asked
    server = Recorded(processor.image_token_id, tokens=1, mode="server")
    hand_over_unrepeated(server, processor)
    check_first_rollout(server, processor)
    server.generate([repeated], [PICTURES])
    assert server.handed == [repeated]


def test_the_first_rollout_that_answers_another_prompt_is_refused_and_later_ones_are_not_looked_at(asked):
    processor, repeated, alone = asked
    doubled = Recorded(processor.image_token_id, tokens=4)
    check_first_rollout(doubled, processor)
    with pytest.raises(InputError, match=r"prompt 1 .* has 8 image tokens for the model and 14 for vLLM"):
        doubled.generate([alone, repeated], [PICTURES, PICTURES])
    assert doubled.generate([repeated], [PICTURES])[0][0].count(processor.image_token_id) == 14

    garbled = Recorded(processor.image_token_id, tokens=4)
    garbled.made = lambda ids, pictures: [*repeated[:-1], repeated[0]]
    check_first_rollout(garbled, processor)
    with pytest.raises(InputError, match="prompt 0 of the first rollout has other text"):
        garbled.generate([alone], [PICTURES])


def test_pictures_that_touch_are_left_for_the_check_to_judge():
    """As LLaVA's: nothing tells which tokens belong to which picture."""
    assert unrepeated([1, 9, 9, 2, 9, 3, 9], 9) == [1, 9, 2, 9, 3, 9]

    tokenizer = SimpleNamespace(convert_tokens_to_ids={"<image>": 9}.get)
    vllm = Recorded(9, tokens=1)
    hand_over_unrepeated(vllm, SimpleNamespace(image_token="<image>", tokenizer=tokenizer))
    vllm.generate([[1, 9, 9, 2]], [PICTURES])
    assert vllm.handed == [[1, 9, 9, 2]]


@pytest.mark.parametrize(
    ("mode", "forgotten"),
    [("colocate", "by the engine"), ("server", "http://127.0.0.1:8000/reset_encoder_cache")],
)
def test_whenever_weights_are_renewed_pictures_are_forgotten_after_it(mode, forgotten):
    done = []
    engine = SimpleNamespace(reset_encoder_cache=lambda: done.append("by the engine"))

    def post(url):
        done.append(url)
        return SimpleNamespace(raise_for_status=lambda: None)

    vllm = SimpleNamespace(
        mode=mode,
        sync_weights=lambda: done.append("weights"),
        accelerator=SimpleNamespace(is_main_process=True),
        llm=SimpleNamespace(llm_engine=engine),
        vllm_client=SimpleNamespace(base_url="http://127.0.0.1:8000", session=SimpleNamespace(post=post)),
    )
    forget_pictures(vllm)
    vllm.sync_weights()
    vllm.sync_weights()
    assert done == ["weights", forgotten] * 2


@pytest.mark.skipif(find_spec("vllm") is not None, reason="vLLM is installed")
def test_grpo_with_vllm_says_at_once_that_it_is_not_installed(tmp_path):
    from trainers import grpo

    given = ["--data", "x", "--model_name_or_path", "y", "--output_dir", str(tmp_path), "--use_vllm", "True"]
    parsed = grpo.parser().parse_args_and_config([*given, "--use_cpu", "True", "--bf16", "False"])
    with pytest.raises(InputError, match="vllm is not installed; install"):
        grpo.main(*parsed)
