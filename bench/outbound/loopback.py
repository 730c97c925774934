"""A stand-in for Twilio's Messages resource that costs next to nothing: every POST is accepted with a new SID.

Run as `python -m bench.outbound.loopback`; prints its port.
"""

import asyncio
import json

_BODY = {
    "account_sid": "AC" + "1" * 32, "api_version": "2010-04-01", "body": "x", "date_created": None, "date_sent": None,
    "date_updated": None, "direction": "outbound-api", "error_code": None, "error_message": None, "from": "80022",
    "messaging_service_sid": None, "num_media": "0", "num_segments": "1", "price": None, "price_unit": "USD",
    "sid": "@@", "status": "queued", "subresource_uris": {}, "to": "+923000000000", "uri": "/",
}  # fmt: skip
_HEAD, _TAIL = json.dumps(_BODY).encode().split(b"@@")
_LENGTH = len(_HEAD) + len(_TAIL) + 34
_ANSWER = b"HTTP/1.1 201 Created\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n" % _LENGTH + _HEAD


class Messages(asyncio.Protocol):
    """One connection: requests are cut at Content-Length and answered in order."""

    taken = 0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport, self._rest = transport, b""

    def data_received(self, data: bytes) -> None:
        self._rest += data
        while (end := self._rest.find(b"\r\n\r\n")) >= 0:
            head = self._rest[:end].lower()
            at = head.find(b"content-length:")
            length = int(head[at + 15 :].split(b"\r\n", 1)[0]) if at >= 0 else 0
            if len(self._rest) < end + 4 + length:
                return
            self._rest = self._rest[end + 4 + length :]
            Messages.taken += 1
            self._transport.write(b"%bSM%032x%b" % (_ANSWER, Messages.taken, _TAIL))


async def main() -> None:
    server = await asyncio.get_running_loop().create_server(Messages, "127.0.0.1", 0, backlog=1024)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(main())
