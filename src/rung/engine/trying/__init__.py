"""Other definitions on the same history: backtests, numbers turned, lines left out, and how sure a figure is."""
