"""The words in which a settings file says what a carrier's own code means, each with what follows from it."""

from types import MappingProxyType

from gateway.rules.carrier_codes import CodeRule, Effect, Outcome

MEANINGS: MappingProxyType[str, tuple[Outcome, Effect, str]] = MappingProxyType(
    {
        "accepted": (Outcome.ACCEPTED, Effect.NONE, "accepted"),
        "throttled": (Outcome.REQUEUE, Effect.NONE, "sent faster than the carrier takes"),
        "retry": (Outcome.RETRY_ONCE, Effect.NONE, "failed for a cause that may pass"),
        "uncertain": (Outcome.UNCERTAIN, Effect.NONE, "perhaps taken"),
        "failed": (Outcome.FAILED, Effect.NONE, "refused"),
        "blocked": (Outcome.FAILED, Effect.SPIKE_PAUSES, "blocked by the carrier or the network"),
        "dead_number": (Outcome.FAILED, Effect.FLAG_NUMBER, "number does not exist or cannot receive texts"),
        "stopped": (Outcome.SUPPRESSED, Effect.OPT_OUT, "stopped: the carrier has a STOP from this number"),
        "expired": (Outcome.EXPIRED, Effect.NONE, "its validity ran out at the carrier"),
        "pause": (Outcome.REQUEUE, Effect.PAUSE, "the request is set up wrongly"),
        "halt": (Outcome.REQUEUE, Effect.HALT, "the carrier refused our account"),
    }
)


def rule_meaning(meaning: str, carrier: str, code: str) -> CodeRule:
    """Return the rule of a code that the settings file gives one of the `MEANINGS`; KeyError for another word."""
    outcome, effect, reason = MEANINGS[meaning]
    return CodeRule(f"{carrier} {code}"[:20], outcome, effect, reason)
