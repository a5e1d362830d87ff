"""Which files were brought in, known by what they hold."""

from __future__ import annotations

from django.db import models

from rung.lifecycle.models import Import


class ImportedFile(models.Model):
    """A file of an import; `sha256` tells when the same file comes again."""

    of = models.ForeignKey(Import, on_delete=models.CASCADE, related_name="files")
    name = models.CharField(max_length=254)
    sha256 = models.CharField(max_length=64, db_index=True)

    def __str__(self) -> str:
        return f"{self.name} {self.sha256[:12]}"
