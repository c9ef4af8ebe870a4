"""How many tokens a text takes, without the model's tokenizer: an estimate that learns."""

BYTES_A_TOKEN = 4.0
"""Of English under the tokenizers of today; where every estimate starts."""
LEAST, MOST = 0.6, 3.0
"""By how much a model can bring an estimate down and up: from 6.7 bytes a token to 1.3. What is
further is no count of tokens, or one of those alone that a server had not in its cache."""
SMOOTHING = 0.05
"""Weight of the latest count: some twenty of them make up the estimate."""


class TokenEstimate:
    """Estimates tokens from UTF-8 bytes, calibrated by what a server counts; used by one loop."""

    def __init__(self) -> None:
        self._factor = 1.0

    def __call__(self, text: str) -> int:
        """Return how many tokens `text` takes, about."""
        size = len(text if text.isascii() else text.encode("utf-8", "replace"))
        return round(size / BYTES_A_TOKEN * self._factor)

    def note(self, estimated: int, counted: int) -> None:
        """Take in what the server counted where this estimate said `estimated`.

        Counts that cannot be, such as those of a server that leaves out a prefix it has in its
        cache, move the estimate no further than its bounds.
        """
        if estimated <= 0 or counted <= 0:
            return
        seen = min(max(self._factor * counted / estimated, LEAST), MOST)
        self._factor += SMOOTHING * (seen - self._factor)
