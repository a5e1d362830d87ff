"""A past that was not so: merges, voided events, imports taken back; everybody as if it had never been."""
