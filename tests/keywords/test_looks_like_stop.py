"""What no conversation may take as an answer, and what it must be able to take."""

import pytest

from keywords import looks_like_stop


@pytest.mark.parametrize(
    "text",
    [
        "STOP",
        "stpo",
        "st0p",
        "S T O P",
        "stop it yaar",
        "please stop this",
        "stop lahore",
        "ok stop",
        "band karo",
        "بند",
        "unsubscribe",
        "end",
        "cancel",
        "mat bhejo",
        "Lahore. Stop texting me",
        "no more texts",
        "stopp msgs",
        "STOP WAR",
    ],
)
def test_a_text_near_to_an_opt_out_is_no_answer(text: str) -> None:
    assert looks_like_stop(text)


@pytest.mark.parametrize(
    "text",
    [
        "Lahore",
        "1",
        "2",
        "Ali Khan",
        "NA-130",
        "kalma chowk",
        "Band Road Lahore",
        "Nursery bus stop",
        "yes",
        "haan",
        "لاہور",
        "Hyderabad Sindh",
        "End point market road",
        "students",
        "",
        "👍",
        "shop no 4 liberty",
        "Attock",
        "Kotri",
        "top khana",
    ],
)
def test_an_answer_is_none(text: str) -> None:
    assert not looks_like_stop(text)
