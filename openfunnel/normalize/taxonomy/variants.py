"""Other ways to write a skill: the plural that is more than an `s`, and British spelling.

The taxonomy's files give a phrase once, in American spelling; these rules of English spelling give
the rest. A wrong form (`laboratory` as `labouratory`) does no harm, since nobody writes it.
"""

_BRITISH = (
    ("ization", "isation"),
    ("izing", "ising"),
    ("yzing", "ysing"),
    ("ize ", "ise "),
    ("yze ", "yse "),
    ("modeling", "modelling"),
    ("labeling", "labelling"),
    ("counseling", "counselling"),
    ("behavior", "behaviour"),
    ("labor", "labour"),
    ("center", "centre"),
    ("defense", "defence"),
    ("fulfillment", "fulfilment"),
    ("program ", "programme "),
    ("programs", "programmes"),
    ("catalog ", "catalogue "),
)


def variants(phrase: str) -> set[str]:
    """Return the other spellings of a lower-case phrase; a plural `s` is left to the matcher."""
    forms = {phrase}
    if " " in phrase and phrase.endswith("y") and phrase[-2] not in "aeiou":
        forms.add(phrase.removesuffix("y") + "ies")
    return {spelled for form in forms for spelled in (form, _british(form))} - {phrase}


def _british(phrase: str) -> str:
    for american, british in _BRITISH:
        phrase = phrase.replace(american, british)
    return phrase
