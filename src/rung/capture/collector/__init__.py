"""The collector: Segment's HTTP API and `rung.js`, an inbox of its own, and from there into the history."""
