"""The orders file: every row is right as it stands, or is told with row, column, and what would be right."""

import csv
import io
import tracemalloc
from collections.abc import Iterator
from datetime import date
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from meaculpa.customers.delay_law import Jurisdiction
from meaculpa.customers.order import ChargeState, Order, Stage
from meaculpa.customers.orders import read_orders
from meaculpa.errors import Problem

HEADER = "order_id,email,name,item,price,currency,charge_state,ordered_on,promised_ship_on,new_ship_on"
ROW = "10432,jane@example.com,Jane Doe,Zigzag throw,54.00,EUR,held,2026-11-01,2026-11-20,2026-11-27"


def read(text: str, stage: Stage = Stage.DELAY) -> list[Order | Problem]:
    return list(read_orders(text.splitlines(keepends=True), "orders.csv", stage))


def told(text: str, stage: Stage = Stage.DELAY) -> list[str]:
    return [str(one) for one in read(text, stage) if isinstance(one, Problem)]


def with_cells(**cells: str) -> str:
    """A file of one good row in which some cells are other ones."""
    row = dict(zip(HEADER.split(","), ROW.split(","), strict=True)) | cells
    text = io.StringIO()
    csv.writer(text).writerows([row.keys(), row.values()])
    return text.getvalue()


def test_a_row_is_read() -> None:
    header = f"{HEADER},phone,total,jurisdiction,essential_date,comparable_item,comparable_price,colour"
    row = f"{ROW},+44 800 555 0100,58.50,us,2026-12-05,Herringbone throw,49.00,blue"
    (order,) = read(f"{header}\n{row}\n")
    assert isinstance(order, Order)
    assert (order.line, order.order_id, order.email, order.name) == (2, "10432", "jane@example.com", "Jane Doe")
    assert (order.price, order.paid, order.currency) == (Decimal("54.00"), Decimal("58.50"), "EUR")
    assert (order.charge_state, order.jurisdiction) == (ChargeState.HELD, Jurisdiction.US)
    assert (order.promised_ship_on, order.new_ship_on) == (date(2026, 11, 20), date(2026, 11, 27))
    assert (order.comparable_item, order.comparable_price) == ("Herringbone throw", Decimal("49.00"))
    assert order.more == {"colour": "blue"}


@pytest.mark.parametrize("sign", [",", ";", "\t"])
def test_whatever_a_spreadsheet_puts_between_cells_and_around_them(sign: str) -> None:
    text = f"\ufeff{HEADER}\r\n\r\n{ROW}\r\n,,,,,,,,,\r\n".replace(",", sign)
    (order,) = read(text.replace("Jane Doe", f'" Doe{"," if sign == "," else ";"} ""Jane"" "'))
    assert isinstance(order, Order)
    assert (order.line, order.name) == (3, 'Doe, "Jane"' if sign == "," else 'Doe; "Jane"')


def test_a_cell_of_two_lines_is_told_where_its_row_begins() -> None:
    rows = f"{HEADER}\n{ROW.replace('Jane Doe', chr(34) + 'Doe' + chr(10) + 'Jane' + chr(34))}\n{ROW},x\n"
    first, second = told(rows)
    assert first.startswith('orders.csv:2: column "name": "Doe\\u000aJane" is not possible here')
    assert second.startswith("orders.csv:4: 11 cells under 10 columns")


@pytest.mark.parametrize(
    ("column", "value", "message"),
    [
        ("email", "jane", '"jane" is not an e-mail address (write it like jane@example.com)'),
        ("email", "jane@example", "is not an e-mail address"),
        ("email", "jane..doe@example.com", "is not an e-mail address"),
        ("email", "jané@example.com", "is not an e-mail address"),
        ("email", "a" * 65 + "@example.com", "is not an e-mail address"),
        ("email", "a@x.example,b@evil.example", "is not one address (one address a row, without a name)"),
        ("email", "a@x.example;b@evil.example", "is not one address"),
        ("email", "Jane <jane@example.com>", "is not one address"),
        ("email", "a@x@evil.example", "is not one address"),
        ("email", "", "this cell is empty"),
        ("order_id", "1.0432E+09", 'a spreadsheet has turned this number into "1.0432E+09"'),
        ("order_id", "../../etc", "is not possible here"),
        ("name", "", "this cell is empty"),
        ("name", "Jane \u202e Doe", "is not possible here"),
        ("name", "x" * 201, "201 characters (at most 200)"),
        ("name", "=1+1", "this is a formula, or would be one in a spreadsheet (write the value itself)"),
        ("name", "@SUM(A1)", "this is a formula"),
        ("colour", "-2+3", "this is a formula"),
        ("name", "Win 500 EUR: http://evil.example", "holds a web address"),
        ("price", "\u0665\u0664", "is not an amount"),
        ("item", "#REF!", 'a spreadsheet has written "#REF!" here'),
        ("colour", "x" * 10_001, "10,001 characters (at most 10,000)"),
        ("price", "54,-", "is not an amount (write it like 54.00: digits, a point, no currency)"),
        ("price", "EUR 54", "is not an amount"),
        ("price", "1e5", "is not an amount"),
        ("price", "54.005", "54.005 has more digits than EUR has (round it)"),
        ("currency", "EURO", 'unknown currency "EURO" (a code of three capitals such as EUR)'),
        ("currency", "XQZ", "unknown currency"),
        ("currency", "JPY", "54.00 has more digits than JPY has"),
        ("charge_state", "payed", 'unknown charge_state "payed"'),
        ("charge_state", "refunded", 'column "refunded_on": this cell is empty, and the money has been sent back'),
        ("ordered_on", "22.11.2026", '"22.11.2026" is not a date (write it like 2026-11-22)'),
        ("ordered_on", "2026-02-30", "is not a date"),
        ("ordered_on", "20261101", "is not a date"),
        ("ordered_on", "1026-11-01", "is not a date"),
        ("ordered_on", "2026-11-21", "2026-11-20 is before the order, 2026-11-21"),
        ("promised_ship_on", "2026-11-27", "2026-11-27 is not after what was promised, 2026-11-27 (no delay?)"),
        ("notice_number", "0", '"0" is not possible here (1 to 20)'),
        ("notice_number", "first", '"first" is not a whole number'),
        ("phone", "ask Bob", "is not possible here (a number such as +44 800 555 0100)"),
        ("jurisdiction", "texas", "unknown jurisdiction"),
        ("marketing_ok", "maybe", "is neither yes nor no"),
        ("total", "50.00", "50.00 is less than the price, 54.00"),
        ("comparable_item", "Other throw", 'column "comparable_price": this cell is empty'),
        ("comparable_price", "20.00", 'column "comparable_item": this cell is empty'),
        ("locale", "English", "is not possible here"),
    ],
)
def test_each_mistake_is_told_with_row_and_column(column: str, value: str, message: str) -> None:
    (found,) = told(with_cells(**{column: value}))
    assert found.startswith('orders.csv:2: column "')
    assert message in found


def test_several_mistakes_of_a_row_are_told_at_once() -> None:
    assert len(told(with_cells(email="jane", price="54,00", ordered_on="yesterday"))) == 3


def test_a_renewed_notice_must_know_the_last_promise() -> None:
    assert told(with_cells(promised_ship_on="", notice_number="1")) == []
    (found,) = told(with_cells(promised_ship_on="", notice_number="2"))
    assert 'column "promised_ship_on": this cell is empty (the date promised last)' in found
    (found,) = told(with_cells(promised_ship_on="", ordered_on=""))
    assert 'column "promised_ship_on": this cell is empty (or ordered_on)' in found


@pytest.mark.parametrize(
    ("cells", "message"),
    [
        ({}, ""),
        ({"ordered_on": ""}, ""),
        (
            {"promised_ship_on": "2026-11-27"},
            'column "kept_on": it stands beside a promised_ship_on',
        ),
        ({"notice_number": "1"}, 'column "notice_number": a customer who has said KEEP has had a notice (2, or'),
    ],
)
def test_who_said_keep_without_a_date_has_had_a_notice_and_is_promised_nothing(
    cells: dict[str, str], message: str
) -> None:
    row = {"promised_ship_on": "", "notice_number": "2", "kept_on": "2026-11-21"} | cells
    found = told(with_cells(**row))
    assert [message in one for one in found] == ([True] if message else [])


@pytest.mark.parametrize(
    ("header", "messages"),
    [
        ("", ["the file is empty (its first row names the columns: order_id, email, name, item, price, currency)"]),
        (HEADER.replace("email", "e-mail"), ['the column "email" is missing (is it "e-mail"?)']),
        (f"{HEADER},jurisdicton", ['unknown column "jurisdicton" (is it "jurisdiction"?)']),
        (f"{HEADER},Total", ['unknown column "Total" (is it "total"?)']),
        (HEADER.replace("item,price,", ""), ['the column "item" is missing', 'the column "price" is missing']),
        (f"{HEADER},email", ['the column "email" stands here twice (keep one of the two)']),
        (HEADER.replace("ordered_on,promised_ship_on", "a,b"), ['the column "promised_ship_on" is missing']),
    ],
)
def test_a_wrong_header_is_told_by_itself(header: str, messages: list[str]) -> None:
    found = told(f"{header}\n{ROW}\n" if header else "")
    assert len(found) == len(messages)
    for one, message in zip(found, messages, strict=True):
        assert one.startswith(f"orders.csv:1: {message}")


def test_rows_of_another_length_and_quotation_marks_that_stay_open() -> None:
    long, short = f"{ROW},x", ROW.rsplit(",", 1)[0]
    found = told(f'{HEADER}\n{long}\n{ROW}\n{short}\n"{ROW}\n{ROW}\n')
    assert found[0].startswith("orders.csv:2: 11 cells under 10 columns")
    assert found[1].startswith("orders.csv:4: 9 cells under 10 columns")
    assert found[2].startswith("orders.csv:5: this row cannot be read")
    assert len(found) == 3


def test_what_a_stage_does_not_need_may_be_missing() -> None:
    plain = "order_id,email,name,item,price,currency\n10432,jane@example.com,Jane Doe,Zigzag throw,54.00,EUR\n"
    assert [type(one) for one in read(plain, Stage.PATIENCE)] == [Order]
    assert told(plain, Stage.APOLOGY) == ['orders.csv:1: the column "charge_state" is missing']


def test_memory_stays_flat_however_many_rows_there_are() -> None:
    def lines(count: int) -> Iterator[str]:
        yield HEADER + "\n"
        for number in range(count):
            yield ROW.replace("10432", str(number)) + "\n"

    def peak(count: int) -> int:
        tracemalloc.start()
        assert all(isinstance(one, Order) for one in read_orders(lines(count), "orders.csv", Stage.DELAY))
        size = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return size

    peak(10)
    assert peak(20_000) < 2 * peak(200) + 100_000


@given(st.lists(st.lists(st.text(max_size=20), min_size=1, max_size=12), max_size=8))
def test_whatever_stands_in_it_nothing_but_orders_and_problems_come_out(rows: list[list[str]]) -> None:
    text = HEADER + "\n" + "\n".join(",".join(cells) for cells in rows)
    for stage in Stage:
        assert all(isinstance(one, Order | Problem) for one in read(text, stage))
