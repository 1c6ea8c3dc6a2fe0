from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from finetune.dataset.teacher_checks import judge, tidy
from finetune.dataset.teacher_prompts import Question, Task

FIRM = (
    "The Keeper shall furnish to the Owner, not later than thirty (30) days subsequent to October 15, a report (the "
    '"Season Report") setting forth the trees pruned by [PERSON_1] pursuant to Section 9.3 hereof.'
)
GOOD = (
    "By thirty days after October 15 the Keeper must give the Owner a document, called the Season Report, which lists "
    "every tree that [PERSON_1] has pruned under Section 9.3."
)
NOTES = "- Season Report from Keeper to Owner\n- 30 days after October 15\n- trees pruned by [PERSON_1], Section 9.3"


def verdict(answer: str, task: Task = "restate", firm: str = FIRM, most: int = 7_750) -> tuple[str, str]:
    return judge(Question(task, firm, b""), answer, most)


@pytest.mark.parametrize(
    "around",
    [
        "{}",
        "\n\n  {}\r\n",
        "Here is the text in plain words:\n\n{}",
        "Sure! Here's a restated version:\n{}",
        "Certainly.\n\n{}",
        "**Restated text:**\n\n{}",
        "```\n{}\n```",
        "Here is the neutral version:\n\n```text\n{}\n```\n\nLet me know if you would like any changes!",
        "{}\n\nI hope this helps. Feel free to ask for more.",
        "{}\n\nI've kept all the numbers.\n\nLet me know if that works.",
        "<think>The user wants\n\n30 other things.</think>\n{}",
        "<text>\n{}\n</text>",
        '"{}"',
        "“{}”",
        "**{}**",
        "\u200b{}\ufeff\ud800",
    ],
)
def test_what_stands_around_the_text_is_taken_away(around: str) -> None:
    assert verdict(around.format(GOOD)) == (GOOD, "")


@pytest.mark.parametrize(
    "text",
    [
        "The following rules apply:\n\nNobody may take fruit.",
        "Here are the rules:\n\nNobody may take fruit.",
        "Members may leave.\n\nIf you would like to leave, write 14 days before.",
        "Members may leave.\n\nLet us know if you do.",
        "Keep your plot.\n\nFeel free to use the water.",
        "“Keeper” means somebody who keeps.",
    ],
)
def test_what_belongs_to_the_text_stays(text: str) -> None:
    assert tidy(text, FIRM) == text


def test_what_the_firm_itself_writes_so_stays() -> None:
    firm = "Here is the text of the rule:\n\nNobody takes fruit.\n\nLet me know if you do."
    assert tidy(firm, firm) == firm


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        ("", "teacher_empty"),
        ("hundred " * 9_000, "teacher_too_long"),
        (" \n ", "teacher_empty"),
        ("<think>I must", "teacher_empty"),
        ("I'm sorry, I can't help with that.", "teacher_refused"),
        (
            "I\u2019m sorry, but I cannot restate contracts of other people for you, since they may be confidential.",
            "teacher_refused",
        ),
        ("As an AI language model, I do not restate contracts." * 3, "teacher_refused"),
        ("The Keeper reports.", "teacher_too_short"),
        (GOOD * 4, "teacher_too_long"),
        (GOOD.rstrip("."), "teacher_unfinished"),
        (GOOD.replace("thirty days", "some days"), "teacher_lost_number"),
        (GOOD.replace("9.3", "9.30"), "teacher_lost_number"),
        (GOOD.replace("every tree", "all 40 trees"), "teacher_added_number"),
        (GOOD.replace("October", "November"), "teacher_lost_date"),
        (GOOD.replace("tree that", "tree in 15 May that"), "teacher_added_date"),
        (GOOD.replace("[PERSON_1]", "somebody"), "teacher_lost_placeholder"),
        (GOOD.replace("[PERSON_1]", "[PERSON_2]"), "teacher_lost_placeholder"),
        (GOOD.replace("every tree", "every tree of [COMPANY_1]"), "teacher_added_placeholder"),
        (GOOD.replace("Season Report", "annual account"), "teacher_lost_term"),
        (GOOD.replace("Owner", "landlord"), "teacher_lost_term"),
        (FIRM, "teacher_too_similar"),
        (FIRM.replace("setting forth", "with"), "teacher_too_similar"),
    ],
)
def test_what_cannot_be_used_says_why(answer: str, reason: str) -> None:
    assert verdict(answer) == ("", reason)


@pytest.mark.parametrize(
    "answer",
    [
        GOOD.replace("thirty", "30"),
        GOOD.replace("Keeper", "keeper").replace("Owner", "owners"),
        f"1. {GOOD}",
        GOOD.replace("a document", "one document"),
    ],
)
def test_what_says_the_same_is_used(answer: str) -> None:
    assert verdict(answer) == (answer, "")


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        (NOTES, ""),
        (f"Outline:\n\n{NOTES}", ""),
        (FIRM.replace(" hereof", ""), "teacher_too_long"),
        (FIRM[:-20].replace("pursuant", "9.3"), "teacher_lost_term"),
        (NOTES.replace("30", "thirty"), ""),
        (NOTES.replace("- 30 days", "- days"), "teacher_lost_number"),
        ("- a report", "teacher_too_short"),
    ],
)
def test_notes_are_judged_as_notes(answer: str, reason: str) -> None:
    assert verdict(answer, "outline")[1] == reason


def test_notes_that_are_the_text_with_holes_are_dropped() -> None:
    firm = f"{FIRM} {'The trees are to be pruned in winter, when they are bare and at rest. ' * 3}"
    holes = firm.replace(" The trees are to be pruned in winter, when they are bare and at rest.", "", 2)
    assert verdict(holes, "outline", firm) == ("", "teacher_too_similar")


def test_a_turn_has_room_for_it() -> None:
    assert verdict(GOOD, most=len(GOOD)) == (GOOD, "")
    assert verdict(GOOD, most=len(GOOD) - 1) == ("", "teacher_too_long")


@given(st.text(), st.text(), st.sampled_from(["restate", "outline"]))
def test_any_answer_has_a_verdict(firm: str, answer: str, task: Task) -> None:
    text, reason = verdict(answer, task, firm)
    assert (text == "") == reason.startswith("teacher_")
    text.encode()
