"""`meaculpa customers`: a letter for each affected order, planned, sent once, and made good."""

import click

from meaculpa.cli.customers.plan import plan_command
from meaculpa.cli.customers.send import send_command


@click.group("customers")
def customers_command() -> None:
    """A letter to each customer whose order is affected, from the order's own facts."""


for one in (plan_command, send_command):
    customers_command.add_command(one)
