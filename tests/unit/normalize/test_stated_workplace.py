import pytest
from hypothesis import given
from hypothesis import strategies as st

from openfunnel.normalize.stated_workplace import find_workplace


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("We are a remote-first company.", "remote"),
        ("This role is fully remote within the EU.", "remote"),
        ("This is a remote role.", "remote"),
        ("Location: Remote, anywhere in Europe", "remote"),
        ("You choose between working from home and the office.", "remote"),
        ("We're in-person, with offices in two towns.", "onsite"),
        ("Ability to work from our Leeds office", "onsite"),
        ("We expect bakers to primarily work from their local office.", "onsite"),
        ("This position is based in Leeds, or fully remote.", "remote"),
        ("This is a hybrid role.", "hybrid"),
        ("You spend 3 days a week in the office.", "hybrid"),
        ("three (3) days per week in our office", "hybrid"),
        ("We are in the office at least two days a week.", "hybrid"),
        (
            "We are a remote-first company.\nThis role asks for 2 days per week in our office.",
            "hybrid",
        ),
        ("Modelo híbrido: tres días por semana en la oficina", "hybrid"),
        ("Trabajamos tres días por semana en la oficina.", "hybrid"),
        ("Trabalhamos em modelo híbrido.", "hybrid"),
        ("Regime de trabalho híbrido, dois dias por semana no escritório", "hybrid"),
        ("Un modelo híbrido de nube, diseñado en la oficina.", None),
        ("This role is on-site.", "onsite"),
        ("This is an in-office position.", "onsite"),
        ("We work five days a week in the office.", "onsite"),
        ("This is not a remote role.", None),
        ("Remote work is not possible.", None),
        ("This position cannot be remote.", None),
        ("You support our remote teams and remote sites.", None),
        ("You know hybrid cloud and remote sensing.", None),
        ("On-site gym and lunch in the office.", None),
        ("#LI-Remote", "remote"),
        ("#LI-Berlin_Hybrid", "hybrid"),
        ("#LI_Hybrid", "hybrid"),
        ("#LI-Onsite #LI-AB1", "onsite"),
        ("#LI-AB1", None),
        ("You work out of the Berlin office 2x a week.", "hybrid"),
        ("You are in-office in Berlin or Hamburg at least three days per week.", "hybrid"),
        ("Hybrid: 50% remote work permitted.", "hybrid"),
        ("You spend at least 40% of your time in our office.", "hybrid"),
        ("Everybody is in one of our offices at least 25% of the time.", "hybrid"),
        ("Deux jours ou 3 jours par semaine en télétravail", "hybrid"),
        ("2 Tage pro Woche Homeoffice", "hybrid"),
        ("Full remote work permitted.", "remote"),
        (
            "The role is based in Spain with a work-from-home arrangement.\n"
            "Most of us enjoy a hybrid work model.",
            "remote",
        ),
        (
            "We have a hybrid work model. If the posting says that the position is fully remote, "
            "that counts instead.",
            "hybrid",
        ),
        (
            "This role can be based remotely.\nMost of us enjoy a hybrid work model.",
            "remote",
        ),
        ("This role can be worked remotely from several countries.", "remote"),
        ("Remote or hybrid work options are available.", "remote"),
        ("You have experience in a remote-first environment.", None),
        ("This role is based in Dublin and requires in-office attendance.", "onsite"),
        ("- On-site at our office in Berlin", "onsite"),
        ("Office-only lunch on Thursdays", None),
        ("About 30% travel to customers on-site", None),
        ("", None),
    ],
)
def test_a_text_states_a_workplace_or_none(text: str, expected: str | None) -> None:
    found = find_workplace(text)
    assert (found[0] if found else None) == expected


def test_the_span_stands_where_the_workplace_is_said() -> None:
    text = "Hello\n\nThis is a fully remote role."
    found = find_workplace(text)
    assert found is not None
    assert text[slice(*found[1])] == "This is a fully remote role"


@given(st.text(max_size=300))
def test_no_text_breaks_it(text: str) -> None:
    find_workplace(text)


@pytest.mark.parametrize(
    "unit",
    [
        *("remote ", "role is ", "3 days a week ", "in the office for the ", "hybrid ", "\n"),
        *("word", " ", "1", "(", "50% of the time ", "#LI-", "role is a full-time, onsite "),
        "work-from-home a b in our office ",
    ],
)
def test_two_megabytes_of_anything_are_read(unit: str) -> None:
    find_workplace(unit * (2_000_000 // len(unit)))
