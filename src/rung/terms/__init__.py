"""The vocabulary: stages, event kinds, instants, durations, values. Imports nothing of Rung."""
