"""The translator's check: `python -m keywords [FILE.toml ...] [TEXT ...]`.

Reads the packaged vocabulary and the files, says whether they agree, and how each text is read with them.
"""

import sys

from keywords import VocabularyError, load_vocabulary, parse


def main(arguments: list[str]) -> int:
    """Return 0, or 1 when the files cannot be used."""
    files = [one for one in arguments if one.endswith(".toml")]
    try:
        vocabulary = load_vocabulary(*files)
    except VocabularyError as error:
        print(error, file=sys.stderr)  # noqa: T201
        return 1
    print(f"The vocabulary agrees: {sum(map(len, vocabulary.keywords.values()))} keywords.")  # noqa: T201
    for text in arguments:
        if text not in files:
            command = parse(text, vocabulary=vocabulary)
            print(f"{text!r}: {command.name or 'no command'} {command.argument!r} ({command.reason})")  # noqa: T201
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
