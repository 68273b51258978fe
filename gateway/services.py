"""What the handlers of a gateway share; composed by :mod:`gateway.app`."""

from __future__ import annotations

import time
from dataclasses import dataclass

from broker.settings import BrokerSettings
from gateway.commandlog import CommandLog
from gateway.describe import job_document
from gateway.jobview import JobView
from gateway.probe import Probe
from gateway.reading import Reading
from gateway.settings import GatewaySettings
from schemas.answers import Job
from schemas.jobs import JobState
from schemas.requests import Offer


@dataclass(slots=True)
class Services:
    """``reading`` holds what the routes that read logs need, the view among it."""

    broker: BrokerSettings
    settings: GatewaySettings
    offer: Offer
    view: JobView
    commands: CommandLog
    reading: Reading
    probe: Probe

    def document(self, state: JobState) -> Job:
        """The job as the API shows it now."""
        return job_document(state, now_ms(), self.view.table.queue_position(state))


def now_ms() -> int:
    return int(time.time() * 1000)


def job_url(job_id: str) -> str:
    return f"/api/trace/job/{job_id}"
