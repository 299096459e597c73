"""The lookup: what the table knows by key, never more and never less, whatever becomes of the file or the table."""

from __future__ import annotations

import multiprocessing
import os
import random
import shutil
import signal
import sqlite3
import time
from collections.abc import Callable, Iterable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from deltalake import DeltaTable

from assay.config import DeltaConfig
from assay.contracts import Lookup
from assay.errors import FatalError
from assay.records import Known, Outcome, Reason, Rejection, Stage, Verdict
from sinks.delta import DeltaSink
from sinks.forget import Wanted
from sinks.forget import forget as forget_rows
from sinks.known_store import KnownStore, Value
from sinks.lookup import TableLookup
from sinks.memory import MemoryLookup, MemorySink
from sinks.upkeep import optimize
from tests.sinks.outcomes import rejection, verdict

Opener = Callable[[timedelta | None], tuple[MemorySink | DeltaSink, Lookup]]
NOW = datetime.now(UTC)


def key(number: int) -> str:
    return f"{number * 2654435761 % 2**128:032x}" + "0" * 32


def judged(
    number: int, *, rationale: str = "It promotes.", ago: timedelta = timedelta(0), run: str = "run-1"
) -> Outcome:
    outcome = verdict(number)
    result = outcome.judgement.result
    assert isinstance(result, Verdict)
    judgement = replace(outcome.judgement, result=replace(result, rationale=rationale))
    return replace(outcome, judgement=judgement, key=key(number), run_id=run, judged_at=NOW - ago)


def rejected(number: int, reason: Reason) -> Outcome:
    outcome = judged(number)
    return replace(outcome, judgement=replace(outcome.judgement, result=Rejection(reason, "so it is", b"raw")))


def sink_at(path: Path) -> DeltaSink:
    return DeltaSink(DeltaConfig(kind="delta", path=str(path)), str(path))


@pytest.fixture(params=["memory", "table"])
def opener(request: pytest.FixtureRequest, tmp_path: Path) -> Opener:
    def memory(max_age: timedelta | None) -> tuple[MemorySink | DeltaSink, Lookup]:
        sink = MemorySink()
        return sink, MemoryLookup(sink, max_age)

    def table(max_age: timedelta | None) -> tuple[MemorySink | DeltaSink, Lookup]:
        sink = sink_at(tmp_path)
        return sink, Eager(str(tmp_path), max_age)

    return memory if request.param == "memory" else table


class Eager(TableLookup):
    """Looks at the table before each answer."""

    def find(self, keys: Iterable[str]) -> dict[str, Known]:  # type: ignore[override]
        self.catch_up()
        return super().find(list(keys))


def test_what_was_judged_is_found_with_all_it_came_to(opener: Opener) -> None:
    sink, lookup = opener(None)
    assert lookup.find([key(1)]) == {}
    sink.commit([judged(1), judged(2, rationale="Ünïcode \u0000 and a very long tale " * 50)], {})
    found = lookup.find([key(1), key(2), key(3)])
    assert found.keys() == {key(1), key(2)}
    assert found[key(1)].result == judged(1).judgement.result
    origin = found[key(1)].origin
    assert (origin.run_id, origin.item_id, origin.judged_at) == ("run-1", "i1", NOW)
    assert (origin.prompt_tokens, origin.output_tokens) == (100, 12)
    assert getattr(found[key(2)].result, "rationale", "").startswith("Ünïcode \u0000")
    lookup.close()


def test_only_what_the_judge_decided_is_found_and_of_rejections_what_content_alone_decides(opener: Opener) -> None:
    sink, lookup = opener(None)
    copy = replace(judged(1), stage=Stage.REUSED)
    sink.commit([copy, rejected(2, Reason.MALFORMED), rejected(3, Reason.TOO_LONG), rejection(4)], {})
    found = lookup.find([key(n) for n in range(5)])
    assert found.keys() == {key(3)}
    result = found[key(3)].result
    assert isinstance(result, Rejection)
    assert (result.reason, result.detail) == (Reason.TOO_LONG, "so it is")
    lookup.close()


def test_what_is_too_old_is_not_found_and_of_two_the_one_judged_last_counts(opener: Opener) -> None:
    sink, lookup = opener(timedelta(days=30))
    old, young = timedelta(days=40), timedelta(days=20)
    sink.commit([judged(1, ago=old), judged(2, ago=young)], {})
    assert lookup.find([key(1), key(2)]).keys() == {key(2)}
    sink.commit([judged(1, ago=young, rationale="again"), judged(2, ago=old, rationale="late to the table")], {})
    found = lookup.find([key(1), key(2)])
    assert [getattr(found[key(n)].result, "rationale", "") for n in (1, 2)] == ["again", "It promotes."]
    lookup.close()


def truth(path: Path) -> dict[str, Known]:
    """What a lookup that is built from the table says of every key."""
    fresh = TableLookup(str(path), folder=path / f"fresh-{time.monotonic_ns()}")
    fresh.rebuild()
    found = fresh.find([key(n) for n in range(400)])
    fresh.close()
    return found


def forget(path: Path, items: Iterable[int]) -> None:
    names = ", ".join(f"'i{number}'" for number in items)
    DeltaTable(str(path / "verdicts")).delete(f"item_id IN ({names})")


@pytest.mark.parametrize("seed", range(6))
def test_whatever_happens_to_the_table_the_lookup_is_what_a_rebuild_would_be(tmp_path: Path, seed: int) -> None:
    chance = random.Random(seed)
    sink, lookup = sink_at(tmp_path), TableLookup(str(tmp_path))
    for step in range(25):
        what = chance.random()
        if what < 0.7:
            numbers = [chance.randrange(400) for _ in range(chance.randrange(1, 60))]
            ages = [timedelta(seconds=chance.randrange(10**6)) for _ in numbers]
            rows = [judged(n, ago=age, rationale=f"{step}") for n, age in zip(numbers, ages, strict=True)]
            sink.commit(rows, {})
        elif what < 0.85:
            forget(tmp_path, [chance.randrange(400) for _ in range(5)])
        else:
            optimize(DeltaConfig(kind="delta", path=str(tmp_path)), str(tmp_path))
        if chance.random() < 0.5:
            lookup.catch_up()
    lookup.catch_up()
    found = lookup.find([key(n) for n in range(400)])
    assert len(found) > 100
    assert found == truth(tmp_path)
    lookup.close()


def test_what_is_forgotten_is_gone_from_the_disk_and_another_judgement_of_it_takes_over(tmp_path: Path) -> None:
    sink, lookup = sink_at(tmp_path), TableLookup(str(tmp_path))
    secret = "a rationale that quotes somebody"
    again = replace(judged(2, ago=timedelta(days=1)), item=judged(7).item)
    sink.commit([judged(1, rationale=secret), judged(2, rationale=secret), again, judged(3)], {})
    lookup.catch_up()
    assert lookup.find([key(1), key(2), key(3)]).keys() == {key(1), key(2), key(3)}
    forget(tmp_path, [1, 2])
    lookup.catch_up()
    found = lookup.find([key(1), key(2), key(3)])
    assert found.keys() == {key(2), key(3)}
    assert found[key(2)].origin.item_id == "i7"
    lookup.tidy()
    blobs = b"".join(file.read_bytes() for file in (tmp_path / "lookup").rglob("known-*"))
    assert key(3)[:32] in blobs.hex()
    assert key(1)[:32] not in blobs.hex()
    lookup.close()


def test_of_two_judgements_in_one_file_the_one_that_is_left_takes_over(tmp_path: Path) -> None:
    sink, lookup = sink_at(tmp_path), TableLookup(str(tmp_path))
    earlier = replace(judged(2), item=judged(7).item, judged_at=NOW.replace(hour=0, minute=0, second=0, microsecond=0))
    sink.commit([judged(2, rationale="It quotes somebody."), earlier], {})
    lookup.catch_up()
    assert lookup.find([key(2)])[key(2)].origin.item_id == "i2"
    forget_rows(str(tmp_path), Wanted(item="i2"))
    lookup.catch_up()
    assert lookup.find([key(2)])[key(2)].origin.item_id == "i7"
    assert lookup.find([key(2)]) == truth(tmp_path)
    lookup.close()


def test_what_a_process_left_when_it_was_killed_goes_too(tmp_path: Path) -> None:
    sink, lookup = sink_at(tmp_path), TableLookup(str(tmp_path))
    sink.commit([judged(1)], {})
    assert lookup.rebuild() == lookup.rebuild() == 1
    (file,) = (tmp_path / "lookup").rglob("known-*.sqlite")
    shutil.copy(file, file.with_name("draft.sqlite"))
    shutil.copy(file, file.with_name("known-1.sqlite"))
    forget(tmp_path, [1])
    lookup.catch_up()
    lookup.tidy()
    assert sorted(each.name for each in file.parent.glob("*.sqlite")) == [file.name]
    lookup.close()


@pytest.mark.parametrize("damage", ["truncated", "overwritten", "deleted", "log", "behind", "tables"])
def test_whatever_is_wrong_with_the_file_it_is_built_again(tmp_path: Path, damage: str) -> None:
    sink, lookup = sink_at(tmp_path), TableLookup(str(tmp_path))
    sink.commit([judged(number) for number in range(200)], {})
    lookup.catch_up()
    lookup.close()
    (file,) = (tmp_path / "lookup").rglob("known-*.sqlite")
    log = tmp_path / "verdicts" / "_delta_log"
    if damage == "truncated":
        os.truncate(file, 5000)
    elif damage == "overwritten":
        file.write_bytes(b"not a database" * 1000)
    elif damage == "deleted":
        file.unlink()
    elif damage == "log":
        for _ in range(3):
            sink.commit([judged(200)], {})
        DeltaTable(str(log.parent)).create_checkpoint()
        (log / f"{2:020d}.json").unlink()
    elif damage == "behind":
        store = KnownStore(str(file))
        with store.step(99):
            store.put({b"x" * 16: Value(b"x" * 16, "run", "gone", 0, 0, 0)})
        store.close()
    else:
        file.unlink()
        with sqlite3.connect(file) as sql:
            sql.execute("create table m (something)")
        sql.close()
    sink.commit([judged(300)], {})
    lookup = TableLookup(str(tmp_path))
    lookup.catch_up()
    assert lookup.find([key(n) for n in range(400)]) == truth(tmp_path)
    assert len(lookup.find([key(n) for n in range(200)])) == 200
    lookup.close()


def test_a_table_that_went_back_and_on_again_is_noticed(tmp_path: Path) -> None:
    sink, lookup = sink_at(tmp_path), TableLookup(str(tmp_path))
    sink.commit([judged(1)], {})
    shutil.copytree(tmp_path / "verdicts", tmp_path / "before")
    sink.commit([judged(2)], {})
    lookup.catch_up()
    lookup.close()
    shutil.rmtree(tmp_path / "verdicts")
    (tmp_path / "before").rename(tmp_path / "verdicts")
    sink_at(tmp_path).commit([judged(3)], {})
    lookup = TableLookup(str(tmp_path))
    assert lookup.find([key(n) for n in range(400)]) == truth(tmp_path)
    assert lookup.find([key(1), key(2), key(3)]).keys() == {key(1), key(3)}
    lookup.close()


def test_the_file_of_another_table_is_not_believed(tmp_path: Path) -> None:
    files: list[Path] = []
    for name, number in (("one", 1), ("other", 2)):
        sink_at(tmp_path / name).commit([judged(number)], {})
        lookup = TableLookup(str(tmp_path / name))
        lookup.catch_up()
        lookup.tidy()
        lookup.close()
        files += (tmp_path / name / "lookup").rglob("known-*.sqlite")
    shutil.copy(files[1], files[0])
    lookup = TableLookup(str(tmp_path / "one"))
    assert lookup.find([key(1), key(2)]).keys() == {key(1)}
    lookup.close()


def test_one_brings_it_up_to_date_and_all_see_it(tmp_path: Path) -> None:
    sink, one, other = sink_at(tmp_path), TableLookup(str(tmp_path)), TableLookup(str(tmp_path))
    sink.commit([judged(1)], {})
    one.catch_up()
    assert other.find([key(1)]).keys() == {key(1)}
    with one._by_ourselves():
        sink.commit([judged(2)], {})
        other._looked = float("-inf")
        assert other.find([key(1), key(2)]).keys() == {key(1)}, "it waits for nobody"
    assert one.rebuild() == 2
    assert other.find([key(1), key(2)]).keys() == {key(1), key(2)}, "it takes the new file in use"
    one.close()
    other.close()


def follow(path: str, started: multiprocessing.Queue[int]) -> None:
    lookup = TableLookup(path)
    started.put(os.getpid())
    while True:
        lookup.catch_up()


def test_a_process_that_is_killed_while_it_follows_leaves_no_harm(tmp_path: Path) -> None:
    sink, chance = sink_at(tmp_path), random.Random(1)
    context = multiprocessing.get_context("spawn")
    started: multiprocessing.Queue[int] = context.Queue()
    for number in range(6):
        process = context.Process(target=follow, args=(str(tmp_path), started), daemon=True)
        process.start()
        started.get(timeout=60)
        for each in range(10):
            sink.commit([judged(number * 50 + each * 5 + n) for n in range(5)], {})
            time.sleep(chance.uniform(0, 0.02))
        assert process.pid is not None
        os.kill(process.pid, signal.SIGKILL)
        process.join()
    lookup = TableLookup(str(tmp_path))
    lookup.catch_up()
    assert len(lookup.find([key(n) for n in range(300)])) == 300
    assert lookup.find([key(n) for n in range(400)]) == truth(tmp_path)
    lookup.close()


@pytest.mark.parametrize("poison", ["block", "swapped", "lost"])
def test_what_was_tampered_with_is_never_believed(tmp_path: Path, poison: str) -> None:
    sink, lookup = sink_at(tmp_path), TableLookup(str(tmp_path))
    sink.commit([judged(number) for number in range(200)], {})
    lookup.catch_up()
    (file,) = (tmp_path / "lookup").rglob("known-*.sqlite")
    with sqlite3.connect(file) as sql:
        if poison == "block":
            (value,) = sql.execute("select v from b where id = 2").fetchone()
            middle = len(value) // 2
            sql.execute(
                "update b set v = ? where id = 2", (value[:middle] + bytes([value[middle] ^ 1]) + value[middle + 1 :],)
            )
        elif poison == "swapped":
            sql.execute("update k set slot = case slot when 64 then 65 when 65 then 64 else slot end")
        else:
            sql.execute("delete from b where id = 2")
    sql.close()
    assert lookup.find([key(n) for n in range(400)]) == truth(tmp_path)
    assert len(lookup.find([key(n) for n in range(200)])) == 200
    lookup.close()


def test_what_is_too_old_is_not_made_younger(tmp_path: Path) -> None:
    sink, lookup = sink_at(tmp_path), TableLookup(str(tmp_path), timedelta(days=30))
    sink.commit([judged(1, ago=timedelta(days=40))], {})
    lookup.catch_up()
    (file,) = (tmp_path / "lookup").rglob("known-*.sqlite")
    with sqlite3.connect(file) as sql:
        sql.execute("update k set judged = judged + ?", (timedelta(days=40) // timedelta(microseconds=1),))
    sql.close()
    assert lookup.find([key(1)]) == {}
    lookup.close()


def test_a_key_is_claimed_by_one_and_free_again_when_it_is_settled_or_its_owner_is_gone(tmp_path: Path) -> None:
    sink, one, other = sink_at(tmp_path), TableLookup(str(tmp_path)), TableLookup(str(tmp_path))
    keys = [key(number) for number in range(5)]
    assert one.claim(keys[:3]) == set(keys[:3])
    assert one.claim(keys[:3]) == set(keys[:3]), "they are its own"
    assert other.claim(keys) == set(keys[3:])
    sink.commit([judged(0)], {})
    one.release([keys[0]])
    assert other.claim(keys) == {keys[0], *keys[3:]}
    assert other.find(keys).keys() == {keys[0]}, "what was released is known at that moment"
    one.close()
    assert other.claim(keys) == set(keys)
    other.close()


def test_claims_that_are_damaged_are_thrown_away(tmp_path: Path) -> None:
    sink, lookup = sink_at(tmp_path), TableLookup(str(tmp_path))
    assert lookup.claim([key(1)]) == {key(1)}
    lookup.close()
    (file,) = (tmp_path / "lookup").rglob("claims.sqlite")
    file.write_bytes(b"not a database" * 1000)
    lookup, other = TableLookup(str(tmp_path)), TableLookup(str(tmp_path))
    assert lookup.claim([key(1)]) == {key(1)}
    assert other.claim([key(1), key(2)]) == {key(2)}
    sink.commit([judged(1)], {})
    lookup.release([key(1)])
    assert other.claim([key(1)]) == {key(1)}
    lookup.close()
    other.close()


def test_a_full_disk_is_called_by_its_name(tmp_path: Path) -> None:
    sink, lookup = sink_at(tmp_path), TableLookup(str(tmp_path))
    sink.commit([judged(0)], {})
    assert lookup.find([key(0)])
    assert lookup._store is not None
    lookup._store._sql.execute("pragma max_page_count = 1")  # no more than there are
    sink.commit([judged(number, rationale=key(number)) for number in range(1000)], {})
    with pytest.raises(FatalError, match="the disk is full; free some space"):
        lookup.catch_up()
    lookup.close()
