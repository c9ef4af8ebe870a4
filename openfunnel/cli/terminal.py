"""What others wrote, made fit to be shown in a terminal."""


def printable(text: str) -> str:
    """Leave out what would make a terminal do more than show it."""
    return "".join(one if one.isprintable() else "\N{REPLACEMENT CHARACTER}" for one in text)
