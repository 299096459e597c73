"""Training: what is encoded is what the judge reads; an interrupted run is the same run; scores and exports fit."""

from __future__ import annotations

import json
import random
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

from actors.prompt import Renderer
from actors.small_judge_model import DELTA_FILE
from assay.errors import InputError
from assay.policy import parse_policy
from tests.judge_cases import text_case
from tests.training.mini_data import write_data
from training.cases import read_cases, read_policies
from training.checkpoints import Progress, newest, progress_of, weights_of
from training.drawing import Drawer
from training.encoding import Encoder
from training.export import export
from training.figures_curves import fitted
from training.lora import RANK, SCALE, Judge, Precision
from training.predictions import read_predictions
from training.prepare import main as prepare
from training.score import main as score
from training.score import merge_checkpoint
from training.sources import contents_of, read_all
from training.splits import Part
from training.steps import rate
from training.train import main as train

MODEL_BYTES = 12_000_000


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_data(tmp_path_factory.mktemp("data"))


@pytest.fixture(scope="module")
def trained(tiny_llama: Path, data: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run of two steps in bf16, to be read."""
    out = tmp_path_factory.mktemp("trained")
    train(data, out, model=tiny_llama, threads=1, steps=2, first_layer=0)
    return out


def test_a_pack_holds_the_judges_own_prompts(tiny_llama: Path, data: Path) -> None:
    drawer, encoder = Drawer(contents_of(read_all(data), Part.TRAIN), Part.TRAIN, 0), Encoder(tiny_llama)
    digits = {encoder.zero: 0, encoder.one: 1}
    whole = 0
    for step in range(20):
        drawn = drawer.draw(step, 0)
        found = encoder.encode(drawn, random.Random(step))
        prefix, suffix = encoder.prompt(drawn.worded.policy, drawn.layout)
        tokens = [*found.pack.prefix, *(token for segment in found.pack.segments for token in segment)]
        words = dict(found.words)
        assert found.pack.prefix == prefix
        for shot, segment, place, label, running in zip(
            drawn.shots, found.pack.segments, found.digits, found.labels, found.running, strict=False
        ):
            content = encoder.ids(shot.shown)
            asked = (*content, *suffix, *encoder.opening)
            assert segment[: len(asked)] == asked
            assert [tokens[each] for each in running] == content[len(content) // 4 :]
            assert tokens[place] == encoder.opening[-1]
            assert label == bool(shot.broken)
            if place in words:
                whole += 1
                assert digits[words[place]] == label
    assert whole > 10


def test_the_prompt_is_that_of_the_judge(tiny_llama: Path) -> None:
    policy = parse_policy('---\nid: a\nversion: "1"\nrules: [{id: R1, text: words}]\n---\nSay no.', "a")
    encoder = Encoder(tiny_llama)
    renderer: Renderer = encoder.renderer
    case = text_case("hello there", policy)
    rendered = renderer.render(case, 100)
    prefix, suffix = encoder.prompt(policy, renderer.show(case.item).layout)
    assert rendered.ids == [*prefix, *encoder.ids("hello there"), *suffix]


def test_an_interrupted_run_is_the_same_run(tiny_llama: Path, data: Path, tmp_path: Path) -> None:
    def run(out: Path, **more: object) -> None:
        train(data, out, model=tiny_llama, threads=1, first_layer=0, **more)  # type: ignore[arg-type]

    run(tmp_path / "whole", steps=4)
    run(tmp_path / "parts", steps=4, stop_after=2)
    assert progress_of(newest(tmp_path / "parts")).step == 2
    run(tmp_path / "parts", steps=4, resume=True)
    one, other = (weights_of(newest(tmp_path / name)) for name in ("whole", "parts"))
    assert one.keys() == other.keys()
    assert all(torch.equal(one[name], other[name]) for name in one)
    assert any(each.abs().max() > 0 for name, each in one.items() if name.endswith("lora_B"))
    first, second = (progress_of(newest(tmp_path / name)) for name in ("whole", "parts"))
    assert (first.step, first.cases, first.tokens) == (second.step, second.cases, second.tokens)


def test_a_run_is_not_resumed_with_another_seed(tiny_llama: Path, data: Path, trained: Path) -> None:
    with pytest.raises(InputError, match="--seed 0"):
        train(data, trained, model=tiny_llama, threads=1, steps=3, first_layer=0, resume=True, seed=3)


@pytest.mark.parametrize("precision", Precision)
def test_what_is_scored_is_what_ships(tiny_llama: Path, trained: Path, precision: Precision) -> None:
    delta = {name: each.bfloat16() for name, each in weights_of(newest(trained)).items()}
    base, merged = (Judge(tiny_llama, first_layer=None, precision=precision) for _ in range(2))
    merge_checkpoint(merged, newest(trained))
    for name in {name.removesuffix(".lora_A").removesuffix(".lora_B") for name in delta}:
        change = SCALE * (delta[f"{name}.lora_B"].double() @ delta[f"{name}.lora_A"].double())
        before, after = base.weight(name), merged.weight(name)
        assert after.dtype == precision.dtype
        assert torch.equal(after, (before.double() + change).bfloat16().to(after.dtype))


def test_lower_layers_can_be_left_alone(tiny_llama: Path, data: Path, tmp_path: Path) -> None:
    train(data, tmp_path, model=tiny_llama, threads=1, steps=1, first_layer=1, precision=Precision.FLOAT32)
    weights = weights_of(newest(tmp_path))
    assert weights
    assert all(".layers.1." in name for name in weights)
    judge = Judge(tiny_llama, first_layer=1)
    judge.load(weights)
    with pytest.raises(InputError, match="another --first-layer"):
        Judge(tiny_llama).load(weights)


def test_there_is_no_pickle_in_a_checkpoint(trained: Path) -> None:
    assert {path.name for path in newest(trained).iterdir()} == {
        "lora.safetensors",
        "optimizer.safetensors",
        "progress.json",
    }


def test_the_way_from_data_to_what_ships(tiny_llama: Path, data: Path, trained: Path, tmp_path: Path) -> None:
    work, out = tmp_path / "work", tmp_path / "out"
    prepare(data, work, drawn=5)
    score(work, trained, model=tiny_llama, threads=1)
    score(work, model=tiny_llama, threads=1)
    held_out = [row for row in read_cases(work) if row.part != "train"]
    found = read_predictions(work)
    for system in ("assay-small", "base"):
        scored = {(each.part, each.policy_hash, each.key): each for each in found if each.system == system}
        assert scored.keys() == {(row.part, row.policy_hash, row.key) for row in held_out}
        assert all(0 <= (each.score or 0) <= 1 for each in scored.values())
    described = export(newest(trained), tuple(each for each in found if each.system == "assay-small"), out)
    delta = load_file(out / DELTA_FILE)
    assert {each.dtype for each in delta.values()} == {torch.bfloat16}
    assert all(each.shape[0] == RANK for name, each in delta.items() if name.endswith("lora_A"))
    assert json.loads((out / "judge.json").read_text("utf-8"))["training"]["steps"] == 2
    assert described.calibration.default == fitted([each for each in found if each.system == "assay-small"]).default


def test_no_held_out_content_is_in_the_train_part(data: Path, tmp_path: Path) -> None:
    prepare(data, tmp_path, drawn=20)
    rows, policies = read_cases(tmp_path), read_policies(tmp_path)
    trained = {row.group for row in rows if row.part == "train"}
    assert trained.isdisjoint(row.group for row in rows if row.part != "train")
    assert {row.part for row in rows} == {"train", "valid", "test", "unseen", "inverted", "swapped"}
    assert {row.policy_hash for row in rows} == policies.keys()
    test = {(row.task, row.key): row.label for row in rows if row.part == "test"}
    turned = [row for row in rows if row.part == "inverted"]
    assert turned
    assert all(row.label is not test[row.task, row.key] for row in turned)
    assert not any(row.label for row in rows if row.part == "swapped")
    ordinary = [row for row in rows if row.task == "ordinary"]
    assert {row.policy_id for row in ordinary} == {"harassment", "prompt-injection", "spam"}
    assert not any(row.label or row.part != "valid" for row in ordinary)
    asked = {row.policy_hash for row in rows if row.part == "train"}
    assert asked.isdisjoint(row.policy_hash for row in rows if row.part == "unseen")


def test_a_full_sized_delta_is_small_enough(small_model_folder: Path) -> None:
    judge = Judge(small_model_folder)
    assert sum(2 * each.numel() for each in judge.parameters().values()) < MODEL_BYTES
    names = {name.rpartition(".")[2] for name in judge.parameters()}
    assert names == {"lora_A", "lora_B"}
    assert "model.layers.0.self_attn.q_proj.lora_A" in judge.parameters()


def test_the_learning_rate_rises_and_falls() -> None:
    rates = [rate(1.0, done / 100) for done in range(101)]
    top = rates.index(max(rates))
    assert rates[: top + 1] == sorted(rates[: top + 1])
    assert rates[top:] == sorted(rates[top:], reverse=True)
    assert rates[-1] == pytest.approx(0.05)


def test_resuming_nothing_is_said(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="holds no checkpoint"):
        newest(tmp_path)


def test_what_data_is_missing_is_said(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no folder davidson-hate-offensive"):
        train(tmp_path, tmp_path / "run", steps=1)


def test_progress_is_read_back(tmp_path: Path) -> None:
    (tmp_path / "progress.json").write_text(Progress(seed=3, step=7, seconds=1.5).model_dump_json(), "utf-8")
    assert progress_of(tmp_path) == Progress(seed=3, step=7, seconds=1.5)
