"""Sources: one file an applicant-tracking system (ATS), one line each here.

Pure functions from an answer's body to postings, and declarations of addresses; no I/O.
"""

from collections.abc import Mapping

from openfunnel.sources import ashby, greenhouse, lever
from openfunnel.sources.source import Source

SOURCES: Mapping[str, Source] = {
    source.name: source
    for source in (
        greenhouse.SOURCE,
        lever.SOURCE,
        ashby.SOURCE,
    )
}
"""Every known source by its name."""
