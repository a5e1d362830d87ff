"""Argon2 tuned for a web process: 19 MiB and one lane, so that a login takes tens of milliseconds, not a second."""

from django.contrib.auth.hashers import Argon2PasswordHasher


class Argon2(Argon2PasswordHasher):
    """Argon2id with 19 MiB, two passes, one lane (the first choice of the OWASP password storage sheet)."""

    memory_cost = 19_456
    time_cost = 2
    parallelism = 1
