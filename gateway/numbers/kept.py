"""Answers kept for a moment in each process, so that a hundred viewers cost one query."""

import time
from collections.abc import Callable, Hashable
from threading import Lock
from typing import Any, TypeVar

_T = TypeVar("_T")
_SHARE = 20.0
"""A question that takes long is asked less often: at most a twentieth of the time goes into answering it."""
_MOST = 500


class Kept:
    """One process's answers by question. Whoever comes while a question is being answered waits for that answer."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._answers: dict[Hashable, tuple[float, Any]] = {}
        self._busy: dict[Hashable, Lock] = {}
        self._lock = Lock()

    def get(self, question: Hashable, seconds: float, answer: Callable[[], _T]) -> _T:
        """Return the answer to a question, at most `seconds` old, or older where answering takes long.

        :param question: everything that the answer depends on, the viewer's areas among it
        :raises: what `answer` raises; nothing is kept then
        """
        with self._lock:
            busy = self._busy.setdefault(question, Lock())
        with busy:
            found = self._answers.get(question)
            if found and self._clock() < found[0]:
                kept: _T = found[1]
                return kept
            began = self._clock()
            made = answer()
            took = self._clock() - began
            with self._lock:
                if len(self._answers) >= _MOST:
                    self._forget_old()
                self._answers[question] = (self._clock() + max(seconds, took * _SHARE), made)
            return made

    def _forget_old(self) -> None:
        now = self._clock()
        for question in [one for one, (until, _) in self._answers.items() if until <= now]:
            del self._answers[question]
            self._busy.pop(question, None)
