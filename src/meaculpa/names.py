"""The names of what lies in a project folder, and which of its files count by their names."""

CONFIG_FILE = "meaculpa.yml"
REDIRECTS_FILE = "redirects.yml"
METRICS_FOLDER = "metrics"
LETTERS = "letters.jsonl"
LEDGER = "private/ledger.db"
LAST_GOOD = ".meaculpa/last-good"
VERSIONS = ".meaculpa/versions"
# The packaged English words, whatever a project's own say: what every language must have.
REFERENCE_WORDS = "reference/en.yml"

_TEMPLATE_TYPES = (".j2", ".css", ".js", ".yml")


def is_incident_name(name: str) -> bool:
    """Tell incident files from hidden ones, drafts set aside with `_`, and what editors leave behind."""
    return not (
        name.startswith(("_", ".", "#")) or name.endswith(("~", ".swp", ".swo", ".swx", ".bak", ".orig", ".tmp"))
    )


def is_metric_name(name: str) -> bool:
    """Tell values over time from whatever else lies beside them."""
    return name.endswith(".csv")


def is_template_name(name: str) -> bool:
    """Tell what pages are made with from whatever else lies beside it."""
    return name.endswith(_TEMPLATE_TYPES)
