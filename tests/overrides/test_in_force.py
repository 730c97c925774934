"""A change holds in every process within two seconds, and one that does not fit any more is left out, not obeyed."""

import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest
from sqlalchemy import Engine, select

from gateway.database import reading
from gateway.outbox.worker import worker_from
from gateway.overrides import limits, vocabulary, wordings
from gateway.overrides.in_force import Watch, catalogue_of, read_in_force
from gateway.overrides.store import OverrideError, changing, current, put
from gateway.places.store import read_directory
from gateway.reports.triage_words import set_word
from gateway.service import Service
from gateway.settings import Settings
from gateway.tables import ConsentEntry
from keywords import WordChange, load_vocabulary
from tests.gateway.conftest import Texting, a_text

NOW = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)


def within_two_seconds(true: Callable[[], Any]) -> None:
    until = time.monotonic() + 2.0
    while not true():
        assert time.monotonic() < until, "not in force after two seconds"
        time.sleep(0.02)


def add_word(engine: Engine, written: str, command: str, language: str = "en", weak: bool = False) -> None:
    with changing(engine) as connection:
        vocabulary.add_word(
            connection, load_vocabulary(), current(connection), WordChange(written, command, language, weak),
            read_directory(connection), "amna", NOW,
        )  # fmt: skip


def set_reply(engine: Engine, language: str, key: str, text: str | None) -> None:
    with changing(engine) as connection:
        wordings.set_wording(connection, language, key, text, load_vocabulary(), "amna", NOW)


def test_two_processes_see_a_word_and_a_reply_within_two_seconds(engine: Engine, settings: Settings) -> None:
    """Two services stand for two processes: they share nothing but the database."""
    services = [Service(settings), Service(settings)]

    def said(service: Service, words: str) -> str:
        [answer] = service.record([a_text(words, "+923001230001")])
        assert answer
        return answer.body or ""

    for service in services:
        assert "Welcome" not in said(service, "ral jao Sana Lahore")
    add_word(engine, "ral jao", "JOIN")
    set_reply(engine, "en", "joined_again", "Good, we have it: {filed}. STOP ends.")
    set_reply(engine, "en", "joined", "Good, we have you: {filed}. STOP ends.")
    for service in services:
        within_two_seconds(lambda service=service: "Good, we have" in said(service, "ral jao Sana Lahore"))  # type: ignore[misc]
        service.close()


def test_a_process_that_nobody_texts_looks_by_itself(engine: Engine, settings: Settings) -> None:
    service = Service(settings)
    service.watch.start()
    before = service.notifier
    with changing(engine) as connection:
        limits.set_limit(connection, settings, "sending_hours", "10:00-18:00", "amna", NOW)
    within_two_seconds(lambda: service.settings.sending_hours == "10:00-18:00")
    assert service.notifier is not before
    assert service.notifier.hours.opens.hour == 10
    service.close()
    assert not any(one.name == "overrides" for one in threading.enumerate())


def test_a_worker_claims_by_what_is_in_force(engine: Engine, settings: Settings) -> None:
    watch = Watch(engine, settings)
    worker = worker_from(settings, engine, {}, watch.accounts_now)
    assert worker._exchange is not None
    exchange = worker._exchange
    with changing(engine) as connection:
        limits.set_limit(connection, settings, "parts_per_second", "7", "amna", NOW)
    within_two_seconds(lambda: exchange.terms().paces["twilio"].parts_per_second == 7)


def test_what_rooms_say_in_a_transaction_is_in_force_at_once(engine: Engine) -> None:
    with reading(engine) as connection:
        assert catalogue_of(connection).version("seat_freed", "en") == 0
    set_reply(engine, "en", "seat_freed", "Your seat at {point} is given back. To get no more texts, text STOP.")
    with reading(engine) as connection:
        assert catalogue_of(connection).version("seat_freed", "en") == 1
        assert "given back" in catalogue_of(connection).template("seat_freed", "en")


def test_the_ledger_says_which_version_of_a_wording_was_said(engine: Engine, service: Service, text: Texting) -> None:
    text("JOIN Ali Lahore")
    set_reply(engine, "en", "stopped", "You are out. Nothing more comes from us. START brings you back.")
    service.reference.look_again()
    text("STOP")
    with reading(engine) as connection:
        said = connection.execute(select(ConsentEntry.wording).order_by(ConsentEntry.id)).scalars().all()
    assert said == ["joined/en", "stopped/en#1"]


def test_triage_follows_its_words(engine: Engine, service: Service, text: Texting) -> None:
    assert service.reference().sorter.rules.judge("khansi at the canteen").category == "other"
    with changing(engine) as connection:
        set_word(connection, "category.medical", "khansi", 5, "amna", NOW)
    within_two_seconds(lambda: service.reference().sorter.rules.judge("khansi at the canteen").category == "medical")
    with changing(engine) as connection:
        set_word(connection, "category.medical", "khansi", None, "amna", NOW)
    within_two_seconds(lambda: service.reference().sorter.rules.judge("khansi at the canteen").category == "other")


def test_a_broken_triage_word_is_refused(engine: Engine) -> None:
    for label, phrase, weight in (("category.x", "a", 1), ("kind.help", "", 1), ("kind.help", "a", 10)):
        with pytest.raises(OverrideError), changing(engine) as connection:
            set_word(connection, label, phrase, weight, "amna", NOW)


def test_what_does_not_fit_any_more_is_left_out_and_named(engine: Engine, settings: Settings) -> None:
    """Such as after a new version of Jalsa, which has other placeholders or the word for something else."""
    with changing(engine) as connection:
        put(connection, "reply", "en/replies/joined", "Welcome!", "amna", NOW)
        put(connection, "reply", "en/replies/no_such", "Welcome!", "amna", NOW)
        put(connection, "vocabulary", "en/JOIN", {"words": ["stop", "ral jao"]}, "amna", NOW)
        put(connection, "setting", "sending_hours", "nonsense", "amna", NOW)
        put(connection, "triage", "category.medical", {"": 4}, "amna", NOW)
    with reading(engine) as connection:
        held = read_in_force(connection, settings)
    assert set(held.problems) == {
        ("reply", "en/replies/joined"), ("reply", "en/replies/no_such"), ("vocabulary", "en/JOIN"),
        ("setting", "sending_hours"),
    }  # fmt: skip
    assert held.settings.sending_hours == settings.sending_hours
    assert vocabulary.try_text("stop", held.vocabulary, "80022").command == "STOP"
    assert vocabulary.try_text("ral jao Sana Lahore", held.vocabulary, "80022").command == "JOIN"
    Service(settings).record([a_text("JOIN Ali Lahore")])
