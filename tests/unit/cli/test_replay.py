"""What `openfunnel replay` takes and shows."""

import pytest
from rich.console import Console
from typer.testing import CliRunner

from openfunnel.cli.app import app
from openfunnel.cli.replay import MOST_SHOWN, render
from openfunnel.extraction.replay_report import CountedChange, ReplayReport


def shown(report: ReplayReport) -> str:
    console = Console(width=100)
    with console.capture() as capture:
        console.print(render(report))
    return capture.get()


def test_changes_are_a_table_of_before_after_and_count() -> None:
    report = ReplayReport(
        changed=12,
        same=3,
        changes=(
            CountedChange(field="technologies", before=None, after="Kafka", postings=2),
            CountedChange(field="seniority", before="mid", after="senior", postings=12),
        ),
        cache_hits=15,
    )

    lines = [line.split() for line in shown(report).splitlines()]

    assert lines[0] == ["field", "before", "after", "postings"]
    assert lines[1] == ["seniority", "mid", "senior", "12"]  # in the order of the fields
    assert lines[2] == ["technologies", "-", "Kafka", "2"]
    assert "15 postings: 3 the same, 12 changed, 0 failed" in shown(report)
    assert "Models: 0 calls, 15 answers known" in shown(report)


def test_rare_changes_are_summed_up() -> None:
    changes = tuple(
        CountedChange(field="skills", before=None, after=f"skill {number}", postings=1)
        for number in range(MOST_SHOWN + 4)
    )

    text = shown(ReplayReport(changed=30, changes=changes, more_changes={"skills": 7}))

    assert f"skill {MOST_SHOWN - 1} " in text
    assert f"skill {MOST_SHOWN} " not in text
    (others,) = (line for line in text.splitlines() if "and other changes" in line)
    assert others.split()[-1] == "11"


def test_words_of_others_do_no_more_than_show() -> None:
    change = CountedChange(field="skills", before="\x1b[2J[red]", after="[/]" * 100, postings=1)

    text = shown(ReplayReport(changed=1, failed=1, changes=(change,), failures={"\x1b[2J[b]": 1}))

    assert "\x1b" not in text
    assert "[red]" in text
    assert "[b]" in text


def test_what_else_became_of_postings_is_told_where_it_happened() -> None:
    text = shown(ReplayReport(kept=2, outrun=1))

    assert "2 kept" in text
    assert "1 overtaken" in text
    assert " new" not in text


@pytest.mark.parametrize(
    ("condition", "said"),
    [
        ("nonsense=1", "max_confidence"),
        ("ats", "KEY=VALUE"),
        ("status=nonsense", "status"),
        ("max_confidence=low", "max_confidence"),
        ("prompt_version=x", "prompt_version"),
    ],
)
def test_a_condition_that_makes_no_sense_is_wrong_usage(condition: str, said: str) -> None:
    result = CliRunner().invoke(app, ["replay", "--where", condition])

    assert result.exit_code == 2
    assert said in result.stderr


def test_a_key_is_named_once() -> None:
    result = CliRunner().invoke(
        app, ["replay", "--where", "ats=lever", "--where", "ats=greenhouse"]
    )

    assert result.exit_code == 2
    assert "twice" in result.stderr
