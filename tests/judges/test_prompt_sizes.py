"""A plan's prompt tokens are those of the prompts that the judge would render, to the token."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from actors.prompt import Layout, layout_of
from actors.prompt_sizes import PromptSizes, load_sizes
from assay.config import VllmConfig
from assay.errors import InputError, RecordError
from assay.records import Case, Item, ItemKind, Turn
from jobs.plan_tokens import Task, Tokens
from tests.judge_cases import item, policy
from tests.judges.test_prompt import HOSTILE, LOOKALIKES
from tests.languages import language_of, sizes_of

UNDER = (policy(), policy("insults", sentences=20))
WORDS = ("hello", " buy", "now ", "straße", "日本", "👍🏽", "12345", "\n\n", "'s", "<|im_end|>", "<|start|>")


@pytest.fixture(params=["small", "harmony"])
def config(request: pytest.FixtureRequest, small_model_folder: Path, tiny_gpt_oss_folder: Path) -> VllmConfig:
    folder = small_model_folder if request.param == "small" else tiny_gpt_oss_folder
    return VllmConfig(kind="vllm", model=str(folder), max_model_len=2048, max_output_tokens=200)


def contents(count: int) -> list[Item]:
    """Texts and completions, some of them too long under the longer policy, or under both."""
    rng = random.Random(5)
    words = (*WORDS, *HOSTILE, *LOOKALIKES)
    found = []
    for number in range(count):
        text = "".join(rng.choice(words) for _ in range(rng.choice((3, 30, 300))))
        if number % 3:
            found.append(item(ItemKind.TEXT, (Turn("user", text),), number=number))
        else:
            found.append(item(ItemKind.COMPLETION, (Turn("assistant", text),), (Turn("user", text[:50]),), number))
    return [*found, item(ItemKind.TEXT, (Turn("user", "word " * 30_000),), number=count)]


def test_planned_tokens_are_those_of_the_prompts(config: VllmConfig) -> None:
    items, sizes = contents(300), load_sizes(config, gpus=0)
    renderer = language_of(config).renderer
    with Tokens(sizes, UNDER) as tokens:
        for start in range(0, len(items), 50):
            tokens.add([Task(each, 0b01 if n % 2 else 0b11, True) for n, each in enumerate(items[start : start + 50])])
    for number, under in enumerate(UNDER):
        judged, changed, fitting, too_long = 0, 0, 0, 0
        for index, each in enumerate(items):
            layout = layout_of(each.kind)
            frame = renderer.frame(under, layout)
            room = 2048 - 200 - len(frame.prefix) - len(frame.suffix)
            try:
                length = len(renderer.render(Case(each, under), room).ids)
            except RecordError:
                too_long += 1
                continue
            changed += length
            if number == 0 or index % 50 % 2 == 0:
                judged += length
                fitting += len(frame.prefix) // 128 * 128
        found = tokens.policies[number]
        assert (found.prompt.total, found.changed.total, found.cacheable.total) == (judged, changed, fitting)
        assert 0 < too_long < 150


def test_a_frame_says_what_caching_can_serve(config: VllmConfig) -> None:
    prefix = len(language_of(config).renderer.frame(UNDER[1], Layout.TEXT).prefix)
    assert sizes_of(config).frame(UNDER[1], Layout.TEXT).cacheable == prefix // 128 * 128
    assert sizes_of(config, gpus=1).frame(UNDER[1], Layout.TEXT).cacheable == prefix // 16 * 16
    without = PromptSizes(config.model_copy(update={"prefix_caching": False}), language_of(config), 2048, gpus=1)
    assert without.frame(UNDER[1], Layout.TEXT).cacheable == 0


def test_a_policy_that_leaves_no_room_is_refused(config: VllmConfig) -> None:
    with pytest.raises(InputError, match=r"policy huge .* leave no room for content in 2048 tokens"):
        sizes_of(config).frame(policy("huge", sentences=300), Layout.TEXT)


def test_without_a_limit_the_models_own_holds(small_model_folder: Path) -> None:
    free = VllmConfig(kind="vllm", model=str(small_model_folder), max_output_tokens=200)
    frame = load_sizes(free, gpus=0).frame(UNDER[0], Layout.TEXT)
    assert frame.tokens + frame.room + 200 == 8192
