"""The HTTP API: reads over the store, and the start of runs."""
