"""Topics as the administrator makes and removes them."""

from __future__ import annotations

import pytest

from broker import clients
from broker.admin import Admin
from broker.errors import Refused, TopicGone, WrongPartitions
from broker.settings import BrokerSettings
from schemas.topics import Names, TopicSpec, job_topic, new_job_id, shared_topics


def spec(settings: BrokerSettings, name: str, **configs: str) -> TopicSpec:
    return TopicSpec(f"{settings.prefix}{name}", 1, 1, configs)


async def test_the_shared_topics_get_their_explicit_settings(
    admin: Admin, broker_settings: BrokerSettings
) -> None:
    names = Names(broker_settings.prefix)
    specs = shared_topics(names, broker_settings.partitions, 1, 1, broker_settings.command_retention)
    assert set(await admin.create_topics(specs)) == {s.name for s in specs}
    for each in specs:
        found = await admin.topic_configs(each.name)
        assert {key: found[key] for key in each.configs} == dict(each.configs)


async def test_creating_an_existing_topic_changes_nothing(
    admin: Admin, broker_settings: BrokerSettings
) -> None:
    first = spec(broker_settings, "a", **{"retention.ms": "1000"})
    assert await admin.create_topics([first]) == [first.name]
    assert await admin.create_topics([spec(broker_settings, "a", **{"retention.ms": "2000"})]) == []
    assert (await admin.topic_configs(first.name))["retention.ms"] == "1000"


@pytest.mark.parametrize("expected", [1, 3])
async def test_a_topic_with_another_number_of_partitions_is_refused_with_both_numbers(
    admin: Admin, broker_settings: BrokerSettings, expected: int
) -> None:
    name = f"{broker_settings.prefix}commands"
    await admin.create_topics([TopicSpec(name, 2, 1)])
    with pytest.raises(
        WrongPartitions, match=f"{name} has 2 partitions and not {expected}: set TRACE_PARTITIONS"
    ):
        await admin.create_topics([TopicSpec(name, expected, 1)])


async def test_a_new_topic_can_be_written_at_once(admin: Admin, broker_settings: BrokerSettings) -> None:
    topic = job_topic(Names(broker_settings.prefix), new_job_id(1, b"0123456789"), 1, 1)
    await admin.create_topics([topic])
    async with clients.producer(broker_settings) as producer:
        placed = await producer.send_and_wait(topic.name, b"first")
    assert placed.offset == 0


async def test_a_deleted_topic_is_gone_and_asking_does_not_bring_it_back(
    admin: Admin, broker_settings: BrokerSettings
) -> None:
    topic = spec(broker_settings, "gone")
    await admin.create_topics([topic])
    assert topic.name in await admin.list_topics()
    assert await admin.delete_topics([topic.name]) == [topic.name]
    assert await admin.delete_topics([topic.name]) == []
    with pytest.raises(TopicGone):
        await admin.topic_configs(topic.name)
    assert topic.name not in await admin.list_topics()


async def test_settings_that_make_no_sense_are_refused_with_the_brokers_words(
    admin: Admin, broker_settings: BrokerSettings
) -> None:
    with pytest.raises(Refused, match=r"retention\.ms"):
        await admin.create_topics([spec(broker_settings, "bad", **{"retention.ms": "soon"})])


async def test_our_broker_creates_no_topics_by_itself(admin: Admin) -> None:
    assert await admin.creates_topics_by_itself() is False
