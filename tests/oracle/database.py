"""What the connections of one server share."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from tests.oracle.data import Data
from tests.oracle.faults import Faults
from tests.oracle.lobs import Lobs
from tests.oracle.password import Verifier
from tests.oracle.release import Release
from tests.oracle.rows import Playback

if TYPE_CHECKING:
    from tests.oracle.session import Session

_PLAYBACK_BYTES = 1 << 30


class Database:
    def __init__(
        self,
        data: Data,
        release: Release,
        *,
        service: str,
        user: str,
        password: str,
        most_sessions: int,
        repeats: bool,
        attention: bool,
    ) -> None:
        self.data = data
        self.release = release
        self.service = service
        self.user = user
        self.verifier = Verifier.of(password)
        self.most_sessions = most_sessions
        self.repeats = repeats
        self.attention = attention
        self.faults = Faults()
        self.lobs = Lobs()
        self.playback = Playback(_PLAYBACK_BYTES)
        self.counts: Counter[str] = Counter()
        self.sessions: dict[int, Session] = {}
        self.failures: list[Exception] = []
