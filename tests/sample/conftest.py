"""The sample rally in a fresh database."""

from collections.abc import Iterator

import pytest
from sqlalchemy import Engine

from gateway.inbound.reference import Reference
from gateway.sample.loader import load_sample
from gateway.service import Service, utc_now
from tests.gateway.conftest import settings_for


@pytest.fixture
def sample_service(engine: Engine, database_url: str) -> Iterator[Service]:
    load_sample(engine, utc_now())
    made = Service(settings_for(database_url))
    yield made
    made.close()


@pytest.fixture
def reference(sample_service: Service) -> Reference:
    return sample_service.reference()
