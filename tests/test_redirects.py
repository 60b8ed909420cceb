"""Earlier addresses: where they lead, on disk and at S3, and what is said of those that lead nowhere."""

from pathlib import Path

import boto3
import pytest

from meaculpa.build.composition import Build, build
from meaculpa.build.memory import Memory
from meaculpa.errors import Severity
from meaculpa.manifest import shard_of
from meaculpa.plan import Group, group_of
from meaculpa.project import read_project
from meaculpa.publish import Options, publish
from meaculpa.publish.directory import DirectoryTarget
from meaculpa.publish.rollback import PREVIOUS, rollback
from meaculpa.publish.s3 import S3Target
from meaculpa.redirects import parse_redirects
from tests.conftest import make_bucket
from tests.making import at, incident_text, write_project
from tests.test_targets import s3_settings

NOW = at("2026-11-22 12:00")
REDIRECTS = """\
# from the page before
incidents/5jfkz8q1mlql: incidents/card-payments.html
issues/2021-04-14-card/: incidents/card-payments.html
old/page.html: history.html
history.atom: feed.atom
index.xml: feed.rss
"""
EARLIER = ("incidents/5jfkz8q1mlql", "issues/2021-04-14-card/index.html")


def built(root: Path, memory: Memory, redirects: str = REDIRECTS) -> Build:
    write_project(root, card_payments=incident_text())
    (root / "redirects.yml").write_text(redirects, encoding="utf-8")
    return build(read_project(root), NOW, memory)


def test_an_earlier_address_leads_to_the_incident(tmp_path: Path, memory: Memory) -> None:
    done = built(tmp_path, memory)
    for path in EARLIER:
        file = done.files[path]
        assert file.content_type.startswith("text/html")
        assert file.leads_to == "incidents/card-payments.html"
        assert 'content="0;url=https://status.northwind.example/incidents/card-payments.html"' in file.body.decode()
    assert done.files["old/page.html"].leads_to == "history.html"
    assert done.problems == ()


def test_an_earlier_feed_answers_with_ours(tmp_path: Path, memory: Memory) -> None:
    done = built(tmp_path, memory)
    assert done.files["history.atom"].body == done.files["feed.atom"].body
    assert done.files["index.xml"].body == done.files["feed.rss"].body
    assert done.files["history.atom"].content_type == done.files["feed.atom"].content_type


def test_a_folder_holds_a_bare_address_as_servers_look_for_it(tmp_path: Path, memory: Memory) -> None:
    done = built(tmp_path / "shop", memory)
    target = DirectoryTarget("local", tmp_path / "out")
    publish(done.files, done.known, target, Options())
    assert "card-payments.html" in (tmp_path / "out/incidents/5jfkz8q1mlql/index.html").read_text()
    assert "card-payments.html" in (tmp_path / "out/issues/2021-04-14-card/index.html").read_text()
    assert publish(done.files, done.known, target, Options()).plan.is_empty
    fewer = built(tmp_path / "shop", memory, "history.atom: feed.atom\n")
    publish(fewer.files, fewer.known, target, Options())
    publish(fewer.files, fewer.known, target, Options())
    assert not (tmp_path / "out/issues").exists()


@pytest.mark.parametrize("server", ["seaweed", "moto_url"])
def test_s3_holds_it_under_the_address_itself(
    tmp_path: Path, memory: Memory, server: str, request: pytest.FixtureRequest
) -> None:
    url = request.getfixturevalue(server)
    make_bucket(url, "redirects")
    target = S3Target(s3_settings(url, "redirects"))
    done = built(tmp_path, memory)
    publish(done.files, done.known, target, Options())
    for path in EARLIER:
        stored = target.read(path)
        assert stored and stored.body == done.files[path].body
    assert publish(done.files, done.known, target, Options()).plan.is_empty


def test_s3_knows_where_it_leads(tmp_path: Path, memory: Memory, moto_url: str) -> None:
    make_bucket(moto_url, "leading")
    done = built(tmp_path, memory)
    publish(done.files, done.known, S3Target(s3_settings(moto_url, "leading")), Options())
    client = boto3.client("s3", endpoint_url=moto_url, region_name="us-east-1")
    found = client.head_object(Bucket="leading", Key="issues/2021-04-14-card/index.html")
    assert found["WebsiteRedirectLocation"] == "/incidents/card-payments.html"
    assert found["ContentType"].startswith("text/html")


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("gone: incidents/none.html", '"gone" leads to "incidents/none.html", which is not there'),
        ("index.html: history.html", '"index.html" is a page of this site'),
        ("../etc: index.html", '"../etc: index.html" is not a pair of paths of this site'),
        ("a: https://elsewhere.example/", "is not a pair of paths of this site"),
        ("a.png: index.html", '"a.png" cannot lead to a file of another kind'),
        ("posts/v1.2-release: index.html", "cannot lead to a file of another kind"),
        ("posts/~a.b~: index.html", "cannot lead to a file of another kind"),
        ("index.html/x: index.html", "stands where another file or folder does"),
        ("fine/x/y.html: index.html\nfine/x/y.html/z: index.html", "stands where another file or folder does"),
        ("incidents: index.html\nincidents/: history.html", "stands where another file or folder does"),
        ("incidents/./card-payments.html: index.html", "is not a pair of paths of this site"),
        (f"{'a' * 300}: index.html", "is not a pair of paths of this site"),
        ("banner.core.x.js: banner.js", "lies where this site keeps files of its own"),
        ("assets/x: index.html", "lies where this site keeps files of its own"),
        ("a: [b]", "is not a pair of paths of this site"),
        ("a: index.html\na: history.html", 'the key "a" stands here a second time'),
    ],
)
def test_what_leads_nowhere_is_said_and_holds_nothing_up(
    tmp_path: Path, memory: Memory, line: str, message: str
) -> None:
    done = built(tmp_path, memory, f"fine: index.html\n{line}\n")
    assert done.files["fine"].leads_to == "index.html"
    assert done.files["index.html"].leads_to is None
    assert [one.severity for one in done.problems] == [Severity.WARNING]
    assert message in done.problems[0].message
    assert done.problems[0].path == "redirects.yml" and done.problems[0].line >= 2


def test_a_file_that_cannot_be_read_holds_nothing_up(tmp_path: Path, memory: Memory) -> None:
    done = built(tmp_path, memory, "fine: index.html\n\tbroken: [\n")
    assert "index.html" in done.files and "fine" not in done.files
    assert [one.severity for one in done.problems] == [Severity.WARNING]
    assert parse_redirects(b"\xff")[1][0].line == 1


def test_redirects_are_published_after_what_they_lead_to_and_listed_apart() -> None:
    for path in EARLIER:
        assert group_of(path) is Group.LISTINGS
        assert shard_of(path) == "redirects"
    assert shard_of("de/index.html") == shard_of("index.html") == "site"
    assert shard_of("incidents/card.html").startswith("undated-")


def test_a_build_with_redirects_can_be_put_back(tmp_path: Path, memory: Memory) -> None:
    target = DirectoryTarget("local", tmp_path / "out")
    first = built(tmp_path / "shop", memory)
    publish(first.files, first.known, target, Options())
    moved = REDIRECTS.replace("-card/: incidents/card-payments.html", "-card/: index.html")
    other = built(tmp_path / "shop", memory, moved)
    publish(other.files, other.known, target, Options())
    page = tmp_path / "out/issues/2021-04-14-card/index.html"
    assert "card-payments.html" not in page.read_text()
    rollback(PREVIOUS, target, Options())
    assert "card-payments.html" in page.read_text()
