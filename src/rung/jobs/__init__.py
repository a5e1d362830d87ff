"""The only place that runs things later: outbox, leases, schedules."""
