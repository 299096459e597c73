"""The judge that is a model: vLLM's AsyncLLM inside the replica, one request per attempt, batched by the engine."""

from __future__ import annotations

import asyncio
import gc
import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from actors.calibration import Curve, Held
from actors.engine_load import Engine, Language, load_engine, load_language, prepare_environment, sampling
from actors.identity import identify
from actors.parse import Answer, parse
from actors.prompt import Layout, Rendered, show
from assay.config import VllmConfig
from assay.errors import EngineDied, InputError, RecordError
from assay.policy import Policy
from assay.records import Case, Judgement, Reason, Rejection, Verdict

if TYPE_CHECKING:
    from vllm.logprobs import FlatLogprobs
    from vllm.sampling_params import SamplingParams

_LONG = 100_000
"""Characters from which on content is encoded in a thread, so that other cases go on meanwhile."""

_RESAMPLE = frozenset({Reason.MALFORMED, Reason.NO_FINAL, Reason.UNKNOWN_RULE, Reason.CONTRADICTION, Reason.ENGINE})
_RESAMPLE_TEMPERATURE = 0.7


class _Scores:
    """Log probabilities as vLLM returns them: before the grammar's mask and the temperature."""

    def __init__(self, flat: FlatLogprobs) -> None:
        self._flat = flat

    def at(self, position: int, token: int) -> float | None:
        flat = self._flat
        if position >= len(flat):
            return None
        for k in range(flat.start_indices[position], flat.end_indices[position]):
            if flat.token_ids[k] == token:
                return float(flat.logprobs[k])
        return None


@dataclass(frozen=True, slots=True)
class _Attempt:
    result: Verdict | Rejection
    cached_tokens: int
    output_tokens: int


class VllmJudge:
    """Judges with a vLLM engine. `gpus` is what the replica was given; 0 means the CPU build of vLLM."""

    def __init__(self, config: VllmConfig, gpus: float) -> None:
        self.identity = identify(config)
        self._config = config
        self._gpus = gpus
        self._language: Language | None = None
        self._engine: Engine | None = None
        self._params: dict[tuple[str, bool | None], SamplingParams] = {}
        self._numbers = itertools.count()

    async def start(self, policies: Sequence[Policy]) -> None:
        """Load the model, then read each policy once, so that its prefix is cached and its grammar compiled.

        Blocks the event loop while the model loads. Raises FatalError, and InputError for a policy that leaves no room.
        """
        prepare_environment(self._config)
        self._language = load_language(self._config)
        self._engine = load_engine(self._config, self._gpus)
        await self.prepare(policies)

    async def prepare(self, policies: Sequence[Policy]) -> None:
        """Read each policy once. Raises InputError for one that leaves no room."""
        _, language = self._running()
        for policy in policies:
            for layout in language.renderer.layouts:
                self._room(policy, layout)
                await self._warm(policy, layout)

    async def judge(self, case: Case) -> Judgement:
        """A verdict or a named rejection, after at most two attempts. Raises EngineDied.

        Where a calibrated judge's threshold overrules the model, two more at most, held to the other decision, so that
        rules and rationale fit it; a rejection if neither is a complete answer.
        """
        try:
            prompt = await self._render(case)
        except RecordError as error:
            return Judgement(
                Rejection(error.reason, error.detail, show(case.item).encode("utf-8", "replace")), attempts=0
            )
        attempts = await self._ask(prompt, case.policy)
        if (held := self._overruled(attempts[-1].result, case.policy)) is not None:
            attempts += await self._ask(prompt, case.policy, held)
        engine, _ = self._running()
        return Judgement(
            result=attempts[-1].result,
            attempts=len(attempts),
            prompt_hash=prompt.hash,
            prompt_tokens=len(prompt.ids) * len(attempts),
            cached_tokens=sum(attempt.cached_tokens for attempt in attempts),
            cacheable_tokens=prompt.content_start // engine.block * engine.block * len(attempts),
            output_tokens=sum(attempt.output_tokens for attempt in attempts),
        )

    async def close(self) -> None:
        """End the engine and its processes. Safe after a failed start."""
        engine, self._engine = self._engine, None
        if engine is None:
            return
        handler = engine.llm.output_handler
        await asyncio.to_thread(engine.llm.shutdown)
        if handler is not None:
            await asyncio.gather(handler, return_exceptions=True)
        engine.guard.stop()
        del engine, handler
        gc.collect()  # vLLM's objects refer to each other and complain if they are only found at interpreter exit

    def _running(self) -> tuple[Engine, Language]:
        if self._engine is None or self._language is None:
            raise EngineDied("the engine is not running")
        return self._engine, self._language

    def _room(self, policy: Policy, layout: Layout) -> int:
        """Tokens that content may take. Raises InputError if the policy leaves none."""
        engine, language = self._running()
        frame = language.renderer.frame(policy, layout)
        taken = len(frame.prefix) + len(frame.suffix) + self._config.max_output_tokens
        if taken >= engine.context:
            raise InputError(
                f"policy {policy.id} ({len(frame.prefix)} tokens) and judge.max_output_tokens "
                f"({self._config.max_output_tokens}) leave no room for content in {engine.context} tokens; "
                "shorten one of them or raise judge.max_model_len"
            )
        return engine.context - taken

    async def _render(self, case: Case) -> Rendered:
        """Raises RecordError."""
        if case.item.size > _LONG:
            return await asyncio.to_thread(self._rendered, case)
        return self._rendered(case)

    def _rendered(self, case: Case) -> Rendered:
        _, language = self._running()
        shown = language.renderer.show(case.item)
        return language.renderer.render_shown(case.policy, shown, self._room(case.policy, shown.layout))

    def _sampling(self, policy: Policy, violation: bool | None = None) -> SamplingParams:
        params = self._params.get((policy.hash, violation))
        if params is None:
            _, language = self._running()
            params = self._params[policy.hash, violation] = sampling(self._config, language, policy, violation)
        return params

    def _curve(self, policy: Policy) -> Curve | None:
        _, language = self._running()
        return language.calibration.of(policy.id) if language.calibration else None

    def _overruled(self, result: Verdict | Rejection, policy: Policy) -> Held | None:
        curve = self._curve(policy)
        return curve.overrules(result) if curve is not None and isinstance(result, Verdict) else None

    async def _ask(self, prompt: Rendered, policy: Policy, held: Held | None = None) -> list[_Attempt]:
        """One attempt, and a second one where the first was in vain and that helps."""
        params = self._sampling(policy, held.violation if held else None)
        attempts = [await self._attempt(prompt, policy, params, held)]
        again = self._second(attempts[0].result, params, prompt)
        if again is not None:
            attempts.append(await self._attempt(prompt, policy, again, held))
        return attempts

    def _second(self, result: Verdict | Rejection, params: SamplingParams, prompt: Rendered) -> SamplingParams | None:
        """Parameters for a second attempt, None where that would not help."""
        if isinstance(result, Verdict):
            return None
        engine, _ = self._running()
        if result.reason is Reason.LENGTH:
            budget = min(self._config.retry_output_tokens, engine.context - len(prompt.ids))
            if budget <= self._config.max_output_tokens:
                return None
            longer = params.clone()
            longer.max_tokens = budget
            return longer
        if result.reason not in _RESAMPLE:
            return None
        other = params.clone()
        other.temperature = max(self._config.temperature, _RESAMPLE_TEMPERATURE)
        other.seed = self._config.seed + 1
        return other

    async def _attempt(self, prompt: Rendered, policy: Policy, params: SamplingParams, held: Held | None) -> _Attempt:
        _, language = self._running()
        output = await self._generate(prompt.ids, params)
        if isinstance(output, Rejection):
            return _Attempt(output, 0, 0)
        ids, finish_reason, flat, cached = output
        answer = Answer(ids, finish_reason, None if flat is None else _Scores(flat))
        result = parse(answer, policy, language.codec, self._config.keep_reasoning, self._curve(policy), held)
        return _Attempt(result, cached, len(ids))

    async def _generate(
        self, ids: list[int], params: SamplingParams
    ) -> tuple[Sequence[int], str | None, FlatLogprobs | None, int] | Rejection:
        """Generated ids, why they ended, log probabilities, cached prompt tokens; or what the engine refused."""
        from vllm.exceptions import VLLMError
        from vllm.inputs.engine import tokens_input
        from vllm.v1.engine.exceptions import EngineDeadError

        engine, _ = self._running()
        try:
            async for output in engine.llm.generate(tokens_input(ids), params, str(next(self._numbers))):
                made = output.outputs[0]
                return made.token_ids, made.finish_reason, made.logprobs, output.num_cached_tokens or 0
        except EngineDeadError as error:
            raise EngineDied(f"the engine for {self._config.model} died") from error
        except VLLMError as error:
            if engine.llm.errored:
                raise EngineDied(f"the engine for {self._config.model} died") from error
            return Rejection(Reason.ENGINE, f"{type(error).__name__}: {error.__cause__ or error}")
        return Rejection(Reason.ENGINE, "the engine returned nothing")

    async def _warm(self, policy: Policy, layout: Layout) -> None:
        _, language = self._running()
        frame = language.renderer.frame(policy, layout)
        params = self._sampling(policy).clone()
        params.max_tokens = 1
        await self._generate([*frame.prefix, *frame.suffix], params)
