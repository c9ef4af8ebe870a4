"""Evaluation: how well an extractor reads postings that a person has labelled. Needs no store."""
