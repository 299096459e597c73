"""Which judge a config describes, to the last setting that can change an answer. Cheap: no engine is loaded."""

from __future__ import annotations

import hashlib
import json
import os
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Literal

from actors.prompt import PROMPT_FORMAT
from assay.config import ScriptedConfig, VllmConfig
from assay.errors import InputError
from assay.normalise import NORMALISE_FORMAT
from assay.records import JudgeIdentity

_NO_SETTINGS = {
    "kind",
    "model",
    "revision",
    "family",
    "keep_reasoning",
    "normalise",  # see _normalising
    "window",
    "deadline_seconds",
    "max_num_seqs",
    "max_num_batched_tokens",
    "gpu_memory_utilization",
    "cpu_kv_cache_gib",
    "tensor_parallel_size",
    "enforce_eager",
    "prefix_caching",
}
_HUB_NAME = re.compile(r"^[A-Za-z0-9][\w.-]*/[\w.-]+$")
_COMMIT = re.compile(r"^[0-9a-f]{40}$")
_SAMPLES, _SAMPLE_BYTES = 16, 64 * 1024


def identify(config: ScriptedConfig | VllmConfig) -> JudgeIdentity:
    """The judge's identity. Raises InputError for a model that can't be found."""
    if isinstance(config, ScriptedConfig):
        script: dict[str, object] = {"match": config.match, "max_content_chars": config.max_content_chars}
        if config.noise:
            script |= {"noise": config.noise, "seed": config.seed}
        script |= _normalising(config)
        return JudgeIdentity("scripted", "1", _digest(script))
    settings = {**config.model_dump(mode="json", exclude=_NO_SETTINGS), "prompt_format": PROMPT_FORMAT}
    settings |= _normalising(config)
    folder = model_folder(config)
    if folder is None:
        settings["family"] = config.family
        return JudgeIdentity(config.model, hub_revision(config), _digest(settings))
    settings["family"] = family_of(config, folder)
    return JudgeIdentity(folder.resolve().name, _fingerprint(folder), _digest(settings))


def _normalising(config: ScriptedConfig | VllmConfig) -> dict[str, str]:
    """Nothing where it is off, so that a judge keeps the identity that it had before there was such a setting."""
    return {"normalise": NORMALISE_FORMAT} if config.normalise else {}


def model_folder(config: VllmConfig) -> Path | None:
    """The local folder that `model` names, None if it is a name on the hub. Raises InputError if it is neither."""
    folder = Path(config.model).expanduser()
    if folder.is_dir():
        if not (folder / "config.json").is_file():
            raise InputError(f"judge.model: {folder} has no config.json, so it is not a model folder")
        return folder
    if _HUB_NAME.match(config.model):
        return None
    raise InputError(
        f"judge.model: there is no folder {folder}; give the path of a model folder or a name such as org/model "
        "(the small judge is made by `assay model fetch small`)"
    )


def hub_revision(config: VllmConfig) -> str:
    """The commit that the judge will run: the config's revision if it is one, else what the local cache holds."""
    wanted = config.revision or "main"
    if _COMMIT.match(wanted):
        return wanted
    known = _hub_cache() / f"models--{config.model.replace('/', '--')}" / "refs" / wanted
    if known.is_file():
        return known.read_text().strip()
    raise InputError(
        f"judge.model: there is no folder {config.model}, and no model of that name in {_hub_cache()}; correct "
        "the path, download the model, or set judge.revision to the commit to be used"
    )


def family_of(config: VllmConfig, folder: Path) -> Literal["harmony", "chat"]:
    """The prompt family, from the model's own config where the job's config says auto."""
    if config.family != "auto":
        return config.family
    try:
        described = json.loads((folder / "config.json").read_bytes())
    except ValueError as error:
        raise InputError(f"judge.model: {folder}/config.json is not JSON: {error}") from error
    return "harmony" if described.get("model_type") == "gpt_oss" else "chat"


def _hub_cache() -> Path:
    home = os.environ.get("HF_HOME", "~/.cache/huggingface")
    return Path(os.environ.get("HF_HUB_CACHE", f"{home}/hub")).expanduser()


def _digest(settings: Mapping[str, object]) -> str:
    return hashlib.sha256(json.dumps(settings, sort_keys=True).encode()).hexdigest()


def _fingerprint(folder: Path) -> str:
    """sha256 (hex) over the small files whole and a sample of each weight file, names and sizes included.

    A fine-tuned model has the same headers and sizes as the one it came from, so weights themselves are sampled.
    """
    sha = hashlib.sha256()
    for file in sorted(folder.iterdir()):
        weights = file.suffix in (".safetensors", ".bin", ".gguf")
        if not file.is_file() or not (weights or file.suffix in (".json", ".jinja", ".model", ".txt")):
            continue
        sha.update(f"{file.name}:{file.stat().st_size}:".encode())
        for block in _sample(file) if weights else (file.read_bytes(),):
            sha.update(block)
    return sha.hexdigest()


def _sample(file: Path) -> Iterator[bytes]:
    step = max(1, file.stat().st_size // _SAMPLES)
    with file.open("rb") as stream:
        for number in range(_SAMPLES):
            stream.seek(number * step)
            yield stream.read(_SAMPLE_BYTES)
