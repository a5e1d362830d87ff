"""A collector without a network: requests in, answers and inbox rows out."""

import asyncio
import gzip
import json
from base64 import b64encode
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from rung.access.keys import hash_of_key
from rung.capture.collector.asgi import Collector
from rung.capture.collector.inbox import Inbox, Item
from rung.capture.collector.keyring import KeyRing
from rung.capture.collector.submission import Key

SITE: Final = "rung_pub_of_the_site"
SERVER: Final = "rung_sec_of_the_server"
KEYS: Final = {
    hash_of_key(SITE): Key("key:site", "publishable"),
    hash_of_key(SERVER): Key("key:server", "secret"),
}


@dataclass(frozen=True)
class Answer:
    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def said(self) -> Any:
        return json.loads(self.body)


def basic(key: str) -> dict[str, str]:
    return {"authorization": "Basic " + b64encode(f"{key}:".encode()).decode()}


class Asking:
    """One collector and its inbox; `post` and `get` ask it, `items` says what is on the disk."""

    def __init__(self, path: Path, **how: Any) -> None:
        self.path = path
        self.how = how
        self.how.setdefault("keys", lambda: KEYS)

    def collector(self) -> Collector:
        how = {**self.how, "keys": KeyRing(self.how["keys"])}
        return Collector(self.path, public_url="https://rung.acme.example", **how)

    def post(self, path: str, told: Any, *, key: str | None = SERVER, zipped: bool = False, **headers: str) -> Answer:
        body = told if isinstance(told, bytes) else json.dumps(told).encode()
        more = {**(basic(key) if key else {}), **({"content-encoding": "gzip"} if zipped else {}), **headers}
        return self.ask("POST", path, gzip.compress(body) if zipped else body, more)

    def get(self, path: str, **headers: str) -> Answer:
        return self.ask("GET", path, b"", headers)

    def ask(self, method: str, path: str, body: bytes = b"", headers: dict[str, str] = {}) -> Answer:  # noqa: B006
        return self.ask_all([(method, path, body, headers)])[0]

    def ask_all(self, requests: list[tuple[str, str, bytes, dict[str, str]]]) -> list[Answer]:
        """All at once, of one collector, which is closed in the end."""

        async def run() -> list[Answer]:
            collector = self.collector()
            try:
                return await asyncio.gather(*(_asked(collector, *request) for request in requests))
            finally:
                await collector.close()

        return asyncio.run(run())

    def items(self) -> list[Item]:
        inbox = Inbox(self.path)
        try:
            return [numbered.item for numbered in inbox.after(0, 100_000)]
        finally:
            inbox.close()


async def _asked(collector: Collector, method: str, path: str, body: bytes, headers: dict[str, str]) -> Answer:
    address, _, query = path.partition("?")
    scope = {
        "type": "http",
        "method": method,
        "path": address,
        "query_string": query.encode(),
        "headers": [(name.replace("_", "-").encode(), value.encode("latin-1")) for name, value in headers.items()],
    }
    sent: list[dict[str, Any]] = []

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": body, "more_body": False}

    async def send(message: dict[str, Any]) -> None:
        sent.append(message)

    await collector(scope, receive, send)
    told = {name.decode(): value.decode("latin-1") for name, value in sent[0]["headers"]}
    return Answer(sent[0]["status"], told, b"".join(message.get("body", b"") for message in sent[1:]))
