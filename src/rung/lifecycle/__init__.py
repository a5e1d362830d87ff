"""The one door into history, and where everybody stands by it."""
