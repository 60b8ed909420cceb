"""Status page, outage banner and splash page for a shop, from Markdown incident files."""

__version__ = "0.1.0"
