"""Who hears of every update besides the page: chats, phones, accounts for posts, webhooks. What is told is told once.

`news.py` and `record.py` calculate, `telling.py` asks the targets who has told what, `post.py` sends.
"""

from datetime import datetime
from enum import StrEnum

from msgspec import Struct

from meaculpa.config import Channel
from meaculpa.render.message import Message

# What the process that sends says when it begins to.
BEGUN = "begun"


class Outcome(StrEnum):
    """What became of a notice.

    `SENDING` is on its way, `TOLD` was taken, `WAITING` was not and is tried again, `UNSURE` may have arrived and is
    never sent again.
    """

    SENDING = "sending"
    TOLD = "told"
    WAITING = "waiting"
    UNSURE = "unsure"


class Notice(Struct, frozen=True):
    """One update for one channel; `update` names the update, `digest` its status and what identifies its words."""

    channel: Channel
    update: str
    at: datetime
    digest: str
    message: Message

    @property
    def key(self) -> str:
        """What identifies it among all notices."""
        return f"{self.channel.name} {self.update}"

    @property
    def incident(self) -> str:
        """The incident that it belongs to."""
        return self.update.partition(" ")[0]

    @property
    def moment(self) -> str:
        """The update's own name within its incident."""
        return self.update.partition(" ")[2]


class Answer(Struct, frozen=True):
    """What became of one attempt, and in our own words why."""

    outcome: Outcome
    why: str = ""
