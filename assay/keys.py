"""The key of a case: cases with the same key get the same verdict, so only one of them is judged.

A key is the sha256 (hex) over four parts, in this order: the policy's terms, the judge's revision, its settings, and
the content as the judge sees it. docs/pay_once.md lists what changes a key and what does not.
"""

from __future__ import annotations

import hashlib
from typing import Protocol
from zlib import crc32

from assay.policy import Policy
from assay.records import Case, Item, JudgeIdentity, Known, Origin, Outcome, Reason, Rejection, Verdict

DECIDED_BY_CONTENT = frozenset({Reason.TOO_LONG, Reason.SURROGATE})
"""Why a judge rejects some content, and would again, whatever its mood."""


def reusable(result: Verdict | Rejection) -> bool:
    """Whether another case with the same key gets this result too."""
    return isinstance(result, Verdict) or result.reason in DECIDED_BY_CONTENT


def known(outcome: Outcome) -> Known:
    """What others with its key may get of a judged case."""
    judged, item = outcome.judgement, outcome.item
    origin = Origin(outcome.run_id, item.id or "", outcome.judged_at, judged.prompt_tokens, judged.output_tokens)
    return Known(judged.result, origin)


def audited(key: str, item_id: str, share: float) -> bool:
    """Whether a known case is of the share (0 to 1) that is judged again: the same for the same key and item."""
    return crc32(f"{key} {item_id}".encode("utf-8", "surrogatepass")) < share * 2**32


class _Sha(Protocol):
    def copy(self) -> _Sha: ...
    def update(self, data: bytes, /) -> None: ...
    def hexdigest(self) -> str: ...


class Keys:
    """Keys of cases that one judge is to decide. Cheap per case: all but the content is hashed once per policy.

    `apart` names a carried column whose value is a fifth part of the key, of items that have it.
    """

    def __init__(self, judge: JudgeIdentity, apart: str | None = None) -> None:
        self._judge, self._apart = judge, apart
        self._begun: dict[str, _Sha] = {}

    def case(self, item: Item, policy: Policy) -> Case:
        """The case of this item under this policy, with its key."""
        return Case(item, policy, self.of(item.content_hash, policy, self._parting(item)))

    def of(self, content_hash: str, policy: Policy, parting: str = "") -> str:
        """The key of this content under this policy; `parting` keeps it apart from the same content without it."""
        begun = self._begun.get(policy.hash)
        if begun is None:
            begun = self._begun[policy.hash] = self._begin(policy)
        sha = begun.copy()
        sha.update(bytes.fromhex(content_hash) + parting.encode("utf-8", "surrogatepass"))
        return sha.hexdigest()

    def _parting(self, item: Item) -> str:
        return "" if self._apart is None else dict(item.carried).get(self._apart, "")

    def _begin(self, policy: Policy) -> _Sha:
        """What all contents share, each text with its length before it."""
        sha = hashlib.sha256()
        for text in (policy.terms_hash, self._judge.revision, self._judge.settings_hash):
            raw = text.encode()
            sha.update(b"%d:" % len(raw) + raw)
        return sha
