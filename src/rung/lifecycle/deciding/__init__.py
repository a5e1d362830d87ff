"""Deciding, live: whom news reach, what they come to, and how that is stored."""
