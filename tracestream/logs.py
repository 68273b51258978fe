"""How the processes of the service log: one line an event on standard error, as text or as JSON."""

from __future__ import annotations

import json
import logging
from datetime import UTC, datetime

from tracestream.settings import ProcessSettings, SettingsError

_LEVELS = ("DEBUG", "INFO", "WARNING", "ERROR")
_CHATTY = ("aiokafka", "faust", "mode", "httpx", "httpcore", "asyncio")
"""Libraries whose everyday news is no news to an operator: from WARNING on, unless DEBUG is asked for."""


class JsonFormatter(logging.Formatter):
    """One JSON object a line: time, level, logger, message, and the trace of an exception."""

    def format(self, record: logging.LogRecord) -> str:
        line = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname,
            "logger": record.name,
            "message": record.getMessage(),
        }
        if record.exc_info:
            line["exception"] = self.formatException(record.exc_info)
        return json.dumps(line, ensure_ascii=False)


def configure(settings: ProcessSettings) -> None:
    """Sets up logging for this process. Raises SettingsError for an unknown level."""
    level = settings.log_level.upper()
    if level not in _LEVELS:
        raise SettingsError(
            f"TRACE_LOG_LEVEL has the value {settings.log_level!r}, but must be one of {', '.join(_LEVELS)}."
        )
    handler = logging.StreamHandler()
    plain = logging.Formatter("%(asctime)s %(levelname)-7s %(name)s: %(message)s")
    handler.setFormatter(JsonFormatter() if settings.log_json else plain)
    logging.basicConfig(level=level, handlers=[handler], force=True)
    for name in _CHATTY:
        logging.getLogger(name).setLevel(logging.DEBUG if level == "DEBUG" else logging.WARNING)
