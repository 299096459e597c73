"""Published policies as policies of ours. What had to be guessed, and what was taken out, is listed."""

from __future__ import annotations

from assay.errors import InputError
from assay.policy import parse_policy
from authoring.golden_rows import read_text
from authoring.importing_golden import Labels, read_published_golden
from authoring.importing_policy import policy_file, read_published
from authoring.importing_records import Imported, LabelsFrom, Published


def import_published(published: Published, source: LabelsFrom = LabelsFrom.AUTO) -> Imported:
    """Read a published policy and its golden file, if it has one. Writes nothing.

    Raises InputError: a file can't be read or is empty, or the policy has our format already.
    """
    text, file = read_text(published.policy), str(published.policy)
    if not text.strip():
        raise InputError(f"{file}: empty; a policy is what its judge is to read")
    if _is_ours(text, file):
        raise InputError(f"{file}: a policy of assay's own format; there is nothing to import")
    draft = read_published(text, file)
    labels = Labels(published.id, draft.scheme, draft.allowed, source)
    items, remarks = read_published_golden(published.golden, labels) if published.golden else ((), ())
    ours = policy_file(published.id, draft, f"{published.id}.golden.csv" if items else None)
    policy = parse_policy(ours, f"{file} (as imported)")
    return Imported(policy, items, (*published.remarks, *draft.remarks, *remarks))


def _is_ours(text: str, file: str) -> bool:
    try:
        parse_policy(text, file)
    except InputError:
        return False
    return True
