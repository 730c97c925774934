"""A text that we cannot make out but that may be a wish for no more texts: it is answered with STOP first.

The wishes were written before the lists of phrases were tried on them; 38 of the 40 were found at once.
"""

import pytest

from keywords import may_wish_to_stop, parse

WISHES = [
    "unsubscrib me now please",
    "unsubcribed plz i am not yr supporter",
    "un subscribe me from this thing",
    "i keep getting these texts and i am not even a member make it end",
    "who gave u my no?? dont send me this stuff",
    "enough with the msgs already",
    "get my number off ur list right now",
    "pls take me of this list bro",
    "im so sick of all these messages from your party",
    "leave me alone will you",
    "my dad passed away last year this was his phone remove it from ur list",
    "how do i get out of this sms thing",
    "no more texts to this phone its my kids",
    "stop it ok",
    "i dont want ur sms on my number any longer you people",
    "u are spamming my phone with messages",
    "how do i leave",
    "count me out of these texts",
    "roz roz msg kyun karte ho bas karo msg",
    "bhai mera number apni list se nikal do na yar",
    "mujhe tang mat kiya karo",
    "itne msg na bheja karo mujhe",
    "ye sms aana band hojaye to meherbani",
    "jaan chhoro meri",
    "msg bhej bhej ke tang kar dia hai",
    "mera naam kaat do apni fehrist se",
    "main ab party mein nahi hun msg mat bheja karein",
    "yeh msgs mujhe nahi chahiye kitni dafa kahun",
    "number delete kar dein mera",
    "pareshan na karo bar bar msg kar ke",
    "bohat ho gaya ab sms nahi aane chahiye",
    "بار بار میسج کر کے تنگ نہ کریں",
    "میرا نمبر اپنی لسٹ سے نکالیں بھائی",
    "ہمیں آپ کے پیغام نہیں چاہئیں بس",
    "یہ میسج آنا بند ہو جائیں تو مہربانی",
    "جان چھوڑو یار",
    "آئندہ کوئی میسج مت بھیجا کرو",
    "میسج بھیجنا چھوڑ دیں",
    "میں نے کب کہا تھا کہ پیغام بھیجیں مجھے نہیں چاہیے",
    "ان سبسکرائب کر دیں",
]


@pytest.mark.parametrize("text", WISHES)
def test_a_wish_is_stop_or_is_answered_with_it(text: str) -> None:
    assert parse(text).name == "STOP" or may_wish_to_stop(text)


@pytest.mark.parametrize(
    "text",
    [
        "I didn't get your message",
        "can you send the message again",
        "ok i msg you when i leave the house tomorrow",
        "the list of buses please",
        "my phone number is the same",
        "i want more texts about the rally",
        "dont worry we will come",
        "remove the chairs from the stage",
        "that is enough food for today",
        "we are fed up with this government",
        "which bus stop is near the ground",
        "there is no more water at gate 3",
        "leave at 6 from model town",
        "bhai kal milte hain",
        "mujhe msg kar dena jab pohncho",
        "sadak band hai",
        "gari band ho gai hai",
        "pani nahi chahiye khana bhej do",
        "mujhe number bhej do apna",
        "tang gali mein rehta hun",
        "جلسہ کب ختم ہو گا",
        "مجھے پیغام ملا شکریہ",
        "پانی نہیں ہے",
        "سڑک بند ہے",
        "",
        "👍",
    ],
)
def test_ordinary_texts_are_no_wish(text: str) -> None:
    assert not may_wish_to_stop(text)


def test_a_long_story_that_names_texts_is_no_wish() -> None:
    assert not may_wish_to_stop("i hate that " + "we talked for so long about it " * 3 + "and the text")
