"""The garbage collector, told what long-running roles are like."""

import gc

COLLECTED_OBJECTS = 50_000
"""More of them than went away, and the collector looks. Answers and extractions are thousands of
objects each, of which hardly any refer to each other in a circle: with Python's own 700, looking
for those took a tenth of a crawler's and of a worker's time.
"""


def relax() -> None:
    """Look less often, and never again at what a process has loaded so far."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(COLLECTED_OBJECTS)
