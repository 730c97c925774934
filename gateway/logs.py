"""Logs: what happened, never who. No number, name, text, signature or token may reach a line.

Callers log ids and counts. As a second wall, every string value is searched for numbers, and those are masked; lines
of other libraries pass the same wall.
"""

import logging
import sys
from collections.abc import MutableMapping
from typing import Any

import structlog

from gateway.rules.phone_numbers import mask_all
from gateway.settings import Settings

_QUIET = ("twilio.http_client", "uvicorn.access", "apscheduler", "aiohttp.access", "alembic")


def _mask(_logger: object, _method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    return {
        key: mask_all(value) if isinstance(value, str) and key != "timestamp" else value for key, value in event.items()
    }


def set_up_logs(settings: Settings) -> None:
    """Send every line, ours and the libraries', through one chain to standard error."""
    shared: list[Any] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.format_exc_info,
    ]
    last = (
        structlog.processors.JSONRenderer()
        if settings.log_format == "json"
        else structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty())
    )
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=False,
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, _mask, last],
        )
    )
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(settings.log_level.upper())
    for name in ("uvicorn", "uvicorn.error", "uvicorn.access"):
        logging.getLogger(name).handlers.clear()
        logging.getLogger(name).propagate = True
    for name in _QUIET:  # they log addresses with phone numbers in them
        logging.getLogger(name).setLevel(logging.WARNING)
