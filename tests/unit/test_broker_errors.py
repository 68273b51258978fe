"""aiokafka's exceptions become ours, every one of them, ordered by what the caller does about it."""

from __future__ import annotations

import inspect

import pytest
from aiokafka import errors as kafka
from aiokafka.util import get_running_loop

from broker import errors
from broker.errors import (
    ERROR_MAP,
    BrokerError,
    Fenced,
    OffsetOutOfRange,
    Refused,
    Retriable,
    TooLarge,
    TopicGone,
)


def test_every_exception_class_of_aiokafka_is_in_the_map() -> None:
    theirs = {cls for _, cls in inspect.getmembers(kafka, inspect.isclass) if issubclass(cls, Exception)}
    assert theirs == set(ERROR_MAP)


def test_no_class_is_in_two_groups() -> None:
    listed = [cls for group in errors._GROUPS.values() for cls in group]
    assert len(listed) == len(set(listed))


def test_what_aiokafka_retries_is_retriable_here_but_for_a_topic_that_is_gone() -> None:
    retried = {cls for cls in ERROR_MAP if getattr(cls, "retriable", False)}
    assert {ERROR_MAP[cls] for cls in retried - {kafka.UnknownTopicOrPartitionError}} == {Retriable}


@pytest.mark.parametrize(
    ("theirs", "ours"),
    [
        (kafka.KafkaConnectionError("no way"), Retriable),
        (kafka.NotLeaderForPartitionError(), Retriable),
        (TimeoutError(), Retriable),
        (ConnectionResetError(), Retriable),
        (kafka.ProducerFenced(), Fenced),
        (kafka.InvalidProducerEpoch(), Fenced),
        (kafka.KafkaError("InvalidTxnState"), Fenced),
        (kafka.IllegalOperation("not in transaction"), Fenced),
        (kafka.UnknownTopicOrPartitionError(), TopicGone),
        (kafka.MessageSizeTooLargeError(), TooLarge),
        (kafka.OffsetOutOfRangeError({}), OffsetOutOfRange),
        (kafka.TopicAuthorizationFailedError("t"), Refused),
    ],
)
def test_an_exception_is_translated_by_its_class(theirs: Exception, ours: type[BrokerError]) -> None:
    assert type(errors.translate(theirs)) is ours


def test_a_class_that_aiokafka_adds_later_is_translated_by_its_base() -> None:
    class NewlyFenced(kafka.ProducerFenced):  # type: ignore[misc]
        pass

    assert isinstance(errors.translate(NewlyFenced()), Fenced)


def test_the_sentence_names_the_foreign_error_and_the_cause_is_kept() -> None:
    foreign = kafka.InvalidConfigurationError("retention.ms: soon")
    with (
        pytest.raises(Refused, match=r"InvalidConfigurationError: retention\.ms: soon") as caught,
        errors.translated(),
    ):
        raise foreign
    assert caught.value.__cause__ is foreign


def test_ours_and_what_has_nothing_to_do_with_kafka_pass_unchanged() -> None:
    for exc in (TopicGone("t"), ValueError("mine")):
        with pytest.raises(type(exc)) as caught, errors.translated():
            raise exc
        assert caught.value is exc


def test_an_assertion_counts_as_fenced_only_when_aiokafka_made_it() -> None:
    with pytest.raises(AssertionError), errors.translated():
        raise AssertionError("ours")
    with pytest.raises(RuntimeError), errors.translated():
        get_running_loop()


def test_an_error_without_words_says_what_it_is() -> None:
    assert str(TopicGone()) == "The topic does not exist."
