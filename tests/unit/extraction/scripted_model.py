"""A model that says what a test tells it to, for ways that a server can hardly be made to go."""

import asyncio
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from openfunnel.extraction.chat import Ending, Message, Reply
from openfunnel.records import AtsFields, PostingText

POSTING = PostingText(
    title="Senior Data Engineer",
    company_name="Acme",
    text=(
        "We bring our data platform into   shape, and you will build its pipelines with us.\n"
        "## Requirements\n"
        "- 5+ years of experience with Python and PostgreSQL\n"
        "- Kafka is a plus\n"
        "The salary is $150,000 - $180,000 a year.\n"
        "We are opening a new office in Lyon this autumn."
    ),
)


def an_answer(**changes: Any) -> dict[str, Any]:
    """Return a good answer about POSTING, with changes."""
    return {
        "summary": "A senior data engineer who builds the pipelines of the data platform.",
        "role_function": "data",
        "seniority": "senior",
        "employment_type": None,
        "workplace": None,
        "locations": [],
        "pay_evidence": "$150,000 - $180,000 a year",
        "pay_min": 150000,
        "pay_max": 180000,
        "pay_currency": "USD",
        "pay_period": "year",
        "pay_is_on_target_earnings": False,
        "years_evidence": "5+ years of experience",
        "years_experience_min": 5,
        "technologies": [
            {"evidence": "experience with Python", "name": "python", "stance": "required"},
            {"evidence": "Python and PostgreSQL", "name": "PostgreSQL", "stance": "required"},
            {"evidence": "Kafka is a plus", "name": "Kafka", "stance": "preferred"},
        ],
        "skills": [],
        "initiatives": [],
    } | changes


def says(content: str | None = None, **changes: Any) -> Reply:
    """Return a reply with this content, else with a good answer, changed."""
    return Reply(
        content=json.dumps(an_answer(**changes)) if content is None else content,
        ending=Ending.WHOLE,
        model="",
        tokens_in=100,
        tokens_out=20,
    )


@dataclass(eq=False)
class ScriptedModel:
    """Gives what it is told, one after the other; an exception is raised."""

    model: str = "small"
    told: list[Reply | Exception] = field(default_factory=list)
    asked: list[Sequence[Message]] = field(default_factory=list)
    name: str = "ollama"
    host: str = "nowhere"
    options: Mapping[str, Any] = field(default_factory=dict)
    gate: asyncio.Event | None = None
    """Where there is one, answers wait for it."""
    at_work: int = 0
    most_at_work: int = 0

    async def chat(self, messages: Sequence[Message], schema: Mapping[str, Any]) -> Reply:
        """Give the next of what it is told."""
        self.asked.append(messages)
        self.at_work += 1
        self.most_at_work = max(self.most_at_work, self.at_work)
        try:
            if self.gate is not None:
                await self.gate.wait()
            said = self.told.pop(0)
        finally:
            self.at_work -= 1
        if isinstance(said, Exception):
            raise said
        return said

    async def check(self) -> None:
        """It is always there."""

    async def close(self) -> None:
        """It holds nothing."""


def moved(posting: PostingText, *locations: str) -> PostingText:
    """Return the same posting, offered elsewhere."""
    return posting.model_copy(update={"fields": AtsFields(locations=locations)})
