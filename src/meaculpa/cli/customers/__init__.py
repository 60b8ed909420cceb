"""`meaculpa customers`: a letter for each affected order, planned, sent once, and made good."""

import click

from meaculpa.cli.lazy import LazyGroup

COMMANDS = {
    "plan": ("meaculpa.cli.customers.plan", "Write every letter, and say what it comes to; sends nothing."),
    "send": ("meaculpa.cli.customers.send", "Send the letters of a plan, each once."),
    "status": ("meaculpa.cli.customers.status", "Say what became of them, and what is in the way of closing."),
    "promise": ("meaculpa.cli.customers.promise", "Take up who asked to be told when it works again."),
    "calls": ("meaculpa.cli.customers.calls", "List whom to call, most urgent first."),
    "settle": ("meaculpa.cli.customers.settle", "Count how many orders are made good, for the page."),
    "ledger": ("meaculpa.cli.customers.ledger", "To another machine and back, bounces, what a person knows."),
}


@click.group("customers", cls=LazyGroup, known=COMMANDS)
def customers_command() -> None:
    """A letter to each customer whose order is affected, from the order's own facts."""
