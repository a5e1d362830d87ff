"""Segment's Python client, unmodified, says one of everything and a little more; prints what it complained of."""

import json
import sys

import segment.analytics as analytics


def main() -> None:
    key, host, how_many = sys.argv[1], sys.argv[2], int(sys.argv[3])
    faults: list[str] = []
    analytics.write_key, analytics.host = key, host
    analytics.gzip = True
    analytics.on_error = lambda fault, batch: faults.append(f"{fault} ({len(batch)})")
    analytics.identify("u-1", {"email": "ana@acme.example", "name": "Ana Lima", "title": "Head of IT"})
    analytics.alias("cookie-1", "u-1")
    analytics.group("u-1", "acme.example", {"industry": "Software", "employees": 400})
    analytics.page("u-1", "Docs", "Pricing", {"path": "/pricing"})
    analytics.screen("u-1", "App", "Home", {"größe": "ʇɥƃᴉɹ 😀"})
    analytics.track("u-1", "Demo Requested", {"form": "demo"})
    analytics.track("u-1", "Broken", {"x": float("nan")})
    for number in range(how_many):
        analytics.track(f"u-{number % 7}", "Product Used", {"number": number, "text": "naïve"})
    analytics.shutdown()
    print(json.dumps(faults))


main()
