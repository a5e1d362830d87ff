"""Streams events with Segment's unmodified Python client, 5 % of them twice; prints the client's own ledger."""

import json
import random
import sys
import time

import segment.analytics as analytics


def main() -> None:
    key, host, events, seed = sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4])
    seconds, began = float(sys.argv[5]), time.monotonic()
    dice = random.Random(seed)
    given_up: set[str] = set()

    def failed(fault: Exception, batch: list[dict[str, object]]) -> None:
        given_up.update(str(message["messageId"]) for message in batch)

    client = analytics.Client(key, host=host, on_error=failed, max_queue_size=100_000, max_retries=1_000, timeout=15)
    told = []
    for number in range(events):
        message_id = f"event-{seed}-{number:07d}"
        told.append(message_id)
        while time.monotonic() - began < seconds * number / events:
            time.sleep(0.01)
        for _ in range(2 if dice.random() < 0.05 else 1):
            while client.queue.qsize() > 2_000:
                time.sleep(0.02)  # the client's own queue drops what does not fit
            client.track(f"user-{number % 997}", "Product Used", {"number": number}, message_id=message_id)
    client.flush()
    client.join()
    print(json.dumps({"acknowledged": [each for each in told if each not in given_up], "given_up": sorted(given_up)}))


main()
