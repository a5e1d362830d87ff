"""What web pages load from the collector: `rung.js`, and the settings that Segment's own browser client asks for."""

import gzip
import hashlib
from collections.abc import Awaitable, Callable
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

SOURCE = Path(__file__).with_name("rung.js")


@cache
def _file() -> tuple[bytes, bytes, bytes]:
    """The script, the same in gzip, and its tag."""
    text = SOURCE.read_bytes()
    return text, gzip.compress(text, 9, mtime=0), f'"{hashlib.sha256(text).hexdigest()[:20]}"'.encode()


async def give(scope: dict[str, Any], send: Callable[[dict[str, Any]], Awaitable[None]]) -> None:
    """Answers GET /rung.js."""
    plain, zipped, tag = _file()
    asked = dict(scope["headers"])
    headers = [
        (b"content-type", b"text/javascript; charset=utf-8"),
        (b"cache-control", b"public, max-age=3600"),
        (b"etag", tag),
        (b"vary", b"accept-encoding"),
        (b"x-content-type-options", b"nosniff"),
        (b"access-control-allow-origin", b"*"),
        (b"cross-origin-resource-policy", b"cross-origin"),
    ]
    if asked.get(b"if-none-match") == tag:
        await send({"type": "http.response.start", "status": 304, "headers": headers})
        await send({"type": "http.response.body", "body": b""})
        return
    body = plain
    if b"gzip" in asked.get(b"accept-encoding", b""):
        body = zipped
        headers.append((b"content-encoding", b"gzip"))
    headers.append((b"content-length", str(len(body)).encode()))
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": b"" if scope["method"] == "HEAD" else body})


def settings(key: str, public_url: str) -> dict[str, Any]:
    """What analytics-next wants before it sends: where to send to, and nothing else."""
    parts = urlsplit(public_url)
    return {
        "integrations": {
            "Segment.io": {
                "apiKey": key,
                "apiHost": f"{parts.netloc}/v1",
                "protocol": parts.scheme,
                "unbundledIntegrations": [],
                "addBundledMetadata": True,
                "maybeBundledConfigIds": {},
                "versionSettings": {"version": "4.4.7", "componentTypes": ["browser"]},
            }
        },
        "plan": {
            "track": {"__default": {"enabled": True, "integrations": {}}},
            "identify": {"__default": {"enabled": True}},
            "group": {"__default": {"enabled": True}},
        },
        "edgeFunction": {},
        "analyticsNextEnabled": True,
        "middlewareSettings": {},
        "enabledMiddleware": {},
        "metrics": {"sampleRate": 0},
        "legacyVideoPluginsEnabled": False,
        "remotePlugins": [],
    }


def script_tag(key: str, public_url: str) -> str:
    """What a site puts into its pages."""
    return f'<script async src="{public_url}/rung.js" data-key="{key}"></script>'
