"""Times as the kube-apiserver and other senders write them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from falcocore_k8s_audit.stamp import are_usual, parse_time_ns, time_text

SECOND_NS = 1_539_994_708_000_000_000
"""2018-10-20T00:18:28Z."""


@pytest.mark.parametrize(
    ("fraction", "nanoseconds"),
    [
        ("", 0),
        (".4", 400_000_000),
        (".42", 420_000_000),
        (".428", 428_000_000),
        (".4283", 428_300_000),
        (".42839", 428_390_000),
        (".428398", 428_398_000),
        (".4283981", 428_398_100),
        (".42839812", 428_398_120),
        (".428398123", 428_398_123),
        (".000001", 1_000),
        (".000000001", 1),
        (".999999", 999_999_000),
        (",428398", 428_398_000),
        (",5", 500_000_000),
    ],
)
@pytest.mark.parametrize(
    ("second", "zone"),
    [
        ("2018-10-20T00:18:28", "Z"),
        ("2018-10-20T00:18:28", "+00:00"),
        ("2018-10-20T00:18:28", "-00:00"),
        ("2018-10-20T05:48:28", "+05:30"),
        ("2018-10-19T14:18:28", "-10:00"),
        ("2018-10-20T23:18:28", "+23:00"),
        ("2018-10-19T00:19:28", "-23:59"),
    ],
)
def test_fraction_and_offset_are_exact(second: str, fraction: str, zone: str, nanoseconds: int) -> None:
    stamp = f"{second}{fraction}{zone}"
    assert parse_time_ns(stamp) == SECOND_NS + nanoseconds
    assert time_text(stamp) == str(SECOND_NS + nanoseconds)


@pytest.mark.parametrize(
    ("stamp", "time_ns"),
    [
        ("1970-01-01T00:00:00Z", 0),
        ("1970-01-01T00:00:00.000000001Z", 1),
        ("1970-01-01T00:00:00.000001Z", 1_000),
        ("1970-01-01T00:00:01.000001Z", 1_000_001_000),
        ("1969-12-31T23:59:59-00:01", 59_000_000_000),
        ("2000-02-29T23:59:59.999999Z", 951_868_799_999_999_000),
        ("2024-02-29T00:00:00Z", 1_709_164_800_000_000_000),
        ("2038-01-19T03:14:08Z", 2_147_483_648_000_000_000),
        ("9999-12-31T23:59:59.999999999Z", 253_402_300_799_999_999_999),
    ],
)
def test_first_and_far_times(stamp: str, time_ns: int) -> None:
    assert parse_time_ns(stamp) == time_ns
    assert time_text(stamp) == str(time_ns)


@pytest.mark.parametrize(
    ("stamps", "usual"),
    [
        ([], True),
        (["2018-10-20T00:18:28.428398Z"], True),
        (["2018-10-20T00:18:28.428398Z", "2018-10-20T00:18:28Z", "1970-01-01T00:00:00.1Z"], True),
        (["2018-10-20T00:18:28.123456789Z"], True),
        (["2018-10-20T00:18:28.428398Z", "1969-12-31T23:59:59Z"], False),
        (["2018-10-20T00:18:28.428398Z", "2018-10-20t00:18:28Z"], False),
        (["2018-10-20T00:18:28z"], False),
        (["2018-10-20 00:18:28Z"], False),
        (["2018-10-20T00:18:28.1234567891Z"], False),
        (["2018-10-20T00:18:28"], False),
        (["2018-02-30T00:18:28Z"], False),
        (["", "2018-10-20T00:18:28Z"], False),
    ],
)
def test_usual_times_are_told_at_once(stamps: list[str], usual: bool) -> None:
    assert are_usual(stamps) is usual


@given(
    st.lists(
        st.from_regex(
            r"(19|20)[0-9]{2}-[01][0-9]-[0-3][0-9][Tt ][0-2][0-9]:[0-6][0-9]:[0-6][0-9]"
            r"([.,][0-9]{1,10})?(Z|z|[+-][0-2][0-9]:?[0-6][0-9])?",
            fullmatch=True,
        ),
        max_size=3,
    )
)
def test_what_is_usual_can_be_read(stamps: list[str]) -> None:
    assert not are_usual(stamps) or all(parse_time_ns(stamp) is not None for stamp in stamps)


@pytest.mark.parametrize(
    "stamp",
    [
        pytest.param("1969-12-31T23:59:59Z", id="before 1970"),
        pytest.param("1969-12-31T23:59:59.999999Z", id="before 1970 by a microsecond"),
        pytest.param("1970-01-01T00:00:00+00:01", id="before 1970 by its offset"),
        pytest.param("0001-01-01T00:00:00Z", id="what Go writes for no time"),
        pytest.param("0000-01-01T00:00:00Z", id="year 0"),
        pytest.param("2018-10-20t00:18:28Z", id="lower-case t"),
        pytest.param("2018-10-20T00:18:28z", id="lower-case z"),
        pytest.param("2018-10-20T00:18:28.428398z", id="lower-case z after microseconds"),
        pytest.param("2018-10-20 00:18:28Z", id="blank for T"),
        pytest.param("2018-10-20T00:18:28", id="no zone"),
        pytest.param("2018-10-20T00:18:28.428398", id="no zone after microseconds"),
        pytest.param("2018-10-20T00:18:60Z", id="leap second"),
        pytest.param("2016-12-31T23:59:60.000000Z", id="leap second with microseconds"),
        pytest.param("2018-10-20T00:60:28Z", id="minute 60"),
        pytest.param("2018-10-20T24:00:00Z", id="hour 24"),
        pytest.param("2018-10-20T24:00:00.000000Z", id="hour 24 with microseconds"),
        pytest.param("2018-02-29T00:00:00Z", id="29 February of another year"),
        pytest.param("2018-13-01T00:00:00Z", id="month 13"),
        pytest.param("2018-00-01T00:00:00Z", id="month 0"),
        pytest.param("2018-10-32T00:00:00Z", id="day 32"),
        pytest.param("2018-10-20T00:18:28.Z", id="point without digits"),
        pytest.param("2018-10-20T00:18:28.1234567890Z", id="ten digits"),
        pytest.param("2018-10-20T00:18:28;428398Z", id="semicolon"),
        pytest.param("2018-10-20T00:18:28.4283 8Z", id="blank in the fraction"),
        pytest.param("2018-10-20T00:18:28.+05:30Z", id="offset in the fraction"),
        pytest.param("2018-10-20T00:18:28.1+0100Z", id="offset in the fraction after a digit"),
        pytest.param("2018-10-20T00:18:28.42839\u0661Z", id="digit of another script"),
        pytest.param("201\u0668-10-20T00:18:28Z", id="year of another script"),
        pytest.param("2018-10-20T00:18:28+0530", id="offset without colon"),
        pytest.param("2018-10-20T00:18:28+05", id="offset without minutes"),
        pytest.param("2018-10-20T00:18:28+24:00", id="offset of a day"),
        pytest.param("2018-10-20T00:18:28+05:60", id="offset of 60 minutes"),
        pytest.param("2018-10-20T00:18:28ZZ", id="two zones"),
        pytest.param("2018-10-20T00:18:28Z\n", id="line end behind it"),
        pytest.param(" 2018-10-20T00:18:28Z", id="blank before it"),
        pytest.param("2018-10-20", id="date"),
        pytest.param("20181020T001828Z", id="basic form"),
        pytest.param("2018-W42-6T00:18:28Z", id="week date"),
        pytest.param("1539994708", id="number"),
        pytest.param("", id="empty"),
    ],
)
def test_no_time(stamp: str) -> None:
    assert parse_time_ns(stamp) is None
