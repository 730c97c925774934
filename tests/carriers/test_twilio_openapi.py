"""What we send is what Twilio's own OpenAPI file allows: Prism reads the file and refuses what does not fit.

Runs where npm is: both come as packages of npm, Twilio's file as part of its own command line. PRISM and TWILIO_OPENAPI
give the paths of others.
Where such a file has no example of a list's answer, Prism makes up a next page that leads nowhere.
"""

import asyncio
import os
import shutil
import socket
import subprocess
import tarfile
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest

from gateway.carriers.base import SendResult, TextToFind, TextToSend
from gateway.rules.carrier_codes import Outcome
from tests.carriers.contract import results
from tests.carriers.npm import npm, npm_install
from tests.carriers.test_twilio_sender import carrier_at

WHAT = "Prism on Twilio's OpenAPI file"


@pytest.fixture(scope="session")
def peers(tmp_path_factory: pytest.TempPathFactory) -> tuple[str, str]:
    """The paths of Prism and of Twilio's file."""
    command, described = os.environ.get("PRISM") or shutil.which("prism"), os.environ.get("TWILIO_OPENAPI")
    folder = tmp_path_factory.mktemp("prism")
    if not command:
        npm_install(WHAT, folder, ["@stoplight/prism-cli@5.14.2"])
        command = str(folder / "node_modules" / ".bin" / "prism")
    if not described:
        npm(WHAT, folder, "pack", "@twilio/cli-core@8.3.2")
        [packed] = folder.glob("twilio-cli-core-*.tgz")
        with tarfile.open(packed) as archive:
            file = archive.extractfile("package/src/services/twilio-api/twilio_api_v2010.json")
            assert file
            (folder / "twilio.json").write_bytes(file.read())
        described = str(folder / "twilio.json")
    return command, described


@pytest.fixture(scope="module")
def prism(peers: tuple[str, str]) -> Iterator[str]:
    """The address of a Prism that serves Twilio's file."""
    command, described = peers
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    # Without --errors: requests are held against the file all the same, but not the answers that Prism makes up itself,
    # whose words do not fit the file's own patterns where it has no example.
    arguments = [command, "mock", "-h", "127.0.0.1", "-p", str(port), described]
    server = subprocess.Popen(arguments, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        for _ in range(600):
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", port)) == 0:
                    break
            assert server.poll() is None, "Prism ended at once: is TWILIO_OPENAPI an OpenAPI file?"
            time.sleep(0.1)
        yield f"http://127.0.0.1:{port}"
    finally:
        server.terminate()
        server.wait()


def sent(url: str, text: TextToSend, **others: object) -> SendResult:
    async def main() -> SendResult:
        carrier = carrier_at(url, timeout_s=30.0, **others)
        await carrier.open()
        [got] = await results(carrier, [text])
        await carrier.close()
        return got

    return asyncio.run(main())


@pytest.mark.parametrize("service", ["", "MG" + "2" * 32])
def test_prism_takes_our_requests(prism: str, service: str) -> None:
    got = sent(prism, TextToSend(7, "+923005550001", "کل جلسہ ہے", validity=timedelta(hours=1)), service=service)
    # Prism makes the SID up from the file's pattern or as a plain word, which is then no SID: both were taken.
    assert got.rule.outcome in (Outcome.ACCEPTED, Outcome.UNCERTAIN)
    assert got.reached


@pytest.mark.parametrize(
    ("service", "validity"), [("XX" + "2" * 32, timedelta(hours=1)), ("MG" + "2" * 31, timedelta(hours=1))]
)
def test_prism_refuses_what_the_file_forbids(prism: str, service: str, validity: timedelta) -> None:
    """Or the tests around this one would prove nothing."""
    got = sent(prism, TextToSend(8, "+923005550001", "words", validity=validity), service=service)
    assert got.rule.outcome not in (Outcome.ACCEPTED, Outcome.UNCERTAIN)


def test_prism_takes_our_look(prism: str) -> None:
    async def main() -> None:
        carrier = carrier_at(prism, timeout_s=30.0)
        await carrier.open()
        try:
            await carrier.look(TextToFind(7, "+923005550001", "words", datetime.now(UTC)))
        finally:
            await carrier.close()

    asyncio.run(main())
