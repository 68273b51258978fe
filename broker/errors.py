"""What can go wrong with Kafka, ordered by what the caller does about it.

    BrokerError
    ├── Retriable            wait and call again: unreachable, a time-out, a leader or a coordinator moves
    ├── Fenced               this producer is of no more use: build a new one and read again before deciding anything
    ├── TopicGone            the topic does not exist (any more)
    ├── TooLarge             the record or its batch is over a limit
    ├── OffsetOutOfRange     no record can be read at that offset
    ├── Refused              permanent: credentials, rights, configuration, a request that makes no sense
    │   └── WrongPartitions  a topic that exists has another number of partitions
    └── EmbeddedBrokerError  the embedded broker could not be loaded, started or kept running

Every exception class of aiokafka stands in one of the groups below; a test fails when a new one does not. Outside of
``broker`` and ``joblog`` nobody catches aiokafka's own.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from aiokafka import errors as kafka


class BrokerError(Exception):
    """Kafka trouble."""

    def __init__(self, message: str = "") -> None:
        super().__init__(message or self.__doc__)


class Retriable(BrokerError):
    """Kafka cannot do this now."""


class Fenced(BrokerError):
    """Another producer holds the transactional id, or the transaction ended without this one."""


class TopicGone(BrokerError):
    """The topic does not exist."""


class TooLarge(BrokerError):
    """The record is larger than Kafka takes."""


class OffsetOutOfRange(BrokerError):
    """There is no record at this offset."""


class Refused(BrokerError):
    """Kafka refuses this for good."""


class WrongPartitions(Refused):
    """A topic that exists has another number of partitions."""


class EmbeddedBrokerError(BrokerError):
    """The embedded broker does not run."""


_GROUPS: Mapping[type[BrokerError], tuple[type[Exception], ...]] = {
    Retriable: (
        # The way to a broker
        kafka.NoBrokersAvailable,
        kafka.NodeNotReadyError,
        kafka.KafkaProtocolError,
        kafka.CorrelationIdError,
        kafka.Cancelled,
        kafka.TooManyInFlightRequests,
        kafka.StaleMetadata,
        kafka.MetadataEmptyBrokerList,
        kafka.KafkaUnavailableError,
        kafka.KafkaTimeoutError,
        kafka.KafkaConnectionError,
        kafka.RequestTimedOutError,
        kafka.BrokerNotAvailableError,
        kafka.ListenerNotFound,
        kafka.ConsumerStoppedError,
        # Leadership and replicas
        kafka.LeaderNotAvailableError,
        kafka.NotLeaderForPartitionError,
        kafka.ReplicaNotAvailableError,
        kafka.StaleControllerEpochError,
        kafka.StaleLeaderEpochCodeError,
        kafka.NotEnoughReplicasError,
        kafka.NotEnoughReplicasAfterAppendError,
        kafka.NotControllerError,
        kafka.ReassignmentInProgress,
        # Also what a cluster answers that lacks a broker for the moment
        kafka.InvalidReplicationFactorError,
        # Groups and coordinators: the consumer joins again by itself
        kafka.GroupLoadInProgressError,
        kafka.GroupCoordinatorNotAvailableError,
        kafka.NotCoordinatorForGroupError,
        kafka.IllegalGenerationError,
        kafka.UnknownMemberIdError,
        kafka.MemberIdRequired,
        kafka.RebalanceInProgressError,
        kafka.CommitFailedError,
        kafka.ConcurrentTransactions,
        kafka.TransactionCoordinatorFenced,
        # A broker in trouble
        kafka.UnknownError,
        kafka.CorruptRecordException,
        kafka.KafkaStorageError,
        kafka.LogDirNotFound,
        kafka.QuotaViolationError,
        kafka.OperationNotAttempted,
        kafka.FetchSessionIdNotFound,
        kafka.InvalidFetchSessionEpoch,
    ),
    Fenced: (
        # InvalidTxnState and InvalidProducerIdMapping reach the caller of aiokafka as a bare KafkaError
        kafka.KafkaError,
        kafka.ProducerFenced,
        kafka.InvalidProducerEpoch,
        kafka.InvalidTxnState,
        kafka.InvalidProducerIdMapping,
        kafka.UnknownProducerId,
        kafka.OutOfOrderSequenceNumber,
        kafka.DuplicateSequenceNumber,
        kafka.IllegalStateError,
        kafka.ProducerClosed,
        # What send() of a producer answers whose transaction was taken away
        kafka.IllegalOperation,
    ),
    TopicGone: (kafka.UnknownTopicOrPartitionError,),
    TooLarge: (
        kafka.RecordTooLargeError,
        kafka.MessageSizeTooLargeError,
        kafka.RecordListTooLargeError,
        kafka.OffsetMetadataTooLargeError,
        kafka.InvalidCommitOffsetSizeError,
    ),
    OffsetOutOfRange: (kafka.OffsetOutOfRangeError, kafka.NoOffsetForPartitionError),
    Refused: (
        # Credentials and rights
        kafka.AuthenticationMethodNotSupported,
        kafka.AuthenticationFailedError,
        kafka.TopicAuthorizationFailedError,
        kafka.GroupAuthorizationFailedError,
        kafka.ClusterAuthorizationFailedError,
        kafka.TransactionalIdAuthorizationFailed,
        kafka.UnsupportedSaslMechanismError,
        kafka.IllegalSaslStateError,
        kafka.SaslAuthenticationFailed,
        kafka.SecurityDisabled,
        kafka.InvalidPrincipalType,
        kafka.DelegationTokenAuthDisabled,
        kafka.DelegationTokenNotFound,
        kafka.DelegationTokenOwnerMismatch,
        kafka.DelegationTokenRequestNotAllowed,
        kafka.DelegationTokenAuthorizationFailed,
        kafka.DelegationTokenExpired,
        # Configuration
        kafka.KafkaConfigurationError,
        kafka.InvalidConfigurationError,
        kafka.PolicyViolationError,
        kafka.InvalidPartitionsError,
        kafka.InvalidReplicationAssignmentError,
        kafka.InvalidRequiredAcksError,
        kafka.InvalidSessionTimeoutError,
        kafka.InvalidTransactionTimeout,
        kafka.InconsistentGroupProtocolError,
        # Versions
        kafka.UnrecognizedBrokerVersion,
        kafka.IncompatibleBrokerVersion,
        kafka.UnsupportedVersionError,
        kafka.UnsupportedForMessageFormatError,
        kafka.UnsupportedCodecError,
        # Requests that make no sense
        kafka.BrokerResponseError,
        kafka.NoError,
        kafka.IllegalArgumentError,
        kafka.InvalidRequestError,
        kafka.InvalidFetchRequestError,
        kafka.InvalidTopicError,
        kafka.InvalidGroupIdError,
        kafka.InvalidTimestampError,
        kafka.TopicAlreadyExistsError,
        kafka.NonEmptyGroup,
        kafka.GroupIdNotFound,
    ),
}

ERROR_MAP: Mapping[type[Exception], type[BrokerError]] = {
    foreign: ours for ours, group in _GROUPS.items() for foreign in group
}
"""aiokafka's exception classes and what each becomes."""


def translate(exc: Exception) -> BrokerError | None:
    """Our exception for one that came out of a Kafka call; None when it has nothing to do with Kafka.

    Time-outs and socket errors are :class:`Retriable`. An AssertionError raised inside aiokafka is what a producer
    answers after it was fenced.
    """
    if isinstance(exc, BrokerError):
        return exc
    for base in type(exc).__mro__:
        if base in ERROR_MAP:
            return ERROR_MAP[base](_sentence(exc))
    if isinstance(exc, OSError):
        return Retriable(_sentence(exc))
    if isinstance(exc, AssertionError) and _raised_in_aiokafka(exc):
        return Fenced(_sentence(exc))
    return None


@contextmanager
def translated() -> Iterator[None]:
    """Raises ours for what the calls inside raise; anything that is no Kafka trouble passes through unchanged."""
    try:
        yield
    except Exception as exc:
        ours = translate(exc)
        if ours is None or ours is exc:
            raise
        raise ours from exc


def _sentence(exc: Exception) -> str:
    text = " ".join(str(exc).split())
    name = type(exc).__name__
    return text if name in text else f"{name}: {text}" if text else name


def _raised_in_aiokafka(exc: Exception) -> bool:
    trace = exc.__traceback__
    if trace is None:
        return False
    while trace.tb_next is not None:
        trace = trace.tb_next
    return str(trace.tb_frame.f_globals.get("__name__", "")).startswith("aiokafka.")
