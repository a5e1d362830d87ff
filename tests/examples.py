"""How many examples a property test looks at: few each time, many with HYPOTHESIS_PROFILE=long."""

import os
from typing import Final

IS_LONG: Final = os.environ.get("HYPOTHESIS_PROFILE") == "long"


def examples(usual: int) -> int:
    """The number of examples: `usual`, forty times as many in the long profile."""
    return usual * 40 if IS_LONG else usual
