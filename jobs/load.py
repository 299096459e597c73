"""From a YAML file to a job that can run: one loader for every command."""

from __future__ import annotations

import glob
import os
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from assay.config import AvroValue, Config, KafkaConfig, Labels, ParquetConfig
from assay.config_parts import PolicyEntry, PolicyFiles, Section
from assay.errors import InputError
from assay.policy import Policy, load_policy
from assay.records import Mode
from assay.yaml_text import read_yaml

_UNIONS = ("source", "judge", "value")
_TAGS = ("entry", "path")
_WAY_OUT = {
    Mode.LIVE: "ids must differ, unless one of them is a shadow",
    Mode.SHADOW: "an id has one shadow at a time",
}


@dataclass(frozen=True, slots=True)
class Job:
    """A config with all its paths made absolute, and the policies it names. `path` is where it was read.

    `files` has the file of each policy, by its `name`. There may be a live and a shadow policy of one id.
    """

    config: Config
    policies: tuple[Policy, ...]
    path: Path | None = None
    files: Mapping[str, str] = field(default_factory=dict)

    def under(self, names: str) -> Job:
        """The same job under some of its policies: their ids, with commas between them; "" for all of them.

        Raises InputError for an id that no policy has.
        """
        wanted = {name.strip() for name in names.split(",") if name.strip()}
        ids = dict.fromkeys(policy.id for policy in self.policies)
        if unknown := sorted(wanted - ids.keys()):
            there = ", ".join(ids)
            raise InputError(f"--policies: no policy has the id {unknown[0]!r}; there are: {there}")
        return replace(self, policies=tuple(each for each in self.policies if not wanted or each.id in wanted))

    def as_live(self) -> Job:
        """The job with one policy of each id, the live one if there are two, all of them live."""
        chosen = {policy.id: policy for policy in sorted(self.policies, key=lambda each: each.mode is Mode.LIVE)}
        kept = [policy for policy in self.policies if chosen[policy.id] is policy]
        files = {policy.id: self.files[policy.name] for policy in kept if policy.name in self.files}
        live = tuple(policy.model_copy(update={"mode": Mode.LIVE}) for policy in kept)
        return replace(self, policies=live, files=files)


def load_job(path: Path) -> Job:
    """Read a config and its policies. Relative paths in it are relative to its own folder.

    Raises InputError, naming the file and the key.
    """
    config = load_config(path)
    loaded = _load_policies(config.policy_files, path)
    return Job(config, tuple(loaded.values()), path, {policy.name: file for file, policy in loaded.items()})


def load_config(path: Path) -> Config:
    """Read a config alone. Raises InputError, naming the file and the key."""
    try:
        content = read_yaml(path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise InputError(f"{path}: no such file") from error
    except OSError as error:
        raise InputError(f"{path}: can't be read: {error}") from error
    except ValueError as error:
        raise InputError(f"{path}: not YAML: {error}") from error
    if not isinstance(content, dict):
        raise InputError(f"{path}: a config is keys and values: name, source, policies, judge, sink")
    try:
        config = _absolute(Config.model_validate(content), path.resolve().parent)
    except ValidationError as error:
        raise InputError(f"{path}: {_explain(error)}") from error
    _keep_apart(config, path)
    return config


def _keep_apart(config: Config, path: Path) -> None:
    """A sink below a folder that is read would be read by the next run."""
    if not isinstance(config.source, ParquetConfig):
        return
    for source in config.source.path:
        reach = re.split(r"[*?\[]", source)[0] if re.search(r"[*?\[]", source) else f"{source}/"
        if f"{config.sink.path}/".startswith(reach) and ("**" in source or os.path.isdir(source)):
            raise InputError(f"{path}: sink.path: {config.sink.path} lies in what source.path reads; put it elsewhere")


def _explain(error: ValidationError) -> str:
    """Each fault on a line of its own: the key as one would write it, then what is wrong with it."""
    lines = []
    for fault in error.errors():
        key = _key(fault["loc"])
        kind = fault["type"]
        if kind == "extra_forbidden":
            lines.append(f"{key}: unknown key; remove it or check its spelling")
        elif kind == "missing":
            lines.append(f"{key}: missing; add it")
        else:
            lines.append(f"{key or 'config'}: {fault['msg'].removeprefix('Value error, ')}")
    return "\n  ".join(dict.fromkeys(lines))


def _key(place: tuple[int | str, ...]) -> str:
    """The key as one would write it: without the names of kinds that pydantic puts between the parts."""
    pairs = zip(place, ("", *place), strict=False)
    told = [(part, last) for part, last in pairs if not (isinstance(last, int) and part in _TAGS)]
    return ".".join(str(part) for part, last in told if last not in _UNIONS or part == "kind")


def _absolute(config: Config, folder: Path) -> Config:
    sink, judge = config.sink, config.judge
    changes: dict[str, Any] = {
        "source": _anchor_source(config.source, folder),
        "sink": sink.model_copy(update={"path": _anchor(sink.path, folder)}),
        "policies": tuple(_anchor_policies(entry, folder) for entry in config.policies),
    }
    if config.labels is not None:
        changes["labels"] = Labels(path=_anchored(config.labels.path, folder))
    if judge.kind == "vllm" and judge.model.startswith((".", "~", "/")):
        changes["judge"] = judge.model_copy(update={"model": _anchor(judge.model, folder)})
    elif judge.kind == "vllm" and (folder / judge.model).is_dir():
        changes["judge"] = judge.model_copy(update={"model": str(folder / judge.model)})
    elif judge.kind == "scripted" and judge.journal:
        changes["judge"] = judge.model_copy(update={"journal": _anchor(judge.journal, folder)})
    return config.model_copy(update=changes)


def _anchor_source(source: ParquetConfig | KafkaConfig, folder: Path) -> ParquetConfig | KafkaConfig:
    if isinstance(source, ParquetConfig):
        return source.model_copy(update={"path": _anchored(source.path, folder)})
    value: Section = source.value
    if isinstance(source.value, AvroValue):
        value = source.value.model_copy(update={"schema_file": _anchor(source.value.schema_file, folder)})
    files = {key: path for key, path in source.security.model_dump().items() if key.endswith("_file") and path}
    security = source.security.model_copy(update={key: _anchor(path, folder) for key, path in files.items()})
    return source.model_copy(update={"value": value, "security": security})


def _anchored(paths: str | tuple[str, ...], folder: Path) -> tuple[str, ...]:
    return tuple(_anchor(path, folder) for path in ((paths,) if isinstance(paths, str) else paths))


def _anchor_policies(entry: PolicyEntry, folder: Path) -> PolicyEntry:
    if isinstance(entry, str):
        return _anchor(entry, folder)
    return entry.model_copy(update={"path": _anchor(entry.path, folder)})


def _anchor(path: str, folder: Path) -> str:
    """Absolute, unless it is a URI already."""
    if "://" in path:
        return path
    try:
        return os.path.normpath(folder / Path(path).expanduser())
    except RuntimeError as error:
        raise InputError(f"{path}: {error}") from error


def _load_policies(entries: Sequence[PolicyFiles], config: Path) -> dict[str, Policy]:
    """By their files, in order. A shadow may have the id of a live policy."""
    modes = _modes(entries, config)
    policies = {file: load_policy(Path(file)).model_copy(update={"mode": mode}) for file, mode in modes.items()}
    seen: dict[str, str] = {}
    for file, policy in policies.items():
        if other := seen.get(policy.name):
            raise InputError(f"{file}: id: {policy.id!r} is also the id of {other}; {_WAY_OUT[policy.mode]}")
        seen[policy.name] = file
    return policies


def _modes(entries: Sequence[PolicyFiles], config: Path) -> dict[str, Mode]:
    """Each file's mode. One that is named as a shadow is none of those that a live pattern with * matches."""
    found: dict[str, Mode] = {}
    for number, entry in enumerate(entries):
        files = sorted(glob.glob(entry.path, recursive=True))
        if not files:
            raise InputError(f"{config}: policies.{number}: no file matches {entry.path}")
        for file in files:
            if found.get(file, entry.mode) is not entry.mode and not _is_only_matched(file, entries):
                raise InputError(f"{config}: policies.{number}: {file} is live and a shadow; keep one of them")
            found[file] = Mode.SHADOW if Mode.SHADOW in (found.get(file), entry.mode) else Mode.LIVE
    return found


def _is_only_matched(file: str, entries: Sequence[PolicyFiles]) -> bool:
    """Whether no live entry names the file itself."""
    return all(entry.path != file for entry in entries if entry.mode is Mode.LIVE)
