"""Facts become standings: one kernel, run as plain Python for one person and compiled for whole histories."""
