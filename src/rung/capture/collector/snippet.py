"""What web pages load from the collector: `rung.js`, and the settings that Segment's own browser client asks for."""

import gzip
import hashlib
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
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


@dataclass(frozen=True, slots=True)
class Client:
    """A client of Segment's, and all there is to type so that it sends to us; `then` is what else is to be done."""

    name: str
    code: str
    then: str = ""


def clients(publishable: str, secret: str, public_url: str) -> tuple[Client, ...]:
    """Each unmodified client with our host and a key: the tests run these very words."""
    return (
        Client("Python", _PYTHON.format(key=secret, host=public_url)),
        Client("Node", _NODE.format(key=secret, host=public_url)),
        Client("Browser, from npm", _BROWSER.format(key=publishable, host=public_url)),
        Client("Browser, Segment's snippet", _SNIPPET.format(key=publishable, host=public_url), _AND_THEN),
        Client("Anything else", _CURL.format(key=secret, host=public_url)),
    )


_PYTHON = """\
# pip install segment-analytics-python
import segment.analytics as analytics

analytics.write_key = "{key}"
analytics.host = "{host}"

analytics.identify("u-17", {{"email": "ana@acme.example"}})
analytics.track("u-17", "Demo Requested")
analytics.shutdown()  # a script's last line: sends the rest"""

_NODE = """\
// npm install @segment/analytics-node
import {{ Analytics }} from "@segment/analytics-node"

const analytics = new Analytics({{
  writeKey: "{key}",
  host: "{host}",
}})
const userId = "u-17"
analytics.identify({{ userId, traits: {{ email: "ana@acme.example" }} }})
analytics.track({{ userId, event: "Demo Requested" }})
await analytics.closeAndFlush() // a script's last line"""

_BROWSER = """\
// npm install @segment/analytics-next
import {{ AnalyticsBrowser }} from "@segment/analytics-next"

const analytics = AnalyticsBrowser.load({{
  writeKey: "{key}",
  cdnURL: "{host}",
}})
analytics.page()"""

_SNIPPET = """\
t.src="/segment/standalone.js"
analytics._writeKey="{key}";
analytics._cdn="{host}";
analytics.load("{key}");"""

_AND_THEN = (
    "In the snippet these four take the place of what has the same beginning; _cdn is new and goes before load. "
    "/segment is the folder dist/umd of the npm package @segment/analytics-next, copied to your site."
)

_CURL = """\
curl {host}/v1/track -u {key}: \\
  -H 'content-type: application/json' -d \\
  '{{"userId": "ana@acme.example",
    "event": "Demo Requested"}}'"""
