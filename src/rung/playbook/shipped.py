"""The playbooks that come with Rung: `playbooks/*.yaml`."""

from pathlib import Path
from typing import Final

FOLDER: Final = Path(__file__).resolve().parents[3] / "playbooks"
DEFAULT: Final = "default"
ARTICLES: Final = ("bant-ladder", "engagement-ladder", "sales-ladder", "scored-leads", "two-admissions")
"""Those that five well-known articles describe."""


def shipped() -> tuple[str, ...]:
    """The names, the default first."""
    names = sorted(path.stem for path in FOLDER.glob("*.yaml"))
    return tuple(sorted(names, key=lambda name: name != DEFAULT))


def read(name: str) -> str:
    """The text of a shipped playbook. Raises KeyError for a name that is none."""
    if name not in shipped():
        raise KeyError(f"There is no shipped playbook {name}: there is {', '.join(shipped())}.")
    return (FOLDER / f"{name}.yaml").read_text(encoding="utf-8")
