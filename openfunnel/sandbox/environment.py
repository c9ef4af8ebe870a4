"""How other processes are pointed at a sandbox: by their variables."""

from openfunnel.sources import SOURCES


def sandbox_variables(base: str) -> dict[str, str]:
    """Variables that point every process at a sandbox at `base` instead of the real world."""
    names = [
        f"{source.name}_{region}" if region else source.name
        for source in SOURCES.values()
        for region in source.api_bases
    ]
    paths = {"greenhouse": "/greenhouse/v1/boards", "ashby": "/ashby/posting-api/job-board"}
    urls = {
        f"OPENFUNNEL_{name.upper()}_URL": base + paths.get(name, f"/{name}/v0/postings")
        for name in names
    }
    return {**urls, "OLLAMA_HOST": base}
