"""The same migrations on both databases, up, down and up again, with rows in the tables."""

import pytest
from alembic import command
from sqlalchemy import Engine, inspect, select, text

from gateway.database import reading
from gateway.migrate import alembic_config, behind, migrate
from gateway.service import Service
from gateway.tables import Base, Member
from tests.gateway.conftest import Texting


def test_the_tables_are_what_the_code_says(engine: Engine) -> None:
    with engine.connect() as connection:
        command.check(alembic_config(connection))


def test_down_and_up_again_with_rows_in_every_table_that_texts_fill(engine: Engine, text: Texting) -> None:
    text("JOIN Ali Lahore")
    text("REPORT no water at gate 3")
    text("STOP")
    with engine.connect() as connection:
        command.downgrade(alembic_config(connection), "base")
    assert set(inspect(engine).get_table_names()) <= {"alembic_version"}
    migrate(engine, "PK")
    with reading(engine) as connection:
        assert behind(connection) is None
        assert connection.execute(select(Member.sender_id)).all() == []


def test_every_revision_goes_down_one_and_up_one(engine: Engine, service: Service) -> None:
    with engine.connect() as connection:
        config = alembic_config(connection)
        command.downgrade(config, "-1")
        command.upgrade(config, "+1")
        command.check(config)


def test_migrating_twice_adds_nothing(engine: Engine) -> None:
    def counts() -> dict[str, int]:
        with reading(engine) as connection:
            return {
                name: connection.execute(text(f"SELECT count(*) FROM {name}")).scalar_one()
                for name in Base.metadata.tables
            }

    before = counts()
    migrate(engine, "PK")
    assert counts() == before
    assert before["places"] > 100
    assert before["constituencies"] > 800


@pytest.mark.parametrize("region", ["BD", "GB"])
def test_another_country_starts_with_its_own_cities(region: str, tmp_path: object) -> None:
    from gateway.database import make_engine
    from gateway.places.store import read_directory

    engine = make_engine(f"sqlite:///{tmp_path}/other.db")
    migrate(engine, region)
    with reading(engine) as connection:
        directory = read_directory(connection)
    assert directory.place_named("Dhaka" if region == "BD" else "Manchester") is not None
    engine.dispose()
