"""How a comparison is written, wherever it is shown. Nothing here is safe to be shown as markup."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from jobs.diff_report import Change, ChangeKind, DiffReport, PolicyDiff, SideReport
from jobs.diff_rollout import Rollout, Whole
from jobs.eval_words import UNKNOWN, both
from jobs.plan_estimate import Estimate
from jobs.trial import Judged
from measure.answers import Estimate as Rate

_LEAST_P = 0.0001

RULE_HEADS = ("rule", "cited before", "cited after", "only after", "only before", "difference")
CHANGE_HEADS = ("change", "item", "before", "after", "what was judged")


def heading(report: DiffReport) -> str:
    """What was asked of whom, in a line."""
    drawn = f"a sample of the source (seed {report.seed})" if report.seed is not None else ", ".join(report.golden)
    if report.judge_before == report.judge_after:
        return f"{drawn}, judged by {report.judge_before}"
    return f"{drawn}, judged by {report.judge_before} before, by {report.judge_after} after"


def title(policy: PolicyDiff) -> str:
    before, after = policy.before.version, policy.after.version
    if policy.before.hash == policy.after.hash:
        return f"{policy.policy_id} {before}"
    return f"{policy.policy_id} {before} -> {after if after != before else f'{after} (edited)'}"


def sentences(policy: PolicyDiff) -> Sequence[str]:
    """What there is to know, the first thing first."""
    found = [_flips(policy), *_labels(policy)]
    if shifted := policy.count(ChangeKind.SHIFTED):
        found.append(f"{shifted:,} more have another outcome: other rules, severity or action")
    if uncited := [rule.rule_id for rule in policy.rules if not rule.ever_cited]:
        found.append(f"neither side cites {', '.join(uncited)}")
    if policy.flagged.unpaired:
        found.append(f"{policy.flagged.unpaired:,} items were rejected on a side, and are in none of these figures")
    if policy.whole:
        found += _whole(policy.whole)
    return found


def side_rows(policy: PolicyDiff) -> Sequence[tuple[str, str, str]]:
    """Figures with both sides' values; nothing in it is from an item."""
    sides, compared = (policy.before, policy.after), policy.flagged
    rows = [("flagged", both(compared.before), both(compared.after))]
    if policy.right:
        rows.append(("right", both(policy.right.before), both(policy.right.after)))
    before, after = (_rejected(side) for side in sides)
    rows.append(("rejected", before, after))
    before, after = (f"{side.recalled:,} of {policy.items:,}" for side in sides)
    rows.append(("in the table already", before, after))
    before, after = (_tokens(side) for side in sides)
    return [*rows, ("tokens a case", before, after)]


def rule_rows(policy: PolicyDiff) -> Sequence[tuple[str, ...]]:
    """A row for each rule that a side cites, under `RULE_HEADS`."""
    rows = []
    for rule in policy.rules:
        cited = rule.cited
        if not rule.ever_cited:
            continue
        before = round((cited.before.value or 0) * cited.pairs)
        after = before + cited.gained - cited.lost
        counts = (f"{count:,}" for count in (before, after, cited.gained, cited.lost))
        rows.append((rule.rule_id, *counts, signed(cited.difference)))
    return rows


def change_name(change: Change) -> str:
    """`flagged now: an improvement`."""
    if change.improved is not None:
        return f"{change.kind}: {'an improvement' if change.improved else 'a regression'}"
    return change.kind.value


def item_name(change: Change) -> str:
    return change.item_id + (f" and {change.copies - 1:,} more of the same" if change.copies > 1 else "")


def outcome(judged: Judged) -> str:
    """`S1 S2, severity 3, block (score 0.93, high)`."""
    if judged.violation is None:
        return f"rejected: {judged.reason}"
    what = " ".join(judged.rule_ids) if judged.violation else "allowed"
    facts = [] if judged.score is None else [f"score {judged.score:.2f}"]
    facts += [judged.confidence] if judged.confidence else []
    stays = not judged.violation and judged.action in ("", "allow")
    what += "" if stays else f", severity {judged.severity}, {judged.action}"
    return what + (f" ({', '.join(facts)})" if facts else "")


def reason(judged: Judged) -> str:
    """Why, as the judge says; of a rejection its detail."""
    return judged.rationale or judged.detail or UNKNOWN


def signed(difference: Rate) -> str:
    """`+0.012 (-0.003 to +0.027)`."""
    if difference.value is None or difference.low is None or difference.high is None:
        return UNKNOWN
    return f"{difference.value:+.3f} ({difference.low:+.3f} to {difference.high:+.3f})"


def counted(estimate: Estimate) -> str:
    """`1,240 (980 to 1,530)`; the number alone where nothing was estimated."""
    if estimate.low == estimate.high:
        return f"{estimate.value:,.0f}"
    return f"{estimate.value:,.0f} ({estimate.low:,.0f} to {estimate.high:,.0f})"


def _flips(policy: PolicyDiff) -> str:
    it = policy.flagged
    if not it.pairs:
        return "no item has a verdict of both sides"
    if not policy.flips:
        return f"none of {it.pairs:,} flips; at most {it.gained_share.high or 0:.3f} do, each way"
    return (
        f"{policy.flips:,} of {it.pairs:,} flip: {it.gained:,} flagged now, {both(it.gained_share)}, and {it.lost:,} "
        f"allowed now, {both(it.lost_share)}; flagged {signed(it.difference)}; {_chance(it.p_value)}"
    )


def _labels(policy: PolicyDiff) -> Iterable[str]:
    if policy.right:
        it = policy.right
        unknown = f"; {policy.unknown:,} have no label" if policy.unknown else ""
        yield (
            f"by the labels {it.gained:,} improvements and {it.lost:,} regressions among {it.pairs:,}; right "
            f"{signed(it.difference)}; {_chance(it.p_value)}{unknown}"
        )


def _chance(p_value: float) -> str:
    return f"p < {_LEAST_P}" if p_value < _LEAST_P else f"p = {p_value:.3g}"


def _whole(whole: Whole) -> Iterable[str]:
    yield (
        f"in the whole source, of {whole.contents:,} contents {counted(whole.gained)} would newly be flagged, and "
        f"{counted(whole.lost)} no longer"
    )
    if whole.items > whole.contents:
        yield (
            f"with their copies, of {whole.items:,} items {counted(whole.gained_items)} would newly be flagged, and "
            f"{counted(whole.lost_items)} no longer"
        )
    yield _rollout(whole.rollout)


def _rollout(it: Rollout) -> str:
    text = f"a roll-out would judge {counted(it.to_judge)} contents"
    if it.prompt_tokens.high:
        text += f": {counted(it.prompt_tokens)} tokens read, {counted(it.output_tokens)} written"
    if not it.gpu_hours.high:
        return text
    cost = f", {it.cost.value:,.2f} ({it.cost.low:,.2f} to {it.cost.high:,.2f}) in money" if it.cost.high else ""
    return f"{text}, {it.gpu_hours.value:,.2f} ({it.gpu_hours.low:,.2f} to {it.gpu_hours.high:,.2f}) GPU hours{cost}"


def _rejected(side: SideReport) -> str:
    reasons = ", ".join(f"{count:,} {name}" for name, count in side.rejected.items())
    return f"{sum(side.rejected.values()):,}" + (f" ({reasons})" if reasons else "")


def _tokens(side: SideReport) -> str:
    if not side.prompt_tokens or side.output_tokens is None:
        return UNKNOWN
    return f"{side.prompt_tokens:,.0f} read, {side.output_tokens:,.0f} written"
