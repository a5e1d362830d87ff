"""The event log: append, read in order, never change."""
