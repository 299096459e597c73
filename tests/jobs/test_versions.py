"""A policy's versions, with the real command: every text that judged is kept, and a version stands for one text."""

from __future__ import annotations

import hashlib
import json
import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path

import pytest

from assay.errors import InputError
from assay.policy import Policy, parse_policy
from jobs.sql import query
from jobs.versions import take_in
from sinks.policies import PolicyLog, policy_versions
from tests.jobs.workplace import Workplace, make_workplace
from tests.ray_cluster import SharedCluster

EDIT = "\nAnd one thing more.\n"


@pytest.fixture
def place(tmp_path: Path, ray_cluster: SharedCluster) -> Workplace:
    """Twenty items under two policies, judged with a journal."""
    place = make_workplace(tmp_path, files=1, items=20)
    place.config["judge"]["journal"] = str(tmp_path / "journal")
    place.config["replicas"]["count"] = 1
    return place.join(ray_cluster)


def asked(place: Workplace) -> int:
    """How many cases the judge has been asked, in all runs."""
    return len((place.folder / "journal").read_bytes())


def edit(place: Workplace, version: str, more: str, *, comment: str = "") -> str:
    """Give policy p0 this version and so much text more than it had at first; its text."""
    file = place.folder / "policies" / "p0.md"
    first = (place.folder / "policies" / "p1.md").read_text().replace("p1", "p0")
    file.write_text(first.replace('version: "1"', f'version: "{version}"{comment}') + more)
    return file.read_text()


def test_each_verdict_finds_the_text_that_it_was_made_under(place: Workplace) -> None:
    first = edit(place, "1", "")
    place.backfill()
    second = edit(place, "2", EDIT)
    place.backfill()
    path = str(place.folder / "out" / "audit")
    rows = query(
        path,
        "select v.policy_id, v.policy_version, p.id, p.version, p.text, count(*) n from verdicts v "
        "join policies p on v.policy_hash = p.hash group by all order by 1, 2",
    ).to_pylist()
    other = (place.folder / "policies" / "p1.md").read_text()
    texts = [("p0", "1", first), ("p0", "2", second), ("p1", "1", other)]
    assert [tuple(row.values()) for row in rows] == [
        (id, version, id, version, text, 20) for id, version, text in texts
    ]
    kept = query(path, "select * from policies order by id, version").to_pylist()
    assert [row["hash"] for row in kept] == [hashlib.sha256(text.encode()).hexdigest() for *_, text in texts]
    assert [row["first_seen"] < row["last_seen"] for row in kept] == [False, False, True]
    starts = query(path, "select started_at from runs order by 1")["started_at"].to_pylist()
    assert [row["first_seen"] for row in kept] == [starts[0], starts[1], starts[0]]


def test_an_edit_that_keeps_its_version_is_refused_and_a_comment_is_none(place: Workplace) -> None:
    place.backfill()
    edit(place, "1", EDIT)
    for command in ("backfill", "check"):
        said = place.run(command, "CONFIG", code=2).stderr
        assert "policies/p0.md: policy 'p0' was edited and is still version '1'" in said
        assert "raise its version" in said
    assert asked(place) == 40
    assert len(place.query("select * from policies")) == 2, "a text that was refused has judged nothing"
    assert place.run("backfill", "CONFIG", "--policies", "p1"), "the other policy is as it was"
    edit(place, "1", "", comment=" # as ever")
    assert place.backfill()["judged"] == 0
    edit(place, "2", EDIT)
    place.run("check", "CONFIG")
    assert place.backfill()["judged"] == 20
    edit(place, "1", EDIT)
    assert "is still version '1'" in place.run("backfill", "CONFIG", code=2).stderr, "earlier versions count too"


def test_an_edit_that_was_allowed_once_is_known(place: Workplace) -> None:
    first = edit(place, "1", "")
    place.backfill()
    edit(place, "1", EDIT)
    allowed = json.loads(place.run("backfill", "CONFIG", "--allow-edited", "--json").stdout)
    assert allowed["judged"] == 20
    assert place.backfill()["skipped"] == 40
    edit(place, "1", "")
    assert place.backfill()["skipped"] == 40
    versions = place.query("select text, version from policies where id = 'p0' order by first_seen")
    assert [(row["text"], row["version"]) for row in versions] == [(first, "1"), (first + EDIT, "1")]


def test_of_two_texts_that_come_at_once_under_one_version_one_is_taken(tmp_path: Path) -> None:
    path, head = str(tmp_path), '---\nid: p0\nversion: "1"\nrules: [{id: R1}]\n---\n'
    policies = [parse_policy(f"{head}Text {number}.\n", "p0.md") for number in range(4)]
    PolicyLog(path)
    together = threading.Barrier(4)

    def start(policy: Policy) -> str:
        together.wait()
        try:
            take_in(path, [policy], {}, datetime.now(UTC), allow_edited=False)
        except InputError:
            return ""
        return policy.hash

    with ThreadPoolExecutor(4) as threads:
        taken = [hash for hash in threads.map(start, policies) if hash]
    assert len(taken) == 1
    assert [each.hash for each in policy_versions(path)] == taken


def test_two_jobs_that_start_together_with_two_texts_of_one_version(place: Workplace, tmp_path: Path) -> None:
    other = Workplace(
        tmp_path / "other", place.config | {"policies": ["policies/p0.md"]}, environment=place.environment
    )
    other.config["sink"] = {"kind": "delta", "path": str(tmp_path / "out" / "audit")}
    other.config["source"] = place.config["source"] | {"path": str(tmp_path / "data" / "*.parquet")}
    (other.folder / "policies").mkdir(parents=True)
    (other.folder / "policies" / "p0.md").write_text((tmp_path / "policies" / "p0.md").read_text() + EDIT)
    runs = [place.start("backfill", "CONFIG"), other.start("backfill", "CONFIG")]
    said = [run.communicate(timeout=240)[1] for run in runs]
    assert sorted(run.returncode for run in runs) == [0, 2], said
    assert "raise its version" in "".join(said)
    assert len(place.query("select * from policies where id = 'p0'")) == 1
