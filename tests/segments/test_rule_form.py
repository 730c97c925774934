"""Rules as forms: a form says one rule exactly, and a rule that a form shows is that rule again."""

import pytest
from hypothesis import given, settings

from segments import Rule, RuleError, parse, to_text
from segments.rule_form import Line, LineError, RuleForm, form_of, rule_of
from tests.segments.rule_strategies import rules


@given(rules)
@settings(max_examples=300)
def test_a_form_that_is_shown_says_the_rule_again(rule: Rule) -> None:
    form = form_of(rule)
    if form is not None:
        assert rule_of(form) == rule


@pytest.mark.parametrize(
    ("text", "form"),
    [
        ("all", RuleForm()),
        ("city:lahore", RuleForm((Line("city", ("lahore",)),))),
        ("city:lahore | city:multan", RuleForm((Line("city", ("lahore", "multan")),))),
        (
            "city:lahore & (affinity:students | affinity:women) & !constituency:NA-119@2024",
            RuleForm(
                (
                    Line("city", ("lahore",)),
                    Line("affinity", ("students", "women")),
                    Line("constituency", ("NA-119",), negated=True, delimitation=2024),
                )
            ),
        ),
        (
            "city:none | affinity:women | affinity:students | seen<30d",
            RuleForm(
                (Line("city", ("none",)), Line("affinity", ("women", "students")), Line("seen", ("30d",), "<")),
                any_of=True,
            ),
        ),
        ("!(city:lahore | city:multan)", RuleForm((Line("city", ("lahore", "multan"), negated=True),))),
        ("reachable & reports>=2 & joined:2026-01..2026-03",
         RuleForm((Line("reachable"), Line("reports", ("2",), ">="),
                   Line("joined", ("2026-01-01..2026-03-31",), "=")))),
        ("constituency:NA-1@2018 | constituency:NA-1@2024",
         RuleForm((Line("constituency", ("NA-1",), delimitation=2018), Line("constituency", ("NA-1",),
                                                                         delimitation=2024)), any_of=True)),
    ],
)  # fmt: skip
def test_rules_that_are_forms(text: str, form: RuleForm) -> None:
    assert form_of(parse(text)) == form
    assert to_text(rule_of(form)) == text.replace("2026-01..2026-03", "2026-01-01..2026-03-31")


@pytest.mark.parametrize(
    "text",
    ["city:a & (city:b | affinity:women)", "!!city:a", "city:a | city:b & affinity:c", "!(city:a & city:b)",
     "all & city:a", 'city:"a, b"', "reachable & (seen<3d | seen>9d)"],
)  # fmt: skip
def test_rules_that_are_richer(text: str) -> None:
    assert form_of(parse(text)) is None


@pytest.mark.parametrize(
    ("line", "sentence"),
    [
        (Line("city"), "is empty"),
        (Line("colour", ("red",)), "nothing that members are filed by"),
        (Line("seen", ("soon",), "<"), "not a date"),
        (Line("seen", ("1d & all",), "<"), "not a date"),
        (Line("city", ("both \" and '",)), "both kinds of quotation marks"),
        (Line("district", ("none",)), "does not go with"),
        (Line("reports", ("1", "2"), ">"), "one value"),
    ],
)
def test_a_line_that_cannot_be_read_is_named(line: Line, sentence: str) -> None:
    with pytest.raises(LineError, match=sentence) as refused:
        rule_of(RuleForm((Line("reachable"), line)))
    assert refused.value.line == 1


@pytest.mark.parametrize("name", ["a & all", "x) | all", "'; DROP TABLE members; --", "<b>x</b>", "a\u202eb", "all"])
def test_a_name_is_a_name_whatever_is_in_it(name: str) -> None:
    try:
        rule = rule_of(RuleForm((Line("city", (name,)),)))
    except RuleError:
        return
    assert parse(to_text(rule)) == rule
    assert len(to_text(rule)) > len("city:") and rule != parse("all")
