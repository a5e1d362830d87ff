"""What other programs tell us: where it comes in, what it means, who signed it."""
