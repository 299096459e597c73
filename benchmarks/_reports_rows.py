"""The rows of one day, column by column: no Python runs for a single row."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from _reports_plan import ACTIONS, AFTER_EDIT, EDITED, JUDGE, POLICIES, RATES, Plan, rule_id
from _reports_texts import hex_digests, long_texts, numbered, rationales

from assay.records import Confidence, ItemKind, Mode, Reason, Stage, Turn, content_hash
from sinks.schema import INSTANT, REJECTED, SCHEMA, VERDICT

_MARKETS = ("de", "fr", "gb", "in", "jp", "us")
_LANGUAGES = ("de", "en", "fr", "hi", "ja")
_BLOCK, _SHARD = 512, 10_000
_DAY_US = 86_400_000_000
_REJECTED, _COPIES, _KEPT_REASONING = 0.003, 0.05, 0.2
_SECOND_RULE = 0.15

Ints = np.ndarray[tuple[int], np.dtype[np.int64]]
Bools = np.ndarray[tuple[int], np.dtype[np.bool_]]
Columns = dict[str, pa.Array]


@dataclass(frozen=True, slots=True, eq=False)
class Items:
    """The items of a file, in order. `copies`: what was judged before, in another item."""

    ids: pa.Array
    texts: pa.Array
    times: pa.Array
    markets: pa.Array
    languages: pa.Array
    copies: Bools


@dataclass(frozen=True, slots=True, eq=False)
class Cases:
    """Cases in the order in which they were decided: place of the item among those seen, policy, microsecond."""

    item: Ints
    policy: Ints
    version: Ints
    instant: Ints


@dataclass(frozen=True, slots=True, eq=False)
class Decided:
    score: np.ndarray[tuple[int], np.dtype[np.float64]]
    violation: Bools
    rejected: Bools
    reused: Bools


def items_of(plan: Plan, day: int) -> Items:
    rng, count = np.random.default_rng((plan.seed, 0, day)), plan.items
    copies = rng.random(count) < _COPIES
    seen_before = long_texts(np.random.default_rng(plan.seed), 100)
    texts = pc.if_else(
        pa.array(copies), seen_before.take(pa.array(rng.integers(0, 100, count))), long_texts(rng, count)
    )
    begin = int(plan.begin(day).timestamp() * 1e6)
    times = np.sort(rng.integers(begin - _DAY_US, begin, count))
    return Items(
        ids=numbered(f"m{day:03}-", np.arange(count, dtype=np.int64), 7),
        texts=texts,
        times=pa.array(times).cast(INSTANT),
        markets=_of(_MARKETS, rng.integers(0, len(_MARKETS), count)),
        languages=_of(_LANGUAGES, rng.integers(0, len(_LANGUAGES), count)),
        copies=copies,
    )


def rows_of(plan: Plan, day: int, sources: tuple[str, ...]) -> pa.Table:
    """The rows of `SCHEMA` that this day adds. `sources` name the files by day."""
    rng = np.random.default_rng((plan.seed, 1, day))
    days = (day, *plan.judged_again(day))
    files = [items_of(plan, each) for each in days]
    cases = _cases(plan, day, rng)
    decided = _decided(cases, np.concatenate([each.copies for each in files])[cases.item], rng)
    columns = {
        **_items(files, cases),
        **_places(plan, [sources[each] for each in days], cases),
        **_policies(cases),
        **_verdicts(cases, decided, rng),
        **_rejections(decided, rng),
        **_effort(cases, decided, rng),
        **_run(plan, day, cases, decided, rng),
    }
    return pa.table([columns[name] for name in SCHEMA.names], schema=SCHEMA)


def _cases(plan: Plan, day: int, rng: np.random.Generator) -> Cases:
    """Some hundred items at a time, each under all policies; after them those that are judged again."""
    count, again = plan.items, plan.items * len(plan.judged_again(day))
    item, policy = np.tile(np.arange(count), len(RATES)), np.repeat(np.arange(len(RATES)), count)
    order = np.lexsort((item, policy, item // _BLOCK))
    edited = list(RATES).index(EDITED)
    item = np.concatenate([item[order], np.arange(count, count + again)])
    policy = np.concatenate([policy[order], np.full(again, edited)])
    version = np.where((policy == edited) & (day >= plan.edit), 2, 1)
    begin, total = int(plan.begin(day).timestamp() * 1e6), count * len(RATES) + again
    instant = np.arange(total) * (_DAY_US - 20_000_000) // total + rng.integers(0, 10_000_000, total)
    return Cases(item, policy, version, begin + instant)


def _decided(cases: Cases, copies: Bools, rng: np.random.Generator) -> Decided:
    total, rates = len(cases.item), np.array(list(RATES.values()))
    violation = rng.random(total) < rates[cases.policy]
    distance = np.where(violation, np.abs(rng.normal(2.0, 1.2, total)), np.abs(rng.normal(4.5, 1.5, total)))
    score = 1 / (1 + np.exp(np.where(violation, -distance, distance)))
    return Decided(score, violation, (rng.random(total) < _REJECTED) & ~copies, copies)


def _items(files: list[Items], cases: Cases) -> Columns:
    def of(name: str) -> pa.Array:
        return pa.concat_arrays([getattr(each, name) for each in files]).take(pa.array(cases.item))

    texts = [text for each in files for text in each.texts.to_pylist()]
    hashes = pa.array([content_hash(ItemKind.TEXT, (), (Turn("user", text),)) for text in texts])
    total = len(cases.item)
    pairs = pa.concat_arrays([of("markets"), of("languages")]).take(pa.array(_interleaved(total)))
    keys = _of(("market", "lang"), np.tile([0, 1], total))
    return {
        "item_id": of("ids"),
        "item_time": of("times"),
        "item_kind": pa.repeat(ItemKind.TEXT.value, total),
        "content_hash": hashes.take(pa.array(cases.item)),
        "carried": pa.MapArray.from_arrays(pa.array(np.arange(total + 1, dtype=np.int32) * 2), keys, pairs),
    }


def _places(plan: Plan, sources: list[str], cases: Cases) -> Columns:
    file, position = np.divmod(cases.item, plan.items)
    shards = [_shard(plan, number) for number in range(-(-plan.items // _SHARD))]
    return {
        "source": _of(sources, file),
        "shard": _of(shards, position // _SHARD),
        "position": pa.array(position),
    }


def _shard(plan: Plan, number: int) -> str:
    return f"{number * _SHARD}-{min(plan.items, (number + 1) * _SHARD)}:{number:016x}"


def _policies(cases: Cases) -> Columns:
    known = (*POLICIES, AFTER_EDIT)
    place = np.where(cases.version == 2, len(POLICIES), cases.policy)
    return {
        "policy_id": _of([each.id for each in known], place),
        "policy_version": _of([each.version for each in known], place),
        "policy_hash": _of([each.hash for each in known], place),
        "mode": pa.repeat(Mode.LIVE.value, len(place)),
    }


def _verdicts(cases: Cases, decided: Decided, rng: np.random.Generator) -> Columns:
    total, rejected = len(cases.item), pa.array(decided.rejected)
    rules, severity = _rules(cases, decided, rng)
    sure = np.abs(decided.score - 0.5) + rng.normal(0, 0.02, total)
    confidence = np.where(sure < 0.35, 0, np.where(sure < 0.46, 1, 2))
    kept = pa.array((decided.violation | (rng.random(total) < _KEPT_REASONING)) & ~decided.reused)
    actions = ("allow", *(each.value for each in ACTIONS))
    columns = {
        "status": _of((VERDICT, REJECTED), decided.rejected.astype(np.int64)),
        "reasoning": pc.if_else(kept, long_texts(rng, total), pa.scalar(None, pa.string())),
        "rule_ids": rules,
    }
    told = {
        "violation": pa.array(decided.violation),
        "severity": pa.array(severity.astype(np.int32)),
        "action": _of(actions, severity),
        "confidence": _of([each.value for each in (Confidence.LOW, Confidence.MEDIUM, Confidence.HIGH)], confidence),
        "score": pa.array(decided.score),
        "rationale": rationales(rng, total),
    }
    return columns | {name: _blank(rejected, array) for name, array in told.items()}


def _rules(cases: Cases, decided: Decided, rng: np.random.Generator) -> tuple[pa.Array, Ints]:
    """The rules that are cited, one or two, and how grave the gravest is: 0 without any."""
    total, most = len(cases.item), len(ACTIONS)
    first = rng.choice(most, total, p=(0.4, 0.3, 0.2, 0.1))
    second = (first + rng.integers(1, most, total)) % most
    two = rng.random(total) < _SECOND_RULE
    cited = np.where(decided.violation, 1 + two, 0)
    ids = [rule_id(name, place) for name in RATES for place in range(1, most + 1)]
    chosen = (cases.policy[:, None] * most + np.stack([first, second], axis=1))[np.arange(2) < cited[:, None]]
    ends = np.concatenate([[0], np.cumsum(cited)]).astype(np.int32)
    lists = pa.ListArray.from_arrays(pa.array(ends), _of(ids, chosen), mask=pa.array(decided.rejected))
    gravest = 1 + np.where(two, np.maximum(first, second), first)
    return lists, np.where(decided.violation, gravest, 0)


def _rejections(decided: Decided, rng: np.random.Generator) -> Columns:
    total, judged = len(decided.score), pa.array(~decided.rejected)
    reasons = (Reason.LENGTH, Reason.MALFORMED, Reason.NO_FINAL, Reason.DEADLINE)
    which = rng.integers(0, len(reasons), total)
    answers = long_texts(rng, 500).cast(pa.binary())
    return {
        "reason": _blank(judged, _of([each.value for each in reasons], which)),
        "detail": _blank(judged, _of([f"the answer can't be used: {each.value}" for each in reasons], which)),
        "raw": _blank(judged, answers.take(pa.array(rng.integers(0, 500, total)))),
    }


def _effort(cases: Cases, decided: Decided, rng: np.random.Generator) -> Columns:
    """Tokens and time; the judge is slower by day. What is reused took none."""
    total, asked = len(cases.item), ~decided.reused
    hour = cases.instant % _DAY_US / _DAY_US
    latency = rng.lognormal(6.5, 0.5, total) * (1.5 - np.cos(2 * np.pi * hour) / 2)
    prompt = rng.integers(900, 1600, total)
    return {
        "stage": _of((Stage.JUDGE.value, Stage.REUSED.value), decided.reused.astype(np.int64)),
        "attempts": pa.array(asked.astype(np.int32)),
        "prompt_tokens": pa.array(prompt * asked),
        "cached_tokens": pa.array(np.minimum(prompt, 832) * asked),
        "output_tokens": pa.array(rng.integers(40, 240, total) * asked),
        "latency_ms": pa.array(latency * asked),
    }


def _run(plan: Plan, day: int, cases: Cases, decided: Decided, rng: np.random.Generator) -> Columns:
    total = len(cases.item)
    judged = pa.array(~decided.reused)
    return {
        "judge": pa.repeat(JUDGE.name, total),
        "judge_revision": pa.repeat(JUDGE.revision, total),
        "settings_hash": pa.repeat(JUDGE.settings_hash, total),
        "prompt_hash": hex_digests(rng, total),
        "case_key": hex_digests(rng, total),
        "run_id": pa.repeat(run_id(plan, day), total),
        "reused_run": _blank(judged, pa.repeat(run_id(plan, 0), total)),
        "reused_item": _blank(judged, numbered("m000-", rng.integers(0, plan.items, total), 7)),
        "judged_at": pa.array(cases.instant).cast(INSTANT),
        "audit_day": pa.repeat(pa.scalar(plan.date(day), pa.date32()), total),
    }


def run_id(plan: Plan, day: int) -> str:
    return f"run-{plan.date(day)}"


def _of(values: tuple[str, ...] | list[str], places: Any) -> pa.Array:
    return pa.array(values).take(pa.array(places))


def _blank(where: pa.Array, values: pa.Array) -> pa.Array:
    return pc.if_else(where, pa.scalar(None, values.type), values)


def _interleaved(total: int) -> Ints:
    return np.stack([np.arange(total), np.arange(total) + total], axis=1).ravel()
