"""The team hears of every update once: messages through apprise to services that refuse, hang and cut the line."""

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path

import pytest

from meaculpa.channels import Notice, Outcome
from meaculpa.channels.messenger import Overheard
from meaculpa.channels.news import News
from meaculpa.channels.record import (
    RECORD_PATH,
    Entry,
    Record,
    bring,
    claim,
    claimed,
    due,
    merge,
    read_record,
    recognise,
    settle,
)
from meaculpa.channels.telling import Own, tell
from meaculpa.cli.drill.scenario import build_stage
from meaculpa.config import Channel
from meaculpa.errors import TargetError
from meaculpa.manifest import MANIFEST_PATH, Index
from meaculpa.model import OutputFile
from meaculpa.render.message import Message, Tone
from tests.conftest import make_bucket
from tests.live import eventually, running
from tests.mailserver import mail_server
from tests.making import CONFIG, a_config, at, incident_text, write_project
from tests.memory import MemoryTarget
from tests.servers import ACCESS_KEY, SECRET_KEY
from tests.service import Service, a_service
from tests.test_cli import meaculpa

NOW = "2026-11-22 09:30"
FIRST = (
    "## 2026-11-22 09:20 UTC investigating\ncheckout: major_outage\nnext_update: 2026-11-22 10:00 UTC\n\n"
    "You cannot pay **by card**. [PayPal](https://shop.example/paypal) works.\n"
)
SECOND = "\n## 2026-11-22 09:25 UTC identified\n\nWe know the cause.\n"
RESOLVED = "\n## 2026-11-22 09:28 UTC resolved\n\nYou can pay by card again.\n"
CARD = "2026-11-22-card"
CHAT = Channel(name="chat", url="${CHAT_URL}")


@pytest.fixture
def service() -> Iterator[Service]:
    with a_service() as found:
        yield found


@pytest.fixture
def project(tmp_path: Path) -> Path:
    project = write_project(tmp_path / "shop", **{CARD: incident_text(updates=FIRST)})
    (project / "meaculpa.yml").write_bytes(CONFIG + b"channels:\n  - name: chat\n    url: ${CHAT_URL}\n")
    return project


def publish(project: Path, service: Service, now: str = NOW, **more: str) -> subprocess.CompletedProcess[str]:
    return meaculpa("publish", "--now", now, cwd=project, CHAT_URL=service.url, **more)


def write(project: Path, updates: str, name: str = CARD) -> None:
    (project / "incidents" / f"{name}.md").write_text(incident_text(updates=updates), encoding="utf-8")


def outcomes(project: Path) -> list[str]:
    record = read_record((project / "public" / RECORD_PATH).read_bytes())
    return [str(entry.outcome) for entry in record.entries.values()]


# ---- What is told


def test_an_update_is_told_with_all_that_stands_on_the_page(project: Path, service: Service) -> None:
    done = publish(project, service)
    assert done.returncode == 0
    assert f"chat: told of {CARD} (22 Nov 09:20 UTC)" in done.stdout
    (text,) = service.texts
    assert text == (
        "Northwind: You cannot pay by card\n"
        "Investigating, 22 Nov 2026, 09:20 GMT\n\n"
        "You cannot pay by card. PayPal (https://shop.example/paypal) works.\n\n"
        "Affected: Checkout (Does not work)\n"
        "Next update by 22 Nov 2026, 10:00 GMT\n\n"
        "https://status.northwind.example/incidents/2026-11-22-card.html"
    )
    assert service.taken[0]["type"] == "warning"


def test_each_update_is_one_message_in_its_order_and_the_promise_stands_with_the_newest(
    project: Path, service: Service
) -> None:
    write(project, FIRST + SECOND + RESOLVED)
    publish(project, service)
    assert [text.split("\n")[1].split(",")[0] for text in service.texts] == [
        "Investigating",
        "Cause found",
        "Resolved",
    ]
    assert "Next update by" not in "".join(service.texts)
    assert [one["type"] for one in service.taken] == ["warning", "warning", "success"]


def test_a_channel_hears_in_its_own_language_where_there_is_one(project: Path, service: Service) -> None:
    config = CONFIG + b"channels:\n  - name: chat\n    url: ${CHAT_URL}\n    locale: de\n"
    (project / "meaculpa.yml").write_bytes(config)
    heading = "## 2026-11-22 09:20 UTC investigating"
    german = f"---\ntitle: Sie k\u00f6nnen nicht zahlen\n---\n\n{heading}\n\nKarten gehen nicht.\n"
    (project / "incidents" / f"{CARD}.de.md").write_text(german, encoding="utf-8")
    write(project, FIRST + SECOND)
    publish(project, service)
    first, second = service.texts
    assert "Sie können nicht zahlen" in first
    assert "Karten gehen nicht." in first
    assert "/de/incidents/" in first
    assert "You cannot pay by card\nCause found" in second
    assert "/de/" not in second


def test_planned_work_tells_its_window_by_the_clock_of_the_shop(project: Path, service: Service) -> None:
    front = "kind: maintenance\nstarts: 2026-11-26 02:00 UTC\nends: 2026-11-26 04:00 UTC\n"
    text = incident_text(front, "## 2026-11-22 09:20 UTC scheduled\n\nYou cannot order from {start} on.\n")
    (project / "incidents" / f"{CARD}.md").write_text(text, encoding="utf-8")
    publish(project, service)
    assert "You cannot order from 26 Nov 2026, 02:00 GMT on." in service.texts[0]
    assert "When: 26 Nov 2026, 02:00 GMT \u2013 26 Nov 2026, 04:00 GMT" in service.texts[0]
    assert service.taken[0]["type"] == "info"


def test_a_service_with_little_room_gets_one_short_message_that_ends_with_the_address(
    project: Path, tmp_path: Path
) -> None:
    """Mastodon takes 500 signs; a second message would be a second notice."""
    write(project, FIRST.replace("works.", "works. " + "There is more to say about it. " * 30))
    with a_service() as mastodon:
        done = meaculpa("publish", "--now", NOW, cwd=project, CHAT_URL=f"mastodon://token@127.0.0.1:{mastodon.port}")
    assert mastodon.asked == 1, done.stderr
    (post,) = mastodon.taken
    assert post["status"] == (
        "Northwind: You cannot pay by card. Investigating. Affected: Checkout (Does not work). "
        "Next update by 22 Nov 2026, 10:00 GMT. https://status.northwind.example/incidents/2026-11-22-card.html"
    )


def test_the_shortest_form_fits_into_one_message_of_a_phone() -> None:
    from meaculpa.render.message import SHORTEST, _shortest

    page = "https://status.northwind.example/incidents/2026-11-22-card.html"
    for length in (5, 50, 500):
        text = _shortest("x" * length, "Investigating", page)
        assert len(text) <= SHORTEST
        assert text.endswith(page)


# ---- Once


def test_nothing_is_told_twice(project: Path, service: Service) -> None:
    publish(project, service)
    publish(project, service)
    write(project, FIRST.replace("cannot pay", "can not pay"))
    publish(project, service)
    assert len(service.taken) == 1


def test_another_time_or_another_name_of_the_file_makes_no_second_message(project: Path, service: Service) -> None:
    publish(project, service)
    write(project, FIRST.replace("09:20", "09:22"))
    assert publish(project, service).returncode == 0
    write(project, FIRST.replace("09:20", "09:22").replace("by card", "by any card"))
    assert publish(project, service).returncode == 0
    (project / "incidents" / f"{CARD}.md").rename(project / "incidents" / "2026-11-22-pay.md")
    done = meaculpa("publish", "--force", "--now", NOW, cwd=project, CHAT_URL=service.url)
    assert (done.returncode, "published: " in done.stdout) == (0, True), done.stderr
    assert len(service.taken) == 1


def test_the_same_words_in_another_incident_are_told(project: Path, service: Service) -> None:
    """What was told and has vanished stands for one update, and not for everything that is ever said so again."""
    write(project, FIRST + RESOLVED)
    publish(project, service)
    write(project, FIRST + RESOLVED.replace("09:28", "09:29"))
    publish(project, service)
    assert len(service.taken) == 2
    again = FIRST.replace("next_update: 2026-11-22 10:00 UTC\n", "").replace("09:20", "10:20")
    write(project, again + RESOLVED.replace("09:28", "10:28"), "2026-11-22-other")
    assert publish(project, service, "2026-11-22 10:30").returncode == 0
    assert len(service.taken) == 4


def test_two_updates_of_one_minute_are_two(project: Path, service: Service) -> None:
    publish(project, service)
    head, front = FIRST, SECOND.replace("09:25", "09:20").lstrip()
    write(project, f"{front}\n{head}")
    publish(project, service)
    publish(project, service)
    assert sorted("We know the cause." in text for text in service.texts) == [False, True]


def test_the_same_words_said_again_are_told_again(project: Path, service: Service) -> None:
    publish(project, service)
    write(project, FIRST + FIRST.replace("09:20", "09:24"))
    publish(project, service)
    assert len(service.taken) == 2


def test_a_new_channel_hears_of_the_last_hour_and_a_known_one_of_what_comes_late(
    project: Path, service: Service
) -> None:
    write(project, FIRST)
    publish(project, service, "2026-11-22 10:40")
    assert service.taken == []
    write(project, FIRST + SECOND.replace("09:25", "10:30"))
    publish(project, service, "2026-11-22 15:00")
    assert len(service.taken) == 1
    write(project, FIRST + SECOND.replace("09:25", "10:30") + RESOLVED.replace("09:28", "15:01"))
    publish(project, service, "2026-11-23 15:30")
    assert len(service.taken) == 1


def test_many_publishers_at_once_tell_it_once(tmp_path: Path, seaweed: str) -> None:
    make_bucket(seaweed, "channels-at-once")
    target = f"  - {{name: s3, type: s3, bucket: channels-at-once, endpoint_url: '{seaweed}', region: us-east-1}}\n"
    config = CONFIG.replace(b"  - {name: local, type: directory, path: public}\n", target.encode())
    keys = {"AWS_ACCESS_KEY_ID": ACCESS_KEY, "AWS_SECRET_ACCESS_KEY": SECRET_KEY}
    with a_service() as service:
        machines = []
        for number in range(4):
            project = write_project(tmp_path / str(number), **{CARD: incident_text(updates=FIRST + SECOND)})
            (project / "meaculpa.yml").write_bytes(config + b"channels:\n  - name: chat\n    url: ${CHAT_URL}\n")
            machines.append(project)
        with ThreadPoolExecutor(4) as threads:
            done = list(threads.map(lambda project: publish(project, service, **keys), machines))
    assert [one.returncode for one in done] == [0] * 4, [one.stderr for one in done]
    assert len(service.taken) == 2
    assert "".join(one.stdout for one in done).count("told of") == 2


def test_who_is_killed_while_sending_leaves_a_doubt_and_no_second_message(project: Path) -> None:
    with a_service("slow", 200) as service:
        environment = {**os.environ, "CHAT_URL": service.url}
        command = [sys.executable, "-m", "meaculpa", "-C", str(project), "publish", "--now", NOW]
        process = subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        eventually(lambda: service.taken, "the message is on its way")
        process.send_signal(signal.SIGKILL)
        process.wait()
        assert publish(project, service).returncode == 0
        shown = meaculpa("channels", "--now", "2026-11-22 10:30", cwd=project, CHAT_URL=service.url)
    assert len(service.taken) == 1
    assert "may have been told of" in shown.stdout


# ---- Not taken


def test_what_is_refused_is_tried_again_and_taken_once(project: Path) -> None:
    with a_service(503, 429, 200) as service:
        done = publish(project, service)
    assert done.returncode == 0
    assert (service.asked, len(service.taken)) == (3, 1)
    assert outcomes(project) == ["told"]


def test_a_refusal_fails_no_publish_and_the_next_one_tries_again(project: Path) -> None:
    with a_service(404) as service:
        done = publish(project, service)
        assert done.returncode == 0
        assert "the service answers 404" in done.stderr
        assert "You cannot pay" in (project / "public" / "incidents" / f"{CARD}.html").read_text(encoding="utf-8")
        assert outcomes(project) == ["waiting"]
        assert meaculpa("channels", "--now", NOW, cwd=project, CHAT_URL=service.url).returncode == 3
        service.answers = [200]
        publish(project, service)
    assert len(service.taken) == 1
    assert outcomes(project) == ["told"]


@pytest.mark.parametrize("answer", ["cut", 504])
def test_what_may_have_arrived_is_never_sent_again(project: Path, answer: int | str) -> None:
    with a_service(answer, 200) as service:
        done = publish(project, service)
        publish(project, service)
    assert service.asked == 1
    assert "may have been told" in done.stderr
    assert outcomes(project) == ["unsure"]


def test_nobody_there_is_a_message_that_waits(project: Path) -> None:
    with socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))
        url = f"json://127.0.0.1:{nobody.getsockname()[1]}/"
        done = meaculpa("publish", "--now", NOW, cwd=project, CHAT_URL=url)
    assert "the service cannot be reached" in done.stderr
    assert outcomes(project) == ["waiting"]


@pytest.mark.parametrize(
    ("answer", "outcome"),
    [("elsewhere", "unsure"), ("other", "told"), ("circle", "waiting"), ("nowhere", "unsure"), (408, "waiting")],
)
def test_an_address_that_leads_elsewhere_may_have_lost_the_message(
    project: Path, answer: int | str, outcome: str
) -> None:
    """A POST that is redirected goes on as a GET; after 303 it was taken before, in circles it never is."""
    with a_service(answer) as service:
        publish(project, service)
    assert outcomes(project) == [outcome]


def test_later_updates_wait_for_the_earlier_one(project: Path) -> None:
    write(project, FIRST + SECOND)
    with a_service(500, 500, 500, 200) as service:
        publish(project, service)
        assert service.taken == []
        publish(project, service)
    assert ["Investigating" in text for text in service.texts] == [True, False]


def test_of_several_recipients_of_one_address_nobody_gets_it_twice(project: Path) -> None:
    with a_service(200, 503) as service:
        url = f"mmost://127.0.0.1:{service.port}/{'a' * 26}?to=one,two"
        with_texts = [meaculpa("publish", "--now", NOW, cwd=project, CHAT_URL=url) for _ in range(2)]
    assert service.asked == 2, with_texts[0].stderr
    assert "not everybody whom the address names may have got it" in with_texts[0].stderr


def test_mail_is_tried_again_after_a_no_and_never_after_silence(project: Path) -> None:
    scripts = ((["450 later", "250 OK"], "told", 1), (["cut", "250 OK"], "unsure", 1), (["550 no"], "waiting", 0))
    for answers, told, expected in scripts:
        write(project, FIRST)
        (project / "public" / RECORD_PATH).unlink(missing_ok=True)
        with mail_server() as server:
            server.on_data = {"*": answers}
            url = f"mailto://127.0.0.1:{server.port}?from=status@shop.example&to=team@shop.example"
            done = meaculpa("publish", "--now", NOW, cwd=project, CHAT_URL=url)
        assert outcomes(project) == [told], done.stderr
        assert server.count == expected
        write(project, FIRST.replace("card", "any card"))


def test_mail_that_some_have_got_is_not_sent_again(project: Path) -> None:
    with mail_server() as server:
        server.on_rcpt = {"gone@shop.example": ["550 no such user"]}
        url = f"mailto://127.0.0.1:{server.port}?from=status@shop.example&to=team@shop.example&cc=gone@shop.example"
        done = [meaculpa("publish", "--now", NOW, cwd=project, CHAT_URL=url) for _ in range(2)]
    assert server.count == 1, done[0].stderr
    assert outcomes(project) == ["unsure"]


def test_a_mail_server_that_lets_nobody_in_has_taken_nothing(project: Path) -> None:
    with mail_server() as server:
        server.on_mail = "530 log in first"
        url = f"mailto://127.0.0.1:{server.port}?from=status@shop.example&to=team@shop.example"
        done = meaculpa("publish", "--now", NOW, cwd=project, CHAT_URL=url)
    assert outcomes(project) == ["waiting"]
    assert "the mail server says no (530)" in done.stderr


def test_an_answer_that_is_cut_leaves_a_doubt_whatever_comes_after(project: Path) -> None:
    with a_service("cut", 503, 200) as service:
        url = f"mmost://127.0.0.1:{service.port}/{'a' * 26}?to=one,two"
        for _ in range(2):
            meaculpa("publish", "--now", NOW, cwd=project, CHAT_URL=url)
    assert service.asked == 2
    assert outcomes(project) == ["unsure"]


@pytest.mark.parametrize("name", ["Anna\u2019s Shop", "\u0141\u00f3d\u017a Outdoor", "\u041c\u0430\u0433"])
def test_a_shop_may_be_called_anything(project: Path, service: Service, name: str) -> None:
    config = (project / "meaculpa.yml").read_bytes().replace(b"name: Northwind,", f"name: {name},".encode())
    (project / "meaculpa.yml").write_bytes(config)
    publish(project, service)
    assert service.texts[0].startswith(f"{name}: You cannot pay by card")


def test_nothing_is_imported_from_the_folder_that_we_are_in(project: Path, service: Service) -> None:
    for name in ("apprise", "requests", "json", "markdown"):
        (project / f"{name}.py").write_text("raise SystemExit('imported')")
    environment = {**os.environ, "CHAT_URL": service.url}
    command = [sys.executable, "-P", "-m", "meaculpa", "publish", "--now", NOW]
    done = subprocess.run(command, cwd=project, env=environment, capture_output=True, text=True, check=False)
    assert (done.returncode, len(service.taken)) == (0, 1), done.stderr


def test_without_its_address_a_channel_waits_and_the_others_hear(project: Path, service: Service) -> None:
    config = CONFIG + b"channels:\n  - name: chat\n    url: ${CHAT_URL}\n  - name: sms\n    url: ${SMS_URL}\n"
    (project / "meaculpa.yml").write_bytes(config)
    done = publish(project, service)
    assert "sms: not told of" in done.stderr
    assert "SMS_URL is not set here" in done.stderr
    assert len(service.taken) == 1
    assert done.returncode == 0


def test_nothing_is_told_of_what_no_target_took(project: Path, service: Service) -> None:
    (project / "public").write_text("in the way")
    done = publish(project, service)
    assert done.returncode == 3
    assert service.asked == 0


def test_a_dry_run_and_a_hold_tell_nobody(project: Path, service: Service) -> None:
    meaculpa("publish", "--dry-run", "--now", NOW, cwd=project, CHAT_URL=service.url)
    assert service.asked == 0
    publish(project, service)
    write(project, FIRST + SECOND)
    publish(project, service)
    assert meaculpa("rollback", "previous", cwd=project).returncode == 0
    write(project, FIRST + SECOND + RESOLVED)
    assert "a rollback has put build" in publish(project, service).stderr
    assert len(service.taken) == 2


def test_no_secret_is_ever_shown(project: Path) -> None:
    with a_service(500) as service:
        said = [publish(project, service)]
        said += [
            meaculpa(*words, cwd=project, CHAT_URL=service.url)
            for words in (
                ("channels",),
                ("channels", "--json"),
                ("channels", "--test"),
                ("doctor",),
                ("publish", "--json", "--now", NOW),
            )
        ]
    shown = "".join(one.stdout + one.stderr for one in said) + (project / "public" / RECORD_PATH).read_text()
    assert "hunter2" not in shown
    assert "secret-path" not in shown


def test_programs_learn_what_was_told(project: Path, service: Service) -> None:
    done = meaculpa("publish", "--json", "--now", NOW, cwd=project, CHAT_URL=service.url)
    told = json.loads(done.stdout)["channels"]
    assert told == [{"channel": "chat", "update": f"{CARD} 2026-11-22T09:20Z", "outcome": "told", "why": None}]


# ---- While watching


def test_a_watch_tells_what_it_publishes_and_goes_on_trying(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    moment = time.strftime("%Y-%m-%d %H:%M UTC", time.gmtime())
    update = f"## {moment} investigating\n\nYou cannot pay by card.\n"
    project = write_project(tmp_path / "shop", **{CARD: incident_text(updates=update)})
    (project / "meaculpa.yml").write_bytes(CONFIG + b"channels:\n  - name: chat\n    url: ${CHAT_URL}\n")
    with a_service(503, 200) as service:
        monkeypatch.setenv("CHAT_URL", service.url)
        with running(project, "watch") as watch:
            eventually(lambda: len(service.taken) == 1, "what was refused is told")
            eventually(lambda: "channel chat: works again" in watch.said, "it is said to work again")
            write(project, update + f"\n## {moment} identified\n\nWe know the cause.\n")
            eventually(lambda: len(service.taken) == 2, "the next update is told")
            assert watch.stop() == 0
    assert "We know the cause." in service.texts[1]
    assert service.asked == 3


@pytest.mark.parametrize("how", ["retract", "rollback"])
def test_what_waits_is_not_told_once_it_is_taken_off_the_page(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, how: str
) -> None:
    moment = time.strftime("%Y-%m-%d %H:%M UTC", time.gmtime())
    update = f"## {moment} investigating\n\nYou cannot pay by card.\n"
    project = write_project(tmp_path / "shop")
    config = CONFIG.replace(b"path: public", f"path: {tmp_path / 'public'}".encode())
    (project / "meaculpa.yml").write_bytes(config + b"channels:\n  - name: chat\n    url: ${CHAT_URL}\n")
    assert meaculpa("publish", cwd=project).returncode == 0
    write(project, update)
    elsewhere = shutil.copytree(project, tmp_path / "elsewhere")
    with a_service(503) as service:
        monkeypatch.setenv("CHAT_URL", service.url)
        with running(project, "watch") as watch:
            eventually(lambda: "not told of" in watch.said, "it waits")
            arguments = ("retract", CARD, "--yes") if how == "retract" else ("rollback", "previous")
            done = meaculpa(*arguments, cwd=elsewhere)
            assert done.returncode == 0, done.stderr
            service.answers, asked = [200], service.asked
            time.sleep(8)
            assert watch.stop() == 0
    assert service.taken == [], asked


def test_who_sees_another_one_send_tries_when_that_was_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CHAT_URL", "json://127.0.0.1:9/")
    target, news = MemoryTarget(), some_news(a_notice())
    clock = lambda: at(NOW)  # noqa: E731 (a clock that stands)
    elsewhere = claim(Record(), news.notices, "another", at(NOW))
    target.write(OutputFile(RECORD_PATH, elsewhere.body, "", "", ""))
    target.write(OutputFile(MANIFEST_PATH, Index({}).body, "", "", ""))
    done = tell(news, [target], clock=clock)
    assert (done.attempts, done.is_done) == ((), False)
    refused = settle(elsewhere, {news.notices[0].key: Entry(Outcome.WAITING, at(NOW), "investigating d", "another")})
    target.write(OutputFile(RECORD_PATH, refused.body, "", "", ""))
    assert [one.answer.outcome for one in tell(news, [target], clock=clock).attempts] == [Outcome.WAITING]


def test_nothing_overtakes_what_another_one_is_sending() -> None:
    first, second = a_notice(), a_notice("2026-11-22 09:25", "resolved e")
    news = some_news(first, second)
    sending = claim(Record({"chat": at("2026-11-22 08:00")}), [first], "another", at(NOW))
    assert due(sending, news, "chat", at(NOW)) == []
    assert due(sending, news, "chat", at(NOW) + timedelta(minutes=3)) == [second]


def test_a_claim_that_stands_counts_more_than_one_that_is_brought_along() -> None:
    notice = a_notice()
    ours = claim(Record(), [notice], "ours", at(NOW))
    theirs = claim(Record(), [notice], "theirs", at(NOW) + timedelta(seconds=1))
    assert claimed(bring(ours, theirs), [notice], "ours") == []
    told = settle(theirs, {notice.key: Entry(Outcome.TOLD, at(NOW), "investigating d", "theirs")})
    assert bring(told, ours).entries[notice.key].outcome is Outcome.TOLD


def test_a_record_from_the_future_silences_nobody(service: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CHAT_URL", service.url)
    target = MemoryTarget()
    target.write(OutputFile(RECORD_PATH, Record({"chat": at("2027-01-01 00:00")}).body, "", "", ""))
    target.write(OutputFile(MANIFEST_PATH, Index({}).body, "", "", ""))
    assert len(tell(some_news(a_notice()), [target], clock=lambda: at(NOW)).attempts) == 1


def test_one_channel_that_hangs_holds_up_no_other(project: Path, service: Service) -> None:
    config = CONFIG + b"channels:\n  - name: a-slow-one\n    url: ${SLOW_URL}\n  - name: chat\n    url: ${CHAT_URL}\n"
    (project / "meaculpa.yml").write_bytes(config)
    write(project, FIRST + SECOND)
    with a_service("slow") as slow:
        publish(project, service, SLOW_URL=slow.url)
        assert len(service.taken) == 2
    assert service.times[1] - service.times[0] < slow.times[1] - slow.times[0]


def test_who_stops_a_publish_learns_what_became_of_the_message(project: Path) -> None:
    with a_service("503 slow", 503) as service:
        environment = {**os.environ, "CHAT_URL": service.url}
        command = [sys.executable, "-m", "meaculpa", "-C", str(project), "publish", "--now", NOW]
        process = subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        eventually(lambda: service.asked == 1, "the message is on its way")
        process.send_signal(signal.SIGINT)
        process.wait(timeout=60)
    assert outcomes(project) == ["waiting"]


def test_a_channel_that_hangs_holds_up_no_publish(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    moment = time.strftime("%Y-%m-%d %H:%M UTC", time.gmtime())
    update = f"## {moment} investigating\n\nYou cannot pay by card.\n"
    project = write_project(tmp_path / "shop", **{CARD: incident_text(updates=update)})
    (project / "meaculpa.yml").write_bytes(CONFIG + b"channels:\n  - name: chat\n    url: ${CHAT_URL}\n")
    page = project / "public" / "incidents" / f"{CARD}.html"
    with socket.create_server(("127.0.0.1", 0)) as silent:
        monkeypatch.setenv("CHAT_URL", f"json://127.0.0.1:{silent.getsockname()[1]}/")
        with running(project, "watch"):
            connection, _ = silent.accept()
            with connection:
                write(project, update.replace("by card", "by any card"))
                eventually(lambda: "by any card" in page.read_text(encoding="utf-8"), "the page is published")


# ---- The record


def a_notice(moment: str = "2026-11-22 09:20", digest: str = "investigating d", channel: Channel = CHAT) -> Notice:
    message = Message("a title", "a text", (), Tone.INFO)
    return Notice(channel, f"card {moment.replace(' ', 'T')}Z", at(moment), digest, message)


def some_news(*notices: Notice) -> News:
    return News("Northwind", notices, frozenset({"chat"}), frozenset(one.update for one in notices))


def test_a_record_is_read_as_it_was_written() -> None:
    notice = a_notice()
    record = claim(Record({"chat": at(NOW)}), [notice], "me", at(NOW))
    assert read_record(record.body) == record
    assert claimed(record, [notice], "me") == [notice]
    assert claimed(claim(record, [notice], "you", at(NOW)), [notice], "you") == []


NAIVE = b'{"v":1,"since":{"chat":"2026-11-22T09:30:00"},"entries":{}}'
ODD = b'{"v":1,"since":{},"entries":{"chat x":{"outcome":"told","at":"2026-11-22T09:30:00Z","digest":"d","run":"r"}}}'


@pytest.mark.parametrize(
    "body", [b"", b"[]", b"{", b"null", b'{"v":1,"since":3}', b'{"v":2}', b"[" * 100_000, NAIVE, ODD]
)
def test_a_record_that_is_damaged_is_told(body: bytes) -> None:
    with pytest.raises(TargetError, match=r"damaged|another version"):
        read_record(body)


def test_a_damaged_record_stops_no_publish(project: Path, service: Service) -> None:
    publish(project, service)
    (project / "public" / RECORD_PATH).write_text("{")
    write(project, FIRST + SECOND)
    done = publish(project, service)
    assert done.returncode == 0
    assert "is damaged; delete it" in done.stderr
    assert len(service.taken) == 1


def test_two_targets_know_together_what_was_told() -> None:
    """One was away when it was claimed, the other when it was told."""
    notice, later = a_notice(), at(NOW) + timedelta(minutes=1)
    sending = claim(Record(), [notice], "me", at(NOW))
    told = settle(sending, {notice.key: Entry(Outcome.TOLD, later, "investigating d", "me")})
    waiting = settle(sending, {notice.key: Entry(Outcome.WAITING, later, "investigating d", "me")})
    assert merge([sending, told]) == merge([told, sending]) == told
    assert merge([sending, waiting]) == merge([waiting, sending]) == waiting
    others = claim(Record(), [notice], "you", later)
    assert claimed(merge([others, sending]), [notice], "you") == []


def test_what_is_told_at_one_target_is_known_at_the_other_when_it_is_back(
    service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CHAT_URL", service.url)
    first, second = MemoryTarget("first"), MemoryTarget("second")
    for target in (first, second):
        target.write(OutputFile(MANIFEST_PATH, Index({}).body, "", "", ""))
    news = some_news(a_notice())
    clock = lambda: at(NOW)  # noqa: E731 (a clock that stands)
    assert tell(news, [first], clock=clock).is_done
    assert tell(news, [second, first], clock=clock).attempts == ()
    assert tell(news, [second], clock=clock).attempts == ()
    assert len(service.taken) == 1


def test_what_was_told_is_forgotten_after_a_week_and_not_before() -> None:
    notice, new = a_notice(), a_notice("2026-11-28 09:20", "investigating e")
    told = settle(Record(), {notice.key: Entry(Outcome.TOLD, at(NOW), "investigating d", "me")})
    assert notice.key in claim(told, [new], "me", at(NOW) + timedelta(days=6)).entries
    assert notice.key not in claim(told, [new], "me", at(NOW) + timedelta(days=8)).entries


def test_what_is_given_up_is_said_to_be(project: Path) -> None:
    with a_service(404) as service:
        publish(project, service)
        shown = meaculpa("channels", "--now", "2026-11-24 09:30", cwd=project, CHAT_URL=service.url)
    assert "never told (the service answers 404)" in shown.stdout
    assert shown.returncode == 0


def test_what_is_told_at_one_target_is_not_told_at_the_next(project: Path, service: Service) -> None:
    second = b"  - {name: second, type: directory, path: public2}\n"
    (project / "meaculpa.yml").write_bytes(CONFIG + second + b"channels:\n  - name: chat\n    url: ${CHAT_URL}\n")
    for name in ("local", "second"):
        done = meaculpa("publish", "--target", name, "--now", NOW, cwd=project, CHAT_URL=service.url)
        assert done.returncode == 0, done.stderr
    assert len(service.taken) == 1


class Forgetful(MemoryTarget):
    """Cannot be written for a moment, once something has been claimed there."""

    fails = 2

    def write(self, file: OutputFile, expected: str | None = None) -> str:
        if file.path == RECORD_PATH and b"told" in file.body and self.fails:
            self.fails -= 1
            raise TargetError("the place cannot be reached")
        return super().write(file, expected)


def test_what_was_told_is_entered_even_if_that_takes_a_while(
    service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CHAT_URL", service.url)
    monkeypatch.setattr("meaculpa.channels.telling._TRIES_TO_ENTER", (0.0, 0.0, 0.0))
    target, clock = Forgetful(), lambda: at(NOW)
    target.write(OutputFile(MANIFEST_PATH, Index({}).body, "", "", ""))
    assert tell(some_news(a_notice()), [target], clock=clock).is_done
    assert tell(some_news(a_notice()), [target], clock=clock).attempts == ()
    assert len(service.taken) == 1


class Unwilling(MemoryTarget):
    """Takes what is written and says that it did not, as often as it is told to."""

    lies = 0

    def write(self, file: OutputFile, expected: str | None = None) -> str:
        version = super().write(file, expected)
        if file.path == RECORD_PATH and b"sending" in file.body and self.lies:
            self.lies -= 1
            raise TargetError("the place cannot be reached")
        return version


def a_target(target: MemoryTarget) -> MemoryTarget:
    target.write(OutputFile(MANIFEST_PATH, Index({}).body, "", "", ""))
    return target


def test_what_was_claimed_and_surely_not_sent_is_sent(service: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CHAT_URL", service.url)
    target, own, news = a_target(Unwilling()), Own(), some_news(a_notice())
    assert isinstance(target, Unwilling)
    target.lies = 1
    assert tell(news, [target], clock=lambda: at(NOW), own=own).failure
    assert service.taken == []
    assert tell(news, [target], clock=lambda: at(NOW), own=own).is_done
    assert len(service.taken) == 1


def test_what_was_told_and_could_not_be_entered_is_not_sent_again(
    service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CHAT_URL", service.url)
    monkeypatch.setattr("meaculpa.channels.telling._TRIES_TO_ENTER", (0.0,))
    target, own, news = a_target(Forgetful()), Own(), some_news(a_notice())
    for _ in range(3):
        tell(news, [target], clock=lambda: at(NOW), own=own)
    assert len(service.taken) == 1


def test_what_was_sent_is_never_taken_back_as_unsent(service: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    """It was told and could not be entered; minutes later the next claim fails as well."""
    monkeypatch.setenv("CHAT_URL", service.url)
    monkeypatch.setattr("meaculpa.channels.telling._TRIES_TO_ENTER", (0.0,))
    first, second = a_notice(), a_notice("2026-11-22 09:25", "resolved e")
    target, own, news = Silenced(), Own(), some_news(first, second)
    a_target(target)
    target.told_fails, target.claims = 1, 1
    tell(news, [target], clock=lambda: at(NOW), own=own)
    assert len(service.taken) == 1
    for minutes in (3, 4, 5):
        tell(news, [target], clock=lambda: at(NOW) + timedelta(minutes=minutes), own=own)  # noqa: B023
    assert len(service.taken) == 2


class Silenced(MemoryTarget):
    """Fails to enter what was told so often, and after that lies about so many claims."""

    told_fails = claims = 0

    def write(self, file: OutputFile, expected: str | None = None) -> str:
        if file.path == RECORD_PATH and b'"told"' in file.body and self.told_fails:
            self.told_fails -= 1
            raise TargetError("the place cannot be reached")
        version = super().write(file, expected)
        if file.body.count(b'"sending"') == 2 and self.claims:
            self.claims -= 1
            raise TargetError("the place cannot be reached")
        return version


def test_where_no_target_can_be_asked_nothing_is_thought_to_be_told() -> None:
    done = tell(some_news(a_notice()), [], clock=lambda: at(NOW))
    assert (done.is_done, done.failure) == (False, "there is no target to ask what was told")


def test_what_waits_and_has_vanished_is_forgotten() -> None:
    gone, here = a_notice(), a_notice("2026-11-22 09:25", "resolved e")
    waiting = Record({}, {gone.key: Entry(Outcome.WAITING, at(NOW), gone.digest, "me")})
    assert recognise(waiting, some_news(here), at(NOW)).entries == {}
    assert recognise(waiting, some_news(gone, here), at(NOW)) == waiting


def test_nothing_older_than_a_day_is_told() -> None:
    notice = a_notice("2026-11-21 09:29")
    known = Record({"chat": at("2026-11-01 00:00")})
    assert due(known, some_news(notice), "chat", at(NOW)) == []
    assert due(known, some_news(notice), "chat", at("2026-11-22 09:29")) == [notice]


@pytest.mark.parametrize(
    ("heard", "recipients", "outcome"),
    [
        (Overheard(), 1, "waiting"),
        (Overheard(is_connected=True), 1, "unsure"),
        (Overheard(is_connected=True, is_mail=True, code=535), 1, "waiting"),
        (Overheard(ends=[("told", "")]), 1, "unsure"),
        (Overheard(ends=[("unsure", ""), ("waiting", "")]), 1, "unsure"),
        (Overheard(ends=[("told", ""), ("waiting", "")]), 1, "waiting"),
        (Overheard(ends=[("told", ""), ("waiting", "")]), 2, "unsure"),
        (Overheard(ends=[("waiting", ""), ("waiting", "")]), 2, "waiting"),
    ],
)
def test_what_a_no_of_the_library_means(heard: Overheard, recipients: int, outcome: str) -> None:
    assert heard.judge(recipients, is_told=False)[0] == outcome


# ---- The command, the configuration, the drill


def test_a_test_message_says_that_it_is_one(project: Path, service: Service) -> None:
    done = meaculpa("channels", "--test", cwd=project, CHAT_URL=service.url)
    assert (done.returncode, done.stdout) == (0, "chat has taken the test\n")
    assert service.texts[0].startswith("Northwind: this is a test\nNothing is wrong.")
    assert meaculpa("channels", "--test", cwd=project).returncode == 3


def test_the_command_names_the_service_and_what_it_was_told(project: Path, service: Service) -> None:
    publish(project, service)
    done = meaculpa("channels", "--now", "2026-11-22 09:35", cwd=project, CHAT_URL=service.url)
    assert done.stdout == f"chat: JSON, by ${{CHAT_URL}}\n  told of {CARD} (22 Nov 09:20 UTC), 5 min ago\n"
    assert done.returncode == 0


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("channels", "chet"), 'there is no channel "chet" (did you mean "chat"? one of: chat)'),
        (("channels", "--json", "chet"), 'there is no channel "chet"'),
    ],
)
def test_a_channel_that_is_not_there_is_told(project: Path, arguments: tuple[str, ...], message: str) -> None:
    done = meaculpa(*arguments, cwd=project)
    assert done.returncode == 1
    assert message in done.stderr


def test_an_address_that_apprise_does_not_know_is_told_by_its_variable(project: Path) -> None:
    done = meaculpa("channels", cwd=project, CHAT_URL="carrier-pigeon://coop")
    assert "apprise does not understand the address in CHAT_URL" in done.stdout
    assert done.returncode == 3


@pytest.mark.parametrize(
    ("channels", "message"),
    [
        ("{name: chat, url: 'slack://T0/B0/token'}", "a channel is a secret and does not belong into this file"),
        (
            "{name: chat, url: '${A}', locale: fr}",
            'the channel "chat" wants "fr", which the site does not speak (en, de)',
        ),
        ("{name: chat, url: '${A}'}, {name: chat, url: '${B}'}", 'the channel "chat" stands here twice'),
    ],
)
def test_mistakes_in_channels_are_told_without_the_secret(tmp_path: Path, channels: str, message: str) -> None:
    project = write_project(tmp_path / "shop")
    (project / "meaculpa.yml").write_bytes(CONFIG + f"channels: [{channels}]\n".encode())
    done = meaculpa("check", cwd=project)
    assert done.returncode == 1
    assert message in done.stdout + done.stderr
    assert "token" not in done.stdout + done.stderr


def test_a_drill_tells_no_channel(tmp_path: Path) -> None:
    config = a_config(CONFIG + b"channels:\n  - name: chat\n    url: ${CHAT_URL}\n")
    stage = build_stage(tmp_path / "drill", config, None, 2525)
    assert "channels" not in (stage.folder / "meaculpa.yml").read_text(encoding="utf-8")


def test_a_shop_is_told_which_channel_would_keep_silent(project: Path, service: Service) -> None:
    checks = json.loads(meaculpa("doctor", "--json", "--now", NOW, cwd=project, CHAT_URL=service.url).stdout)[
        "checks"
    ]
    assert ("ok", "chat: JSON, by ${CHAT_URL}") in [(one["verdict"], one["message"]) for one in checks]
    checks = json.loads(meaculpa("doctor", "--json", "--now", NOW, cwd=project).stdout)["checks"]
    failed = [one["message"] for one in checks if one["check"] == "channels"]
    assert failed == ["chat: the environment variable CHAT_URL is not set here"]
    assert service.asked == 0
