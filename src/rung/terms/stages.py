"""The seven rungs, the four statuses and the three bands. Codes never change; labels are playbook data."""

from typing import Final

STAGES: Final = ("suspect", "lead", "mql", "sal", "prospect", "opportunity", "customer")
"""Rung codes from the lowest to the highest; the index is the rung's rank."""

RANK: Final = {code: rank for rank, code in enumerate(STAGES)}

STATUSES: Final = ("active", "lost", "nurture", "disqualified")
"""Status codes from the best to the worst; the index is the status's rank."""

STATUS_RANK: Final = {code: rank for rank, code in enumerate(STATUSES)}

BANDS: Final = {
    "TOFU": ("suspect", "lead", "mql"),
    "MOFU": ("sal", "prospect"),
    "BOFU": ("opportunity",),
}

LABELS: Final = {
    "suspect": "Potential lead",
    "lead": "Lead",
    "mql": "Marketing qualified lead",
    "sal": "Sales accepted lead",
    "prospect": "Prospect",
    "opportunity": "Opportunity",
    "customer": "Customer",
    "active": "Active",
    "lost": "Lost",
    "nurture": "Nurture",
    "disqualified": "Disqualified",
}
"""What a stage or status is called where the playbook's `words:` says nothing."""

SHORT_LABELS: Final = {**LABELS, "mql": "MQL", "sal": "SAL"}
"""Labels for columns and marks, where the full words do not fit."""

BANT: Final = ("budget", "authority", "need", "timing")
"""The four letters of qualification, in the order they are read out."""
