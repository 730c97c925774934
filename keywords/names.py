"""The commands that there are, and what may stand after each keyword."""

from enum import Enum


class Shape(Enum):
    """What may follow a keyword before a text is no command any more."""

    ALONE = "nothing but politeness"
    NAMES = "names of people, places, seats and groups: no sentence"
    PLACE = "a place, or a question after the bus"
    TROUBLE = "free text about trouble"
    SHORT = "a few words that are no sentence"
    CODE = "a reference such as 4F2K"
    WORK = "a staff member's short note"


SHAPES = {
    "JOIN": Shape.NAMES,
    "WHERE": Shape.PLACE,
    "REPORT": Shape.TROUBLE,
    "STATUS": Shape.CODE,
    "STOP": Shape.ALONE,
    "START": Shape.ALONE,
    "HELP": Shape.ALONE,
    "ME": Shape.ALONE,
    "LANG": Shape.SHORT,
    "CITY": Shape.SHORT,
    "GROUP": Shape.SHORT,
    "ERASE": Shape.ALONE,
    "INVITE": Shape.ALONE,
    "MORE": Shape.ALONE,
    "STEPS": Shape.SHORT,
    "SEAT": Shape.SHORT,
    "CANCEL": Shape.ALONE,
    "YES": Shape.ALONE,
    "NO": Shape.ALONE,
}
FIELD = frozenset({"TAKE", "DONE", "PASS", "NOTE", "MINE", "NEXT", "OFF", "ON"})
MARSHAL = frozenset({"FULL", "OPEN", "LATE", "LEFT", "COUNT"})
SHAPES |= dict.fromkeys(FIELD | MARSHAL, Shape.WORK)

# Words whose command only some senders have; to everyone else they are ordinary text.
AUDIENCE = dict.fromkeys(FIELD, "field") | dict.fromkeys(MARSHAL, "marshal")
