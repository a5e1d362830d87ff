"""Forms: what they ask, how they are made and published, and what becomes of an answer."""
