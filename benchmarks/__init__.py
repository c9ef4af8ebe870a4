"""Measurements of the whole and of its parts, on real servers and processes of their own."""
