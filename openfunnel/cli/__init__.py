"""The `openfunnel` command: `app` assembles it, a module a group of commands."""
