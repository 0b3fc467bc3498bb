"""Lets libraries and servers log as ever, but to nowhere: what reaches a terminal would be measured, too."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager

NAMES = ("crossorigin", "waitress", "asyncio")


@contextmanager
def quiet() -> Iterator[None]:
    """Keep the log away from the terminal."""
    handler = logging.NullHandler()
    loggers = [logging.getLogger(name) for name in NAMES]
    for logger in loggers:
        logger.addHandler(handler)
    try:
        yield
    finally:
        for logger in loggers:
            logger.removeHandler(handler)
