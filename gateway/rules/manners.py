"""How much we answer one phone: an answering machine or a bot must not make two machines text for ever.

A command is answered up to `COMMAND_REPLIES` times in five minutes, a text that we did not understand only
`MISS_REPLIES` times, with growing help, never the same help twice in a row. What the law wants said (the one
confirmation of STOP) is never held back.
"""

from dataclasses import replace
from datetime import datetime, timedelta

from gateway.rules.conversation import Decision, Reply, SenderState

WINDOW = timedelta(minutes=5)
COMMAND_REPLIES = 30
MISS_REPLIES = 2
ALWAYS_SAID = frozenset({"stopped", "started", "erased", "report_opened", "report_raised"})
HELP_GROWS = ("miss", "miss_again")
MISS_OF_STOP = "miss_stop"
"""Help that leads with STOP, for a text that may have been a wish for no more: said also where other help grows."""


def replies_lately(sender: SenderState, now: datetime) -> int:
    """Return how often we have answered a phone in the running five minutes, `now` being aware UTC."""
    fresh = sender.replies_since is None or now - sender.replies_since >= WINDOW
    return 0 if fresh else sender.replies


def hears_of_misses(sender: SenderState, now: datetime) -> bool:
    """Return whether one more text that is not understood is answered at all, `now` being aware UTC."""
    return sender.misses < MISS_REPLIES or sender.replies_since is None or now - sender.replies_since >= WINDOW


def with_manners(sender: SenderState, decision: Decision, now: datetime) -> tuple[SenderState, Reply | None]:
    """Return the sender with this reply counted, and the reply that goes out: the decision's, a fuller one, or none.

    :param now: aware UTC
    """
    fresh = sender.replies_since is None or now - sender.replies_since >= WINDOW
    since, count = (now, 0) if fresh else (sender.replies_since, sender.replies)
    misses = (0 if fresh else sender.misses) + 1 if decision.miss else 0
    reply = decision.reply
    if decision.miss:
        help_now = decision.reply or (Reply(HELP_GROWS[misses - 1]) if misses <= len(HELP_GROWS) else None)
        reply = help_now if misses <= MISS_REPLIES else None
    if reply and reply.wording == "help" == sender.last_reply and not fresh:
        reply = Reply(HELP_GROWS[-1])  # who asks for help again did not get along with the first
    if reply and reply.wording not in ALWAYS_SAID:
        repeats_help = reply.wording == sender.last_reply and reply.wording in (*HELP_GROWS, MISS_OF_STOP) and not fresh
        if count >= COMMAND_REPLIES or repeats_help:
            reply = None
    kept = replace(
        sender,
        misses=misses,
        replies_since=since,
        replies=count + (reply is not None),
        last_reply=reply.wording if reply else sender.last_reply,
    )
    return kept, reply
