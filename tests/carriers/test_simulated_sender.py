"""The simulated carrier passes the contract."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import pytest

from gateway.carriers.base import Carrier
from gateway.carriers.simulated.sender import NetworkManners, SimulatedCarrier
from tests.carriers.contract import CarrierContract, Opened, Peer


class _Peer:
    def __init__(self, carrier: SimulatedCarrier) -> None:
        self.carrier = carrier

    def accepted(self) -> list[tuple[str, str]]:
        return [(one.text.number, one.text.body) for one in self.carrier.taken]

    def answer_is_lost(self) -> None:
        self.carrier.manners = NetworkManners(lost_answers=1.0)

    def goes_down(self) -> None:
        self.carrier.down = True

    def throttles(self) -> None:
        self.carrier.manners = NetworkManners(throttles=True)

    def refuses(self, number: str) -> None:
        self.carrier.manners = NetworkManners(codes=((number, 21614),))


@asynccontextmanager
async def _opened() -> AsyncIterator[tuple[Carrier, Peer]]:
    carrier = SimulatedCarrier()
    await carrier.open()
    yield carrier, _Peer(carrier)
    await carrier.close()


class TestContract(CarrierContract):
    @pytest.fixture
    def opened(self) -> Callable[[], Opened]:
        return _opened
