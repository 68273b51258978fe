"""What the embedded broker is told."""

from __future__ import annotations

from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from broker.class_cache import class_cache, class_cache_arguments
from broker.embedded import new_cluster_id
from broker.embedded_properties import Node, render, server_properties
from broker.jars import KAFKA_VERSION, read_lock

DATA = Path("data")
NODES = [Node(1, 20001, 20002), Node(2, 20003, 20004), Node(3, 20005, 20006)]


def test_every_listener_and_voter_is_on_the_loopback_address() -> None:
    for node in NODES:
        found = server_properties(node, NODES, DATA)
        listeners = [*found["listeners"].split(","), *found["advertised.listeners"].split(",")]
        assert all("://127.0.0.1:" in listener for listener in listeners)
        assert found["controller.quorum.voters"] == "1@127.0.0.1:20002,2@127.0.0.1:20004,3@127.0.0.1:20006"


def test_a_single_node_replicates_nothing_and_three_bear_the_loss_of_one() -> None:
    for count, replicas, in_sync in ((1, "1", "1"), (3, "3", "2")):
        found = server_properties(NODES[0], NODES[:count], DATA)
        assert found["offsets.topic.replication.factor"] == replicas
        assert found["transaction.state.log.replication.factor"] == replicas
        assert found["transaction.state.log.min.isr"] == in_sync


def test_no_topic_appears_by_itself_and_offsets_outlive_commands() -> None:
    found = server_properties(NODES[0], NODES[:1], DATA)
    assert found["auto.create.topics.enable"] == "false"
    assert int(found["offsets.retention.minutes"]) > 14 * 24 * 60


@given(
    st.dictionaries(
        st.from_regex(r"[a-z.]{1,20}", fullmatch=True),
        st.from_regex(r"[a-zA-Z0-9:/@,.-]{1,30}", fullmatch=True),
    )
)
def test_properties_are_written_one_a_line(properties: dict[str, str]) -> None:
    lines = render(properties).splitlines()
    assert dict(line.split("=", 1) for line in lines) == properties


def test_the_lock_holds_the_broker_and_client_of_one_version_and_whole_checksums() -> None:
    jars = {jar.name: jar for jar in read_lock()}
    assert jars["kafka_2.13"].version == jars["kafka-clients"].version == KAFKA_VERSION
    assert all(len(bytes.fromhex(jar.sha256)) == 32 and jar.size > 0 for jar in jars.values())


def test_the_jvm_is_told_of_a_class_cache_only_where_there_is_one(tmp_path: Path) -> None:
    assert class_cache_arguments(tmp_path) == []
    class_cache(tmp_path).write_bytes(b"")
    assert f"-XX:AOTCache={class_cache(tmp_path)}" in class_cache_arguments(tmp_path)


def test_a_cluster_id_never_looks_like_an_option() -> None:
    ids = {new_cluster_id() for _ in range(1000)}
    assert len(ids) == 1000
    assert all(len(each) == 22 and each[0] != "-" for each in ids)
