"""What is wrong, as a value: a code, the sentence in English, and what stands in its places.

The rooms below raise faults; what asks them (the command line, the API) says them in English, and the console in its
reader's language, by the code. So a sentence is written where it is raised, and a translation needs no other change.
"""

from faults.fault import Either, Fault, FaultError, Term, Value, fault, plain

__all__ = ["Either", "Fault", "FaultError", "Term", "Value", "fault", "plain"]
