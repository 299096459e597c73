"""Several Kafka sources in one group, and a broker that goes away and comes back."""

from __future__ import annotations

import time

import pytest
from kafka import TopicPartition

from assay.contracts import NewsKind
from tests.kafka.broker import Topics
from tests.kafka.conftest import MakeBroker
from tests.kafka.workshop import Driver, config_of, record, source_of, together


def test_one_that_joins_takes_some_partitions_and_the_others_are_never_revoked(kafka: Topics, topic_name: str) -> None:
    kafka.create_topic(topic_name, 6)
    kafka.produce(topic_name, [record(p, n) for n in range(100) for p in range(6)])
    config = config_of(kafka, topic_name)
    first, second = Driver(source_of(config)), Driver(source_of(config))
    first.at(**{f"p{p}": 100 for p in range(6)})
    together([first, second], lambda: len(second.owned) == 3 and len(first.owned) == 3)
    assert len(first.revoked) == 3
    assert first.owned.keys() | second.owned.keys() == {str(p) for p in range(6)}
    kafka.produce(topic_name, [record(p, n) for n in range(100, 110) for p in range(6)])
    together([first, second], lambda: (first.reached | second.reached) == {str(p): 110 for p in range(6)})
    for shard in first.owned:
        assert first.offsets(int(shard)) == list(range(110))
    assert sorted(first.assigned) == [str(p) for p in range(6)]
    second.source.close()
    first.until(lambda me: len(me.owned) == 6)
    assert len(first.revoked) == 3
    first.source.close()


def test_one_that_starts_again_takes_the_place_of_its_former_self_at_once(kafka: Topics, topic_name: str) -> None:
    kafka.create_topic(topic_name, 4)
    config = config_of(kafka, topic_name, session_seconds=120)
    former, other = Driver(source_of(config, client_id="one")), Driver(source_of(config, client_id="two"))
    together([former, other], lambda: len(former.owned) == len(other.owned) == 2)
    again = Driver(source_of(config, client_id="one"))  # of the former self nothing but the heartbeats is left
    together([again, other], lambda: len(again.owned) == len(other.owned) == 2)
    assert again.owned.keys() | other.owned.keys() == {"0", "1", "2", "3"}
    for driver in (again, other, former):
        driver.source.close()


def test_a_member_that_was_thrown_out_claims_nothing_that_it_had(kafka: Topics, topic_name: str) -> None:
    kafka.create_topic(topic_name, 2)
    config = config_of(kafka, topic_name)
    former = Driver(source_of(config, client_id="one")).until(lambda me: len(me.owned) == 2)
    again = Driver(source_of(config, client_id="one")).until(lambda me: len(me.owned) == 2)
    former.until(lambda me: not me.owned)
    client = former.source._client
    assert client is not None
    [(_, told)] = client._coordinator.group_protocols()
    assert told.owned_partitions == []
    together([former, again], lambda: len(former.owned) == len(again.owned) == 1)
    assert former.owned.keys() | again.owned.keys() == {"0", "1"}
    for driver in (former, again):
        driver.source.close()


def test_what_was_read_before_a_rebalance_is_dropped(kafka: Topics, topic_name: str) -> None:
    kafka.create_topic(topic_name)
    kafka.produce(topic_name, [record(0, n) for n in range(50)])
    driver = Driver(source_of(config_of(kafka, topic_name))).until(lambda me: me.arrivals, room=5)
    listener, partition = driver.source._listener, TopicPartition(topic_name, 0)
    assert listener is not None
    listener.on_partitions_revoked([partition])
    polled = driver.poll(room=5)
    assert [shard.id for shard in polled.revoked] == ["0"]
    assert not polled.arrivals
    assert not polled.reached
    listener.on_partitions_assigned([partition])
    driver.positions = {0: 2}
    driver.arrivals.clear()
    assert driver.at(p0=50).offsets() == list(range(2, 50))
    driver.source.close()


def test_a_rebalance_that_ends_while_nobody_polls_is_taken_in(kafka: Topics, topic_name: str) -> None:
    kafka.create_topic(topic_name, 2)
    driver = Driver(source_of(config_of(kafka, topic_name)))
    for _ in range(12):
        driver.poll(timeout=0)
        time.sleep(0.3)
    assert sorted(driver.owned) == ["0", "1"]
    driver.source.close()


@pytest.mark.slow
def test_members_that_come_and_go_leave_no_partition_without_a_reader(kafka: Topics, topic_name: str) -> None:
    kafka.create_topic(topic_name, 6)
    config, everything = config_of(kafka, topic_name), [str(p) for p in range(6)]
    drivers = [Driver(source_of(config)) for _ in range(3)]
    for cycle in range(8):
        together(drivers, lambda: sorted(shard for one in drivers for shard in one.owned) == everything)
        passing = Driver(source_of(config))
        for _ in range(cycle % 4):
            passing.poll(timeout=0.02)
        for leaving in (passing, drivers.pop(0)):
            begun = time.monotonic()
            leaving.source.close()
            assert time.monotonic() - begun < 6
        drivers.append(Driver(source_of(config)))
    for driver in drivers:
        driver.source.close()


def test_a_client_that_reads_nothing_joins_the_group_anew(kafka: Topics, topic_name: str) -> None:
    kafka.create_topic(topic_name, 2)
    kafka.produce(topic_name, [record(p, n) for n in range(10) for p in range(2)])
    driver = Driver(source_of(config_of(kafka, topic_name, watchdog_seconds=1)), {1: 10})
    driver.at(p0=10, p1=10)
    client = driver.source._client
    assert client is not None
    client.pause(*client.assignment())
    time.sleep(1.5)
    for _ in range(10):
        driver.poll()
    assert not driver.news
    kafka.produce(topic_name, [record(0, n) for n in range(10, 15)])
    driver.until(lambda me: me.news)
    assert [news.kind for news in driver.news] == [NewsKind.RESUBSCRIBED]
    assert sorted(driver.revoked) == ["0", "1"]
    driver.positions = {0: 10, 1: 10}
    driver.at(p0=15, p1=10)
    assert driver.offsets() == list(range(15))
    driver.source.close()


@pytest.mark.slow
def test_a_broker_that_is_killed_is_waited_for(make_broker: MakeBroker, topic_name: str) -> None:
    broker = make_broker()
    broker.create_topic(topic_name, 2)
    broker.produce(topic_name, [record(p, n) for n in range(50) for p in range(2)])
    driver = Driver(source_of(config_of(broker, topic_name)))
    driver.at(p0=50, p1=50)
    broker.kill()
    driver.until(lambda me: me.news)
    for _ in range(20):
        driver.poll()
    assert [news.kind for news in driver.news] == [NewsKind.AWAY]
    broker.start()
    driver.until(lambda me: len(me.news) == 2)
    assert driver.news[1].kind is NewsKind.BACK
    driver.positions = {0: 50, 1: 50}
    broker.produce(topic_name, [record(p, n) for n in range(50, 60) for p in range(2)])
    driver.at(p0=60, p1=60)
    assert driver.offsets(0) == driver.offsets(1) == list(range(60))
    assert len(driver.news) == 2
    driver.source.close()


@pytest.mark.slow
def test_a_source_that_is_opened_while_the_broker_is_away_waits_too(make_broker: MakeBroker, topic_name: str) -> None:
    broker = make_broker()
    broker.create_topic(topic_name)
    config = config_of(broker, topic_name)
    broker.kill()
    driver = Driver(source_of(config))
    driver.until(lambda me: me.news)
    assert driver.news[0].kind is NewsKind.AWAY
    broker.start()
    driver.at(p0=0)
    driver.source.close()


@pytest.mark.slow
def test_close_ends_within_seconds_whatever_the_broker_does(make_broker: MakeBroker, topic_name: str) -> None:
    broker = make_broker()
    broker.create_topic(topic_name)
    broker.produce(topic_name, [record(0, n) for n in range(5)])
    frozen, dead = (Driver(source_of(config_of(broker, topic_name, group=name))).at(p0=5) for name in "ab")
    for driver in (frozen, dead):
        driver.source.acknowledge({driver.owned["0"]: 5})
    broker.freeze()
    begun = time.monotonic()
    frozen.source.close()
    broker.thaw()
    broker.kill()
    dead.source.close()
    assert time.monotonic() - begun < 10
