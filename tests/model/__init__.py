"""Random calls of the library against plain models of what it promises.

How many runs each machine makes is set by the environment variable REACTOR_MODEL_EXAMPLES.
"""

import os
from typing import Final

from hypothesis import HealthCheck, settings

__all__ = ["machine_settings"]

_EXAMPLES: Final = os.environ.get("REACTOR_MODEL_EXAMPLES")


def machine_settings(examples: int, steps: int) -> settings:
    """The same runs each time; a long run is told how many, and draws them anew.

    `examples` is for a run of everything, and a quick one has its share of them.
    """
    return settings(
        max_examples=int(_EXAMPLES or examples * settings().max_examples // 200),
        stateful_step_count=steps,
        derandomize=not _EXAMPLES,
        deadline=None,
        database=None,
        # A run on a slow machine is as good as any.
        suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
    )
