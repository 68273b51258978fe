"""Whether Kafka answers: asked every two seconds, more often while it does not, so that a request need not find out by waiting."""

from __future__ import annotations

import asyncio
import logging

from broker.errors import BrokerError, TopicGone
from broker.fetch import LogReader
from schemas.problems import BrokerUnavailable

log = logging.getLogger(__name__)

_EVERY = 2.0
_EVERY_WHILE_DOWN = 0.25
_PATIENCE = 3.0


class Probe:
    """``up`` is what the last question found; ``trouble`` says what was wrong with it."""

    def __init__(self, reader: LogReader, topic: str) -> None:
        self._reader = reader
        self._topic = topic
        self.up = False
        self.trouble = "not asked yet"

    async def run(self) -> None:
        """Starts the reader and asks until cancelled; changes are logged."""
        started = False
        while True:
            started = started or await self._start()
            if started:
                await self._ask()
            await asyncio.sleep(_EVERY if self.up else _EVERY_WHILE_DOWN)

    async def _start(self) -> bool:
        try:
            await self._reader.start()
        except BrokerError as error:
            self._note(str(error))
            return False
        return True

    async def _ask(self) -> None:
        try:
            async with asyncio.timeout(_PATIENCE):
                await self._reader.offsets(self._topic, 0)
        except TopicGone:
            self._answered()
        except BrokerError as error:
            self._note(str(error))
        except TimeoutError:
            self._note(f"no answer within {_PATIENCE:.0f} s")
        else:
            self._answered()

    def _answered(self) -> None:
        if not self.up:
            log.info("Kafka answers")
        self.up, self.trouble = True, ""

    def _note(self, trouble: str) -> None:
        if self.up or trouble != self.trouble:
            log.warning("Kafka does not answer: %s", trouble)
        self.up, self.trouble = False, trouble

    def check(self) -> None:
        """Raises BrokerUnavailable when Kafka did not answer the last time."""
        if not self.up:
            raise BrokerUnavailable(
                f"Kafka does not answer ({self.trouble.rstrip('.')}). Nothing was done; try again.",
                retry_after=2,
            )
