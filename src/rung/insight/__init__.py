"""What the history says about itself: how people climb, where they stop, what both sides owe."""
