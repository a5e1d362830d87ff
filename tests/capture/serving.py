"""A collector at a real address, in a thread, for clients that know nothing of tests."""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import uvicorn

from capture.asking import KEYS
from rung import serving
from rung.capture.collector.asgi import Collector
from rung.capture.collector.keyring import KeyRing


@contextmanager
def served(inbox: Path, **how: Any) -> Iterator[str]:
    """The address of a collector that runs until the block ends; its inbox holds all it took by then."""
    listener = serving.listening("127.0.0.1", 0)
    address = f"http://127.0.0.1:{listener.getsockname()[1]}"
    collector = Collector(inbox, public_url=address, keys=KeyRing(lambda: KEYS), **how)
    server = uvicorn.Server(uvicorn.Config(collector, lifespan="on", log_level="warning"))
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
    thread.start()
    while not server.started and thread.is_alive():
        time.sleep(0.01)
    try:
        yield address
    finally:
        server.should_exit = True
        thread.join()
        listener.close()


@contextmanager
def site(folder: Path) -> Iterator[str]:
    """The address of a site that is somebody else's: it only gives the files of a folder."""

    class Quiet(SimpleHTTPRequestHandler):
        def __init__(self, *given: Any, **named: Any) -> None:
            super().__init__(*given, directory=str(folder), **named)

        def log_message(self, *_: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Quiet)
    thread = threading.Thread(target=server.serve_forever, args=(0.02,))
    thread.start()
    try:
        yield f"http://localhost:{server.server_address[1]}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
