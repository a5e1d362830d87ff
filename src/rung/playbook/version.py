"""The version of a playbook: a hash of what it says, whatever its comments, its order of keys and its signatures.

The canonical text is the JSON of the file's content
- without the top-level keys `signed` and `review_by`, and without comments;
- read by the core schema of YAML 1.2 (dates, durations and `yes` are text), texts in NFC;
- mappings sorted by key (by code point), lists in their order;
- without any white space, in UTF-8, nothing escaped but what JSON must escape;
- a whole number written without point or exponent (50 and 50.0 are the same number), any other with the shortest
  digits that read back to the same double.
The version is the SHA-256 of these bytes in 64 lower-case hex digits.
"""

import hashlib
import json
from typing import Final

UNSIGNED_KEYS: Final = ("signed", "review_by")


def canonical(content: dict[str, object]) -> str:
    """The canonical JSON of a file's content."""
    kept = {key: _normal(value) for key, value in content.items() if key not in UNSIGNED_KEYS}
    return json.dumps(kept, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)


def version_of(content: dict[str, object]) -> str:
    return hashlib.sha256(canonical(content).encode()).hexdigest()


def _normal(value: object) -> object:
    if isinstance(value, dict):
        return {str(key): _normal(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_normal(item) for item in value]
    if isinstance(value, float) and value.is_integer():
        return int(value)
    return value
