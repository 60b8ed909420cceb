"""`meaculpa customers plan`: every letter before anything is sent, or every reason why there is none."""

import csv
import json
import os
import stat
from pathlib import Path
from typing import Any

import pytest

from meaculpa.customers.folder import FORMAT, new_folder
from meaculpa.folders import packaged_templates
from tests.making import CONFIG, incident_text, write_project
from tests.test_cli import meaculpa

MAIL = b"""mail:
  from: Northwind <orders@northwind.example>
  signed_by: Anna Berg
  transport: {type: smtp, host: mail}
"""
OFFERS = """kind: orders
reason: We counted one delivery twice.
budget: {currency: EUR, incident: 60, per_customer: 25}
offers:
  - {when: "order.price >= 50", give: gift_certificate, amount: 20, codes: gift-20.txt}
"""
THROWS = "2026-11-20-throws"
ROW = {
    "order_id": "10432",
    "email": "jane@example.com",
    "name": "Jane Doe",
    "item": "Zigzag throw",
    "price": "54.00",
    "currency": "EUR",
    "charge_state": "held",
    "ordered_on": "2026-11-01",
    "promised_ship_on": "2026-11-24",
    "new_ship_on": "2026-12-02",
    "locale": "en",
}
NOW = ("--now", "2026-11-22 12:00")


@pytest.fixture
def project(tmp_path: Path) -> Path:
    project = write_project(tmp_path / "shop", **{THROWS: incident_text(OFFERS)})
    (project / "meaculpa.yml").write_bytes(CONFIG + MAIL)
    codes = project / "private" / "codes"
    codes.mkdir(parents=True)
    (codes / "gift-20.txt").write_text("NW-1\nNW-2\nNW-3\nNW-4\n")
    return project


def orders(project: Path, *rows: dict[str, str]) -> str:
    path = project / "private" / "orders.csv"
    path.parent.mkdir(exist_ok=True)
    with path.open("w", newline="", encoding="utf-8") as stream:
        writer = csv.DictWriter(stream, ROW)
        writer.writeheader()
        writer.writerows([ROW | row for row in rows])
    return str(path)


def customer(number: int, **cells: str) -> dict[str, str]:
    return {"order_id": str(number), "email": f"c{number}@example.com", "name": f"Customer {number}", **cells}


def run(project: Path, file: str, *options: str, stage: str = "delay") -> Any:
    return meaculpa("customers", "plan", "throws", "--stage", stage, "--orders", file, *NOW, *options, cwd=project)


def letters(project: Path) -> list[dict[str, Any]]:
    lines = (
        (project / "private" / "plans" / f"{THROWS}-delay" / "letters.jsonl").read_text(encoding="utf-8").splitlines()
    )
    return [json.loads(line) for line in lines]


def skipped(project: Path) -> list[list[str]]:
    text = (project / "private" / "plans" / f"{THROWS}-delay" / "skipped.csv").read_text(encoding="utf-8")
    return list(csv.reader(text.splitlines()))


def test_a_plan_holds_every_letter_and_only_its_owner_may_read_it(project: Path) -> None:
    done = run(project, orders(project, customer(1), customer(2, price="24.00"), customer(3, new_ship_on="")))
    assert (done.returncode, done.stderr) == (0, "")
    assert "Planned 3 letters" in done.stdout
    assert "silence cancels 1 order on 2026-12-24" in done.stdout
    assert "2 × gift certificate" in done.stdout
    assert "goodwill, face value: 40 of 60 EUR" in done.stdout
    plan = project / "private" / "plans" / f"{THROWS}-delay"
    assert stat.S_IMODE(plan.stat().st_mode) == 0o700
    assert {stat.S_IMODE(path.stat().st_mode) for path in plan.iterdir()} == {0o600}
    written = letters(project)
    assert [one["recipient"] for one in written] == ["1", "2", "3"]
    assert [bool(one["grants"]) for one in written] == [True, False, True]
    assert {one["grants"][0]["code"] for one in written if one["grants"]} == {"NW-1", "NW-2"}
    page = (plan / "index.html").read_text(encoding="utf-8")
    assert all(f"c{number}@example.com" in page for number in (1, 2, 3))


def test_the_same_orders_give_the_same_plan(project: Path) -> None:
    file = orders(project, customer(1), customer(2))
    digests = [json.loads(run(project, file, "--json").stdout)["digest"] for _ in range(2)]
    assert digests[0] == digests[1]
    other = orders(project, customer(1), customer(2, item="Oak bench"))
    assert json.loads(run(project, other, "--json").stdout)["digest"] != digests[0]


def test_one_bad_row_and_there_is_no_plan(project: Path) -> None:
    file = orders(project, customer(1), customer(2, email="two@x.example, three@x.example"), customer(1))
    done = run(project, file)
    assert done.returncode == 1
    told = done.stderr.splitlines()
    assert 'orders.csv:3: column "email": "two@x.example, three@x.example" is not one address' in told[0]
    assert 'orders.csv:4: column "order_id": the order 1 stands in row 2 already' in told[1]
    assert "There is no plan, and nothing was sent." in told[2]
    assert not (project / "private" / "plans" / f"{THROWS}-delay").exists()


def test_a_file_of_nothing_but_mistakes_ends_at_a_thousand(project: Path) -> None:
    done = run(project, orders(project, *(customer(number, email="nobody") for number in range(1_500))))
    assert done.returncode == 1
    assert "there may be more mistakes; the rest was not read" in done.stderr
    assert len(done.stderr.splitlines()) == 1_002


def test_bad_rows_are_left_out_only_when_asked_and_listed(project: Path) -> None:
    file = orders(project, customer(1), customer(2, email="nobody"), customer(3, price="=1+1"))
    done = run(project, file, "--skip-bad-rows")
    assert done.returncode == 0
    assert "2 left out, see private/plans/2026-11-20-throws-delay/skipped.csv" in done.stdout
    assert [row[0] for row in skipped(project)] == ["row", "3", "4"]
    assert [one["recipient"] for one in letters(project)] == ["1"]


def test_what_a_letter_that_is_left_out_was_to_get_is_not_lost(project: Path) -> None:
    file = orders(project, customer(1, name="TBD"), customer(2))
    assert run(project, file, "--skip-bad-rows").returncode == 0
    (letter,) = letters(project)
    assert letter["grants"][0]["code"] == "NW-1"
    assert (
        json.loads((project / "private" / "plans" / f"{THROWS}-delay" / "plan.json").read_text())["goodwill"] == "20"
    )


def test_a_header_that_is_wrong_is_no_bad_row(project: Path) -> None:
    path = project / "orders.csv"
    path.write_text("order_id,email\n1,a@example.com\n")
    done = run(project, str(path), "--skip-bad-rows")
    assert done.returncode == 1
    assert 'the column "name" is missing' in done.stderr


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "the file is empty"),
        (
            (",".join(ROW) + "\n1,Jürgen\n").encode("latin-1"),
            'orders.csv:2: this is not UTF-8 text (save it as "CSV UTF-8"',
        ),
        ("order_id,name\n1,Jane\n".encode("utf-16"), "orders.csv:1: this is not UTF-8 text"),
        (b"PK\x03\x04\x00\x00 a workbook", "orders.csv:1: this is not a CSV file"),
        (",".join(ROW).encode() + b"\n", "not one order gets a letter"),
    ],
)
def test_a_file_that_is_none_is_told_in_one_line(project: Path, content: bytes, message: str) -> None:
    path = project / "orders.csv"
    path.write_bytes(content)
    done = run(project, str(path))
    assert done.returncode == 1
    assert message in done.stderr
    assert "Traceback" not in done.stderr


def test_above_the_budget_or_without_codes_there_is_no_plan(project: Path) -> None:
    done = run(project, orders(project, *(customer(number) for number in range(4))))
    assert (done.returncode, "the offers come to 80, above the budget of 60 EUR" in done.stderr) == (1, True)
    (project / "private" / "codes" / "gift-20.txt").write_text("NW-1\n")
    done = run(project, orders(project, customer(1), customer(2), customer(3)))
    assert (done.returncode, "2 codes are missing (fill private/codes/gift-20.txt)" in done.stderr) == (1, True)
    (project / "private" / "codes" / "gift-20.txt").unlink()
    assert "the pool of codes cannot be read" in run(project, orders(project, customer(1))).stderr


def test_what_somebody_approved_may_be_above_the_budget(project: Path) -> None:
    path = project / "incidents" / f"{THROWS}.md"
    path.write_text(path.read_text().replace("per_customer: 25", "per_customer: 25, approved_by: A. Berg"))
    done = run(project, orders(project, *(customer(number) for number in range(4))))
    assert (done.returncode, "above it, approved" in done.stdout) == (0, True)


@pytest.mark.parametrize(
    ("old", "new", "stage", "message"),
    [
        ("reason: We counted one delivery twice.\n", "", "delay", '"reason" is missing'),
        ("kind: orders", "kind: notice", "delay", "an incident of kind notice has no stage delay"),
        ("kind: orders", "kind: outage\nimpact: major", "restored", "it is not resolved yet"),
        ("order.price >= 50", "order.price >=", "delay", 'the condition "order.price >=" cannot be read'),
        ("order.price >= 50", "order.prise >= 50", "delay", "cannot be decided"),
        ("amount: 20", "amount: 30", "delay", "is worth 30, above the cap of 25 for one customer"),
        ("We counted one delivery twice.", "We are sorry if it hurt you.", "delay", "MC102"),
        (
            "give: gift_certificate, amount: 20, codes: gift-20.txt",
            "give: refund",
            "delay",
            "has no place in a letter",
        ),
        ("codes: gift-20.txt", "codes: gift-20.txt, expires: 2026-11-21", "delay", "expired on 2026-11-21"),
        ("budget: {currency: EUR, incident: 60, per_customer: 25}\n", "", "delay", 'needs a "budget"'),
    ],
)
def test_what_a_letter_lacks_is_told_before_there_is_one(
    project: Path, old: str, new: str, stage: str, message: str
) -> None:
    path = project / "incidents" / f"{THROWS}.md"
    path.write_text(path.read_text().replace(old, new))
    done = run(project, orders(project, customer(1)), stage=stage)
    assert (done.returncode, message in done.stderr) == (1, True), done.stderr


def test_nobody_signs_no_letter(project: Path) -> None:
    (project / "meaculpa.yml").write_bytes(CONFIG + MAIL.replace(b"  signed_by: Anna Berg\n", b""))
    assert '"signed_by" is missing in "mail"' in run(project, orders(project, customer(1))).stderr
    (project / "meaculpa.yml").write_bytes(CONFIG)
    assert '"mail" is missing' in run(project, orders(project, customer(1))).stderr


@pytest.mark.parametrize("place", ["public/plan", "incidents", "assets/x", "site_templates"])
def test_letters_never_lie_where_they_would_be_published(project: Path, place: str) -> None:
    done = run(project, orders(project, customer(1)), "--out", str(project / place))
    assert (done.returncode, "is published, and personal data never is" in done.stderr) == (1, True)


def test_a_plan_replaces_a_plan_and_nothing_else(project: Path) -> None:
    file = orders(project, customer(1))
    for _ in range(2):
        assert run(project, file).returncode == 0
    assert sorted(path.name for path in (project / "private").iterdir()) == [
        "codes",
        "ledger.db",
        "orders.csv",
        "plans",
    ]
    other = project / "private" / "mine"
    other.mkdir()
    (other / "thesis.txt").write_text("years of work")
    done = run(project, file, "--out", str(other))
    assert (done.returncode, "holds something else than a plan" in done.stderr) == (1, True)
    assert (other / "thesis.txt").read_text() == "years of work"


def test_a_plan_that_fails_leaves_the_one_before_it(project: Path) -> None:
    assert run(project, orders(project, customer(1))).returncode == 0
    assert run(project, orders(project, customer(2, email="nobody"))).returncode == 1
    assert [one["recipient"] for one in letters(project)] == ["1"]
    assert sorted(path.name for path in (project / "private").iterdir()) == [
        "codes",
        "ledger.db",
        "orders.csv",
        "plans",
    ]


def test_many_letters_are_leafed_through_by_fifties(project: Path) -> None:
    path = project / "incidents" / f"{THROWS}.md"
    path.write_text(incident_text("kind: orders\nreason: We counted one delivery twice.\n"))
    assert run(project, orders(project, *(customer(number) for number in range(120)))).returncode == 0
    plan = project / "private" / "plans" / f"{THROWS}-delay"
    pages = [plan / "index.html", plan / "index-2.html", plan / "index-3.html"]
    assert [page.read_text(encoding="utf-8").count("<details") for page in pages] == [50, 50, 20]
    assert 'href="index-2.html"' in pages[0].read_text(encoding="utf-8")


def test_a_cell_that_a_spreadsheet_would_run_is_written_as_text(project: Path) -> None:
    file = orders(project, customer(1), customer(2, email="=HYPERLINK(1)"))
    assert run(project, file, "--skip-bad-rows").returncode == 0
    for row in skipped(project):
        assert not any(cell.startswith(("=", "+", "-", "@")) for cell in row)


# ---- What an attack found


def test_a_folder_that_merely_looks_like_a_plan_is_left_alone(project: Path) -> None:
    other = project / "private" / "terraform"
    other.mkdir()
    (other / "plan.json").write_text("{}")
    (other / "main.tf").write_text("precious")
    done = run(project, orders(project, customer(1)), "--out", str(other))
    assert (done.returncode, "holds something else than a plan" in done.stderr) == (1, True)
    assert (other / "main.tf").read_text() == "precious"


def test_what_somebody_put_beside_a_plan_is_not_lost(project: Path) -> None:
    file = orders(project, customer(1))
    assert run(project, file).returncode == 0
    plan = project / "private" / "plans" / f"{THROWS}-delay"
    inside = plan / "orders.csv"
    inside.write_text(Path(file).read_text())
    assert "put it somewhere else" in run(project, str(inside)).stderr
    assert "holds orders.csv beside the plan" in run(project, file).stderr
    assert inside.exists()


def test_no_stage_takes_the_place_of_another(project: Path) -> None:
    file = orders(project, customer(1))
    assert run(project, file).returncode == 0
    assert run(project, file, stage="apology").returncode == 0
    assert len(list((project / "private" / "plans").iterdir())) == 2
    place = str(project / "private" / "plans" / f"{THROWS}-delay")
    assert f"holds the plan of {THROWS}, delay" in run(project, file, "--out", place, stage="apology").stderr


def test_a_code_that_another_plan_gives_away_is_not_given_again(project: Path) -> None:
    assert run(project, orders(project, customer(1))).returncode == 0
    assert run(project, orders(project, customer(2)), stage="apology").returncode == 0
    written = (project / "private" / "plans" / f"{THROWS}-apology" / "letters.jsonl").read_text()
    assert json.loads(written)["grants"][0]["code"] == "NW-2"
    assert run(project, orders(project, customer(1))).returncode == 0
    assert letters(project)[0]["grants"][0]["code"] == "NW-1", "planned again, its own codes are free"


def test_nobody_asks_for_patience_when_it_is_over_nor_says_so_when_it_has_begun_again(project: Path) -> None:
    path = project / "incidents" / f"{THROWS}.md"
    over = "## 2026-11-20 09:20 investigating\n\nx\n\n## 2026-11-20 10:20 resolved\n\nYou can pay again.\n"
    again = f"{over}\n## 2026-11-20 11:20 investigating\n\nIt is back.\n"
    for updates, patience, restored in ((over, 1, 0), (again, 0, 1)):
        path.write_text(incident_text("kind: outage\nimpact: major\n", updates=updates))
        for stage, code in (("patience", patience), ("restored", restored)):
            assert run(project, orders(project, customer(1)), stage=stage).returncode == code, stage


def test_a_translation_with_a_mistake_is_not_passed_over(project: Path) -> None:
    (project / "incidents" / f"{THROWS}.de.md").write_text("---\ntitle: x\n---\n\n## yesterday\n\nx\n")
    done = run(project, orders(project, customer(1, locale="de")))
    assert (done.returncode, f"{THROWS}.de.md" in done.stderr) == (1, True)
    (project / "incidents" / f"{THROWS}.de.md").unlink()
    done = run(project, orders(project, customer(1, locale="de")))
    assert (done.returncode, "1 letter not in the customer’s language" in done.stdout) == (0, True)


def test_an_order_that_is_cancelled_gets_nothing_that_travels_with_it(project: Path) -> None:
    path = project / "incidents" / f"{THROWS}.md"
    offer = '  - {when: "true", give: free_delivery, cost: 4.50, also: true}\n'
    path.write_text(path.read_text().replace("codes: gift-20.txt}\n", f"codes: gift-20.txt}}\n{offer}"))
    late = customer(1, promised_ship_on="2026-11-20")
    assert run(project, orders(project, late, customer(2))).returncode == 0
    assert [len(one["grants"]) for one in letters(project)] == [1, 2]


def test_a_plan_that_cannot_take_its_place_leaves_the_one_before_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    place, renamed, rename = tmp_path / "plan", list[Path](), Path.rename
    place.mkdir()
    basis = {"incident": "x", "stage": "delay"}
    (place / "plan.json").write_text(json.dumps({"format": FORMAT, "digest": "d", "basis": basis}))

    def fail(self: Path, target: Path) -> Path:
        renamed.append(self)
        if len(renamed) == 2:
            raise OSError("no space left")
        return rename(self, target)

    monkeypatch.setattr(Path, "rename", fail)
    with pytest.raises(OSError, match="no space"), new_folder(place, "x", "delay") as folder:
        (folder / "plan.json").write_text("new")
    assert [path.name for path in tmp_path.iterdir()] == ["plan"]
    assert json.loads((place / "plan.json").read_text())["basis"] == basis


@pytest.mark.parametrize("kind", ["fifo", "device"])
def test_orders_that_can_be_read_only_once_are_refused(project: Path, kind: str) -> None:
    path = project / "private" / "orders"
    if kind == "fifo":
        os.mkfifo(path)
    else:
        path = Path("/dev/null")
    done = run(project, str(path))
    assert (done.returncode, "no file that can be read twice" in done.stderr) == (1, True)


def test_a_language_without_letters_is_told_or_left_out(project: Path) -> None:
    config = (project / "meaculpa.yml").read_bytes()
    (project / "meaculpa.yml").write_bytes(config.replace(b"[en, de]", b"[en-GB]"))
    strings = project / "site_templates" / "locales"
    strings.mkdir(parents=True)
    (strings / "en-GB.yml").write_bytes((packaged_templates() / "locales" / "en.yml").read_bytes())
    done = run(project, orders(project, customer(1)))
    assert (done.returncode, "there are no letters in en-GB" in done.stderr) == (1, True), done.stderr
    (project / "meaculpa.yml").write_bytes(config.replace(b"[en, de]", b"[en, en-GB]"))
    assert run(project, orders(project, customer(1, locale="en-GB"))).returncode == 0


@pytest.mark.parametrize("text", ["{% if %}", "Subject\n\n{{ nothing }}"])
def test_a_template_of_ones_own_with_a_mistake_is_told(project: Path, text: str) -> None:
    folder = project / "site_templates" / "letters" / "en"
    folder.mkdir(parents=True)
    (folder / "delay.txt.j2").write_text(text)
    done = run(project, orders(project, customer(1)))
    assert (done.returncode, "site_templates/letters/" in done.stderr) == (1, True)
    assert "Traceback" not in done.stderr


def test_orders_that_name_no_law_are_under_that_of_the_shop(project: Path) -> None:
    file = orders(project, customer(1, new_ship_on=""))
    assert "silence cancels 1 order" in run(project, file).stdout
    path = project / "meaculpa.yml"
    path.write_text(path.read_text().replace("timezone: Europe/London", "timezone: Europe/London, jurisdiction: eu"))
    done = run(project, file)
    assert (done.returncode, "silence cancels" in done.stdout) == (0, False)
    assert "Your order stays as it is; you need not confirm it." in done.stdout


def test_orders_that_would_be_published_are_refused_and_others_warned_of(project: Path) -> None:
    file = project / "orders.csv"
    file.write_bytes(Path(orders(project, customer(1))).read_bytes())
    assert "orders.csv may be committed with the project: put it into private/" in run(project, str(file)).stderr
    for folder in ("public", "assets", "incidents"):
        (project / folder).mkdir(exist_ok=True)
        place = project / folder / "orders.csv"
        place.write_bytes(file.read_bytes())
        done = run(project, str(place))
        assert (done.returncode, "is published, and personal data never is" in done.stderr) == (1, True)
        place.unlink()
    private = project / "private" / "orders.csv"
    private.write_bytes(file.read_bytes())
    assert run(project, str(private)).stderr == ""
