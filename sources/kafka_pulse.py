"""Whether the broker answers, and whether a consumer that should read does read."""

from __future__ import annotations

import time
from collections.abc import Mapping
from enum import Enum, auto

from kafka import KafkaConsumer, TopicPartition

from assay.config import KafkaConfig
from assay.contracts import News, NewsKind
from assay.errors import TransientError
from sources.kafka_client import translated

_ASK_SECONDS = 3.0
_ANSWER_SECONDS = 1.0
_MISSES = 2


class Pulse(Enum):
    FINE = auto()
    STUCK = auto()


class Watchdog:
    """Asks the broker for end offsets when nothing has come for some seconds; never while records come.

    The broker is away after two questions in a row without an answer. The consumer is stuck if nothing came for
    `watchdog_seconds`, though it was free to read all that time and the broker has records for it.
    """

    def __init__(self, config: KafkaConfig) -> None:
        self._config = config
        self._pause = min(_ASK_SECONDS, config.watchdog_seconds)
        self._asked = self._fed = time.monotonic()
        self._misses = 0
        self.away = False

    def fed(self) -> None:
        """Something came, so all is well."""
        self._fed = self._asked = time.monotonic()

    def held(self) -> None:
        """Nothing can come now, and that is nobody's fault."""
        self._fed = time.monotonic()

    def missed(self) -> list[News]:
        """A question went unanswered: the news of it."""
        self._misses += 1
        self._asked = time.monotonic()
        if self.away or self._misses < _MISSES:
            return []
        self.away = True
        return [News(NewsKind.AWAY, f"{self._config.bootstrap} does not answer; waiting until it does")]

    def look(self, client: KafkaConsumer, positions: Mapping[TopicPartition, int]) -> tuple[Pulse, list[News]]:
        """If it is time for it, asks; `positions` are those from where records may come. Takes a second at most."""
        pause = _ANSWER_SECONDS if self._misses else self._pause
        if time.monotonic() - self._asked < pause:
            return Pulse.FINE, []
        asked = list(positions) or [TopicPartition(self._config.topics[0], 0)]
        try:
            with translated(self._config):
                ends = client.end_offsets(asked, timeout_ms=_ANSWER_SECONDS * 1000)
        except TransientError:
            self.held()
            return Pulse.FINE, self.missed()
        self._asked = time.monotonic()
        news = self._answered()
        late = time.monotonic() - self._fed >= self._config.watchdog_seconds
        behind = any(ends[one] > position for one, position in positions.items())
        if not behind:
            self.held()
        return (Pulse.STUCK if late and behind else Pulse.FINE), news

    def _answered(self) -> list[News]:
        self._misses = 0
        if not self.away:
            return []
        self.away = False
        return [News(NewsKind.BACK, f"{self._config.bootstrap} answers again")]
