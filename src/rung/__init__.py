"""Rung keeps every person a company sells to on exactly one rung of the sales ladder."""

__version__ = "0.1.0"
