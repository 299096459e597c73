"""`assay import-policy`: published policies become files of ours. Nothing is overwritten unless asked for."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from assay.errors import InputError
from authoring.golden_file import write_golden
from authoring.importing import import_published
from authoring.importing_files import find_published
from authoring.importing_records import Imported, Kind, LabelsFrom, Remark


@dataclass(frozen=True, slots=True)
class Written:
    """What one policy became: its files, its rules, how many golden items it has of each label, and the remarks."""

    id: str
    policy: str
    golden: str | None
    rules: tuple[str, ...]
    violates: int
    allowed: int
    unknown: int
    remarks: tuple[Remark, ...]


@dataclass(frozen=True, slots=True)
class Summary:
    policies: tuple[Written, ...]

    def text(self, as_json: bool) -> str:
        if as_json:
            return json.dumps(asdict(self), ensure_ascii=False)
        return "\n\n".join(_lines(written) for written in self.policies)


def import_policies(path: Path, out: Path, source: LabelsFrom, *, force: bool) -> Summary:
    """Import the policies at `path` into the folder `out`: ID.md, ID.golden.csv and, with the remarks, ID.import.txt.

    Nothing is written unless all of them can be. Raises InputError for what can't be read, and for files that are
    there without `force`.
    """
    imported = [import_published(published, source) for published in find_published(path)]
    targets = [target for each in imported for target in _targets(each, out)]
    if not force and (there := next((target for target in targets if target.exists()), None)):
        raise InputError(f"{there}: is there already; take another folder, or --force to overwrite it")
    try:
        out.mkdir(parents=True, exist_ok=True)
        return Summary(tuple(_write(each, out) for each in imported))
    except OSError as error:
        raise InputError(f"{out}: can't be written: {error.strerror or error}") from error


def _targets(imported: Imported, out: Path) -> tuple[Path, ...]:
    """The remarks are no .md: a job's `policies: "*.md"` would take them for a policy."""
    policy, golden, remarks = (out / f"{imported.policy.id}.{end}" for end in ("md", "golden.csv", "import.txt"))
    return (policy, remarks, golden) if imported.items else (policy, remarks)


def _write(imported: Imported, out: Path) -> Written:
    policy, remarks, *golden = _targets(imported, out)
    policy.write_text(imported.policy.text, encoding="utf-8", newline="")
    for file in golden:
        write_golden(imported.items, file)
    labels = Counter(expected.violation for item in imported.items for expected in item.expected)
    written = Written(
        id=imported.policy.id,
        policy=str(policy),
        golden=str(golden[0]) if golden else None,
        rules=imported.policy.rule_ids,
        violates=labels[True],
        allowed=labels[False],
        unknown=labels[None],
        remarks=imported.remarks,
    )
    remarks.write_text(_lines(written) + "\n", encoding="utf-8")
    return written


def _lines(written: Written) -> str:
    """What was written, then the remarks by kind."""
    total = written.violates + written.allowed + written.unknown
    counted = f"{total:,} items: {written.violates:,} violate, {written.allowed:,} allowed, {written.unknown:,} unknown"
    lines = [f"{written.id}: {written.policy}, {len(written.rules)} rules: {', '.join(written.rules)}"]
    lines.append(f"  golden: {written.golden}, {counted}" if written.golden else "  golden: none")
    for kind in Kind:
        lines += _listed(kind, [remark for remark in written.remarks if remark.kind is kind])
    return "\n".join(lines)


def _listed(kind: Kind, remarks: Sequence[Remark]) -> list[str]:
    return [f"  {kind}:", *(f"    {remark.where}: {remark.text}" for remark in remarks)] if remarks else []
