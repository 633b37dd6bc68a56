"""Answers in memory: those asked for last, never more of them than there is room for."""

from __future__ import annotations

from sales_platform.serving.api.kept_answers import KeptAnswers


def test_the_answer_asked_for_least_lately_makes_room_for_a_new_one() -> None:
    kept = KeptAnswers(most_bytes=10)
    kept.keep("first", b"12345")
    kept.keep("second", b"12345")
    kept.find("first")
    kept.keep("third", b"123")

    assert [kept.find(tag) for tag in ("first", "second", "third")] == [b"12345", None, b"123"]


def test_an_answer_kept_twice_takes_its_room_once() -> None:
    kept = KeptAnswers(most_bytes=10)
    kept.keep("other", b"12345")
    kept.keep("same", b"1234")
    kept.keep("same", b"12345")

    assert [kept.find(tag) for tag in ("other", "same")] == [b"12345", b"12345"]


def test_an_answer_for_which_there_is_no_room_pushes_none_out() -> None:
    kept = KeptAnswers(most_bytes=10)
    kept.keep("small", b"1")
    kept.keep("large", b"12345678901")

    assert [kept.find(tag) for tag in ("small", "large")] == [b"1", None]
