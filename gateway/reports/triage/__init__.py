"""What a report is about: category, kind, urgency, the place on the ground, and the words that decided."""

from gateway.reports.triage.files import TriageError, load_triage
from gateway.reports.triage.judge import CATEGORIES, KINDS, PAGED, TriageRules, Verdict

__all__ = ["CATEGORIES", "KINDS", "PAGED", "TriageError", "TriageRules", "Verdict", "load_triage"]
