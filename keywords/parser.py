"""From a text to a command: an exact keyword in command shape, or an opt-out sentence, or nothing.

The principle: a keyword only counts where a command has it, as the first word that means something, and only when
what follows has the shape of that command's argument (names, a place, trouble, a reference). A sentence that merely
holds a keyword is left alone. Consent is law, so opt-outs are looked for in whole sentences too.
"""

from functools import cache

from keywords.about_texts import reason_then_stop, starts_texts, texts_then_start, topic_of_stop, topic_then_opt_out
from keywords.command import Command
from keywords.lexicon import Vocabulary, load_vocabulary
from keywords.opt_out import is_beside, may_wish_to, opts_out
from keywords.reading import Match, Reading, without_signed_name
from keywords.shapes import fits, introduces, is_seat_code, is_topic, looks_like_place, only_known
from orthography import words

_ALONE = "the keyword alone"
_WITH_ARGUMENT = "the keyword and its argument"
_MISTYPED = ", a typing error bridged"
_STOP_ENDINGS = frozenset(
    {"now", "all", "immediately", "asap", "already", "stop", "right", "away", "everything", "ok", "okay", "sir"}
)
_LONGEST_BEFORE_KEYWORD = 5  # words of an argument that stands before its keyword
_LONGEST_QUESTION = 12


@cache
def _packaged() -> Vocabulary:
    return load_vocabulary()


def parse(
    text: str,
    *,
    short_code: str | None = None,
    audience: frozenset[str] = frozenset(),
    vocabulary: Vocabulary | None = None,
) -> Command:
    """Say what `text` asks for; Command.name is None when it asks for nothing that we know.

    text: any str, as it came. short_code: our own number, so that it may be typed in front. audience: "field" and
    "marshal" open the words of staff, "seat-holder" lets CANCEL free a seat instead of opting out.
    Never raises; takes time linear in the text's length.
    """
    digits = "".join(filter(str.isdigit, short_code)) if short_code else ""
    vocabulary = vocabulary or _packaged()
    reading = Reading(text, digits, audience, vocabulary)
    found = _command(reading)
    if found is None:
        unsigned = without_signed_name(reading.text)
        if unsigned != reading.text:
            found = _command(Reading(unsigned, digits, audience, vocabulary))
    return found or Command(None, text.strip(), reason="no keyword in command shape" if reading.words else "no words")


def _command(reading: Reading) -> Command | None:
    if not reading.words:
        return None
    start = reading.after_preamble()
    return (
        _keyword_at(reading, start)
        or (_keyword_at(reading, 0) if start else None)
        or _opt_out(reading)
        or _keyword_last(reading)
        or _glued(reading, start)
        or _question(reading)
    )


# -- a keyword first ---------------------------------------------------------------------------------------------


def _keyword_at(reading: Reading, index: int) -> Command | None:
    match = reading.match_at(index)
    if match is None:
        return None
    found = _stop(reading, match) if match.keyword.command == "STOP" else _in_shape(reading, match)
    if found is None and match.keyword.command == "YES" and index == reading.after_preamble():
        after_yes = reading.match_at(match.end) if match.end < len(reading.words) else None
        if after_yes and after_yes.keyword.command == "JOIN":
            return _in_shape(reading, after_yes)  # "yes, join lahore"
    return found


def _in_shape(reading: Reading, match: Match) -> Command | None:
    keyword, begin, end = match.keyword, match.end, len(reading.words)
    if keyword.itself:
        if reading.without_polite(begin, end) > begin:
            return None
        return _made(reading, match, reading.typed(match.begin, begin), _ALONE)
    if begin < end and reading.words[begin] == reading.short_code:
        begin += 1
    myself = reading.vocabulary.evidence.get("JOIN", frozenset()) if keyword.command == "JOIN" else frozenset()
    if all(word in myself for word in reading.words[begin : reading.without_polite(begin, end)]):
        return _made(reading, match, "", _ALONE)
    if (
        keyword.weak
        and keyword.command not in ("REPORT", "WHERE")
        and not reading.tokens.separator_after(match.end - 1)
        and not (keyword.command == "JOIN" and (only_known(reading, begin, end) or introduces(reading, begin, end)))
    ):
        return None
    if keyword.command == "START" and starts_texts(reading, match):
        return _made(reading, match, "", "the keyword and words about our texts")
    if not match.certain and keyword.command in ("START", "ERASE", "HELP"):
        return None  # too much depends on them, or "help" is too common, to bridge an error before more words
    end = end - 1 if reading.words[end - 1] == reading.short_code else end
    span = fits(reading, keyword, begin, end)
    if span is None:
        return None
    return _made(reading, match, reading.argument(*span) if span[0] < span[1] else "", _WITH_ARGUMENT)


def _made(reading: Reading, match: Match, argument: str, reason: str, scope: str = "") -> Command:
    return Command(
        match.keyword.command,
        argument,
        match.keyword.language,
        match.certain,
        reason if match.certain else reason + _MISTYPED,
        scope,
        reading.typed(match.begin, match.end),
    )


# -- opting out --------------------------------------------------------------------------------------------------


def _stop(reading: Reading, match: Match) -> Command | None:
    """STOP alone, STOP with a topic, STOP alone on its line. Sentences are for _opt_out."""
    words, begin = reading.words, match.end
    end = _without_reasons(reading, begin) if not match.keyword.weak else reading.without_polite(begin, len(words))
    if end == begin:
        if "seat-holder" in reading.audience and match.keyword.words in reading.vocabulary.seat_words:
            typed = reading.typed(match.begin, begin)
            return Command("CANCEL", "", match.keyword.language, True, "the word alone, from a seat holder", "", typed)
        return _made(reading, match, "", _ALONE, "all")
    if match.keyword.weak or not match.certain:
        return None
    if is_topic(reading, begin, end):
        return _made(reading, match, reading.argument(begin, end), "the keyword and a topic", "topic")
    topic = topic_of_stop(reading, begin)
    if topic:
        return _made(
            reading, match, reading.argument(*topic), "the keyword, a topic and words about our texts", "topic"
        )
    if reading.tokens.line_break_after(begin - 1):
        return _made(reading, match, "", "the keyword alone on its line", "all")
    return None


def _without_reasons(reading: Reading, begin: int) -> int:
    """`begin` when only politeness, urgency and reasons follow: "Stop now, wrong number"; else where the rest ends."""
    words, vocabulary = reading.words, reading.vocabulary
    index = begin
    while index < len(words):
        length = vocabulary.reasons.longest_at(words, index) or vocabulary.polite.longest_at(words, index)
        if not length and not (words[index] in _STOP_ENDINGS or words[index] == reading.short_code):
            return reading.without_polite(begin, len(words))
        index += length or 1
    return begin


def _opt_out(reading: Reading) -> Command | None:
    """A sentence that opts out, or a definite word as a sentence of its own among others."""
    words, sentences, vocabulary = reading.words, reading.sentences(), reading.vocabulary
    language, start = opts_out(words, vocabulary, alone=True), reading.after_preamble()
    if start and not language:
        language = opts_out(words[start:], vocabulary, alone=True)
    if language:
        return Command("STOP", "", language, True, "a sentence that opts out", "all", reading.text.strip())
    topic = topic_then_opt_out(reading)
    if topic:
        begin, end, language = topic
        argument = reading.argument(begin, end)
        return Command("STOP", argument, language, True, "a topic and a sentence that opts out", "topic")
    match = reason_then_stop(reading)
    if match:
        return _made(reading, match, "", "a reason and then the keyword", "all")
    if len(sentences) == 1:
        return None
    says_more = [not is_beside(words[begin:end], vocabulary) for begin, end in sentences]
    others = sum(says_more)
    for (begin, end), more in zip(sentences, says_more, strict=True):
        language = opts_out(words[begin:end], vocabulary, alone=others == more)
        if language:
            return Command("STOP", "", language, True, "a sentence that opts out", "all", reading.typed(begin, end))
    for begin, end in (sentences[0], sentences[-1]):
        match = reading.match_at(begin)
        if match is None or match.end != end or not match.certain or match.keyword.weak:
            continue
        shouted = reading.typed(begin, end).isupper() and not reading.text.isupper()
        if match.keyword.command == "STOP" and shouted:
            return _made(reading, match, "", "the keyword in capitals as a sentence of its own", "all")
    return None


# -- other places for a keyword ----------------------------------------------------------------------------------


def _keyword_last(reading: Reading) -> Command | None:
    """The argument before the keyword: "Lahore JOIN", "kalma chowk kahan hai", "bus kidhar se milegi lahore se"."""
    words = reading.words
    match = texts_then_start(reading)
    if match:
        return _made(reading, match, "", "our texts and then the keyword")
    for index in range(1, min(len(words), _LONGEST_BEFORE_KEYWORD + 1)):
        keyword = reading.single(words[index])
        if keyword is None or keyword.weak or keyword.command not in ("JOIN", "WHERE", "STATUS"):
            continue
        match = Match(keyword, index, index + 1, True)
        if keyword.command == "STATUS":
            return _status_last(reading, match)
        if keyword.command == "JOIN":
            return _join_last(reading, match)
        return _where_inside(reading, match)
    return None


def _join_last(reading: Reading, match: Match) -> Command | None:
    begin, end = reading.after_preamble(), match.begin
    if match.end < len(reading.words) or begin >= end:
        return None
    span = fits(reading, match.keyword, begin, end)
    known = any(
        reading.vocabulary.topics.longest_at(reading.words, index) or is_seat_code(reading.words[index])
        for index in range(begin, end)
    )
    if span is None or not known:
        return None
    return _made(reading, match, reading.argument(*span), "the argument and then the keyword")


def _status_last(reading: Reading, match: Match) -> Command | None:
    """ "4F2K status", with nothing else."""
    begin = reading.after_preamble()
    if reading.without_polite(match.end, len(reading.words)) > match.end or match.begin != begin + 1:
        return None
    span = fits(reading, match.keyword, begin, match.begin)
    return _made(reading, match, reading.argument(*span), "the argument and then the keyword") if span else None


def _where_inside(reading: Reading, match: Match) -> Command | None:
    """A question with its word in the middle or at the end, as Urdu has it, after a place or the bus."""
    asked = _asked_after(reading, match)
    if asked is None:
        return None
    (first, last), about_bus = asked
    if first == last:
        return _made(reading, match, "", "a question after the bus") if about_bus else None
    if not about_bus and not looks_like_place(reading, first, last):
        return None
    return _made(reading, match, reading.argument(first, last), "a question after a place")


def _asked_after(reading: Reading, match: Match | None) -> tuple[tuple[int, int], bool] | None:
    """Return the run of words that stand beside a question word and what ties them to it, and whether the bus is among
    these; None if they are a sentence, or stand on both sides. Without a `match` there is no question word."""
    words, vocabulary = reading.words, reading.vocabulary
    begin, about_bus = reading.after_preamble(), False
    end = reading.without_polite(begin, len(words))
    question = range(match.begin, match.end) if match else range(end, end)
    kept: list[int] = []
    if begin > question.start:
        begin = 0
    for index in range(begin, end):
        if index in question:
            continue
        if words[index] in vocabulary.transport:
            about_bus = True
        elif words[index] not in vocabulary.place_ties and (match or words[index] not in vocabulary.ride_words):
            if words[index] in vocabulary.chatter:
                return None
            kept.append(index)
    if not kept:
        return (question.start, question.start), about_bus
    first, last = kept[0], kept[-1] + 1
    return None if first < question.start < last else ((first, last), about_bus)


def _glued(reading: Reading, index: int) -> Command | None:
    """A keyword written together with its argument: "JOINlahore", "whereKalma", "JOIN80022"."""
    word, start = reading.words[index], reading.tokens.starts[index]
    if not word.isascii() or reading.tokens.ends[index] - start != len(word):
        return None
    for length in (4, 5, 6):
        keyword = reading.single(word[:length])
        if keyword is None or keyword.weak or keyword.command not in ("JOIN", "WHERE", "REPORT"):
            continue
        head, tail = word[:length], word[length:]
        typed = reading.text[start : start + len(word)]
        seam = typed[length - 1 : length + 1]
        parted = len(seam) == 2 and seam[0].isupper() != seam[1].isupper() and typed[1:].lower() != typed[1:]
        known = parted or tail in reading.vocabulary.topics or is_seat_code(tail)
        if keyword.command == "WHERE":  # a wrong guess costs nothing there: any place may follow
            known = len(tail) > 3 and tail not in reading.vocabulary.other_sense["WHERE"]
        if len(tail) < 3 or not known:
            continue
        apart = reading.text[: start + len(head)] + " " + reading.text[start + len(head) :]
        found = _command(Reading(apart, reading.short_code, reading.audience, reading.vocabulary))
        if found and found.name == keyword.command:
            reason = found.reason + ", written together"
            return Command(found.name, found.argument, found.language, False, reason, "", typed)
    return None


def _question(reading: Reading) -> Command | None:
    """A question about a keyword ("how do I join?") is answered with help."""
    words = reading.words
    if len(words) > _LONGEST_QUESTION or words[0] not in reading.vocabulary.questions:
        return None
    if any(word in reading.vocabulary.other_sense["JOIN"] for word in words):
        return None
    for word in words:
        keyword = reading.single(word)
        if keyword and not keyword.weak and keyword.command in ("JOIN", "STOP", "REPORT", "START"):
            return Command("HELP", "", keyword.language, True, f"a question about {keyword.command}", "", word)
    return None


# -- not an answer -----------------------------------------------------------------------------------------------


def looks_like_stop(text: str, *, vocabulary: Vocabulary | None = None, command: Command | None = None) -> bool:
    """Whether a text is so near to an opt-out that no conversation may take it as an answer.

    Broader than parse: typing errors, stop words beside others, sentences that only nearly opt out.

    :param command: what parse has made of the text, where the caller has asked already: it is not read twice
    """
    vocabulary = vocabulary or _packaged()
    if (command or parse(text, vocabulary=vocabulary)).name == "STOP":
        return True
    reading = Reading(text, "", frozenset(), vocabulary)
    for index, word in enumerate(reading.words):
        if index and reading.words[index - 1] in vocabulary.transport:
            continue  # "Nursery bus stop" is a place
        if word.startswith(("stop", "unsub", "optout")):
            return True
        match = reading.match_at(index)
        if match and match.keyword.command == "STOP" and (not match.keyword.weak or len(reading.words) <= 2):
            return True
    return False


def place_asked(text: str, *, short_code: str | None = None, vocabulary: Vocabulary | None = None) -> str | None:
    """Return the words whose whereabouts a text asks for ("Liberty kahan hai", "where is Liberty"), or that stand
    beside the bus and words about it ("bus liberty", "what time is the bus from liberty"); "" for a question about the
    ride or the gathering that names no place ("when is the rally"); None if it asks for nothing of these.

    For texts that `parse` leaves alone because it does not know the words as a place: whoever has a gazetteer can tell.
    """
    reading = Reading(text, "".join(filter(str.isdigit, short_code or "")), frozenset(), vocabulary or _packaged())
    for index in range(min(len(reading.words), _LONGEST_BEFORE_KEYWORD + 1)):
        match = reading.match_at(index)
        if match and match.certain and match.keyword.command == "WHERE":
            asked = _asked_after(reading, match)
            return reading.argument(*asked[0]) if asked and asked[0][0] < asked[0][1] else None
    (first, last), about_bus = _asked_after(reading, None) or ((0, 0), False)
    if about_bus and first < last:
        return reading.argument(first, last)
    return "" if about_bus and _asks_about_ride(reading) else None


def _asks_about_ride(reading: Reading) -> bool:
    """Whether its words ask when or how, of a ride that is not an everyday word as well ("bas" is "enough")."""
    words, vocabulary = set(reading.words), reading.vocabulary
    return bool(words & vocabulary.transport - vocabulary.chatter) and not words.isdisjoint(vocabulary.ride_asks)


def may_wish_to_stop(text: str, *, vocabulary: Vocabulary | None = None, near: bool | None = None) -> bool:
    """Whether a text that we could not make out may be a wish for no more texts: then help begins with STOP.

    Broader than `looks_like_stop` in one way ("dont send me this stuff"), and like it decides nothing about consent.

    :param near: what `looks_like_stop` says of the text, where the caller has asked already
    """
    vocabulary = vocabulary or _packaged()
    near = looks_like_stop(text, vocabulary=vocabulary) if near is None else near
    return near or may_wish_to(words(text), vocabulary)
