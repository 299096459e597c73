"""From a config to the judge that it describes."""

from __future__ import annotations

from actors.scripted import ScriptedJudge
from assay.config import ScriptedConfig, VllmConfig
from assay.contracts import Judge


def make_judge(config: ScriptedConfig | VllmConfig, gpus: float) -> Judge:
    """A judge that is not started yet. `gpus` is what its replica was given. Raises InputError."""
    if isinstance(config, ScriptedConfig):
        return ScriptedJudge(config)
    from actors.engine import VllmJudge

    return VllmJudge(config, gpus)
