"""Whole histories at once: loaded, decided on every core, written by the thousand."""
