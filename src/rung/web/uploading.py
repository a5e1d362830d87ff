"""Limits before work: who may send a file, to where, and how large, before a byte of it is read."""

from typing import Any, Final

from django.core.exceptions import RequestDataTooBig
from django.core.files.uploadhandler import TemporaryFileUploadHandler

from rung.capture.imports.uploads import MOST_BYTES

_ROOM: Final = 1 << 16
"""Bytes that the form around the file may take."""
TAKES_FILES: Final = ("/imports/new",)


class Bounded(TemporaryFileUploadHandler):
    """Files go to a temporary file, and only from somebody signed in, to an address that takes them."""

    def handle_raw_input(
        self,
        input_data: Any,
        META: Any,  # noqa: N803 - Django passes it by this name
        content_length: int,
        boundary: Any,
        encoding: Any = None,
    ) -> None:
        request = self.request
        user = getattr(request, "user", None)
        is_taken = request is not None and request.path in TAKES_FILES and user is not None and user.may("import")
        if content_length > (MOST_BYTES + _ROOM if is_taken else _ROOM * 40):
            raise RequestDataTooBig(f"The file is larger than {MOST_BYTES >> 20} MB.")
