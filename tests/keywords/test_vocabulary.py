"""Words are data: a translator's file adds to them, and two commands never share one."""

import subprocess
import sys
from pathlib import Path

import pytest

from keywords import VocabularyError, load_vocabulary, parse


def _file(folder: Path, content: str, name: str = "pa.toml") -> Path:
    path = folder / name
    path.write_text(content, encoding="utf-8")
    return path


def test_the_packaged_files_agree() -> None:
    assert len(load_vocabulary().keywords) > 100


def test_a_translators_file_adds_a_language(tmp_path: Path) -> None:
    path = _file(
        tmp_path, 'language = "pa"\n[commands.JOIN]\nwords = ["ral jao"]\n[text]\ngreetings = ["sat sri akal"]\n'
    )
    command = parse("Sat Sri Akal, RAL JAO Lahore", vocabulary=load_vocabulary(path))
    assert (command.name, command.argument, command.language) == ("JOIN", "Lahore", "pa")
    assert parse("ral jao Lahore").name is None, "only for who loads the file"


def test_a_translators_file_adds_an_opt_out_sentence(tmp_path: Path) -> None:
    path = _file(
        tmp_path,
        'language = "pa"\nverb_last = true\n[opt_out]\nstop = ["band"]\ndo = ["kar dyo"]\nthings = ["sunehe"]\n'
        'cores = ["<stop> <do>"]\nbefore = ["menu"]\n',
    )
    vocabulary = load_vocabulary(path)
    assert parse("menu sunehe band kar dyo", vocabulary=vocabulary).name == "STOP"
    assert parse("menu darwaza band kar dyo", vocabulary=vocabulary).name is None


def test_two_commands_never_share_a_word(tmp_path: Path) -> None:
    path = _file(tmp_path, 'language = "pa"\n[commands.REPORT]\nwords = ["SHĀMIL"]\n')
    with pytest.raises(VocabularyError) as caught:
        load_vocabulary(path)
    message = str(caught.value)
    assert "'SHĀMIL' cannot mean REPORT" in message
    assert str(path) in message
    assert "ur-Latn.toml 'shamil' already means JOIN" in message


@pytest.mark.parametrize(
    ("content", "complaint"),
    [
        ("[commands.JOIN]\nwords = ['x y']", "language"),
        ("language = 'pa'\n[commands.DANCE]\nwords = ['nach']", "'DANCE' is not a command"),
        ("language = 'pa'\n[commands.JOIN]\nword = ['ral']", "'word' is not known in [commands]"),
        ("language = 'pa'\n[comands.JOIN]\nwords = ['ral']", "'comands' is not a section"),
        ("language = 'pa'\n[commands.JOIN]\nwords = 'ral'", "must be a list"),
        ("language = 'pa'\n[commands.JOIN]\nwords = ['…']", "one to 12 words"),
        ("language = 'pa'\n[commands.JOIN]\nmistyped = ['ral']", "must be one of its words"),
        ("language = 'pa'\n[text]\ngreetings = ['stop']", "'stop' cannot be in greetings"),
        ("language = 'pa'\n[opt_out]\ncores = ['<nope>']", "<nope> in '<nope>' is not a list of the same section"),
        ("language = pa", "not valid TOML"),
    ],
)
def test_a_file_that_cannot_be_used_says_what_is_wrong(tmp_path: Path, content: str, complaint: str) -> None:
    with pytest.raises(VocabularyError) as caught:
        load_vocabulary(_file(tmp_path, content))
    assert complaint in str(caught.value)
    assert "pa.toml" in str(caught.value)


def test_a_missing_file_says_so(tmp_path: Path) -> None:
    with pytest.raises(VocabularyError, match=r"nowhere\.toml: cannot be read"):
        load_vocabulary(tmp_path / "nowhere.toml")


def test_nothing_is_read_at_import() -> None:
    check = "import keywords.lexicon as one; import sys; sys.exit(one._load.cache_info().misses)"
    assert subprocess.run([sys.executable, "-c", check], check=False).returncode == 0
