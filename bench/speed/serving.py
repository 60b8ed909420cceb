"""What publishing to a real S3 server costs: the first time, when nothing has changed, and from save to served."""

import json
import signal
import statistics
import subprocess
import time
from collections.abc import Iterator
from functools import partial
from pathlib import Path

from tests.conftest import make_bucket
from tests.faulty import faulty
from tests.test_targets import s3_settings

from corpus import write_project
from meaculpa.publish.s3 import S3Target
from speed.measuring import Line, timed, wait_until
from speed.ours import MEACULPA, Turns, edited, newest, nothing_changed
from speed.peers import AWS_PYTHON, PEERS

LESS_THAN_AWS = "less an object than aws s3 sync"


def write_shop(project: Path, count: int, url: str, counted_url: str) -> list[str]:
    """Write a project that publishes to two buckets, one of them by way of a proxy; gives the command for it."""
    write_project(project, count)
    config = (project / "meaculpa.yml").read_text().split("targets:")[0]
    target = "  - {{name: {0}, type: s3, bucket: {0}-{1}, region: us-east-1, endpoint_url: '{2}'}}\n"
    targets = target.format("primary", count, url) + target.format("counted", count, counted_url)
    (project / "meaculpa.yml").write_text(f"{config}targets:\n{targets}")
    return [*MEACULPA, "-C", str(project), "publish", "--target"]


def publishing(folder: Path, url: str, count: int, runs: int, has_peers: bool) -> Iterator[Line]:
    """Publish everything, then nothing, and count the requests of that."""
    project, site = folder / f"served-{count}", str(folder / f"served-{count}" / "public")
    for name in ("primary", "counted", "peer"):
        make_bucket(url, f"{name}-{count}")
    with faulty(url) as proxy:
        publish = write_shop(project, count, url, proxy.url)
        # The build is measured elsewhere.
        first = subprocess.run([*publish, "primary", "--json"], check=True, capture_output=True, text=True)
        seconds = json.loads(first.stdout)["targets"][0]["seconds"]
        timed([*MEACULPA, "-C", str(project), "build"])
        objects = sum(path.is_file() for path in Path(site).rglob("*"))
        yield Line("first publish to S3, without the build", count, per_object(seconds, objects), LESS_THAN_AWS)
        timed([*publish, "counted"])
        proxy.log.clear()
        timed([*publish, "counted"])
        requests = len(proxy.log)
    beside: Turns = {}
    if has_peers:
        options = ("--endpoint-url", url, "s3", "sync", "--only-show-errors", site, f"s3://peer-{count}")
        sync = [AWS_PYTHON, str(PEERS / "aws/bin/aws"), *options]
        yield Line("first `aws s3 sync` of the same files", count, per_object(timed(sync)[0], objects))
        beside["aws"] = lambda: timed(sync)
    found = nothing_changed(project, [*publish, "primary"], 2 * runs + 1, beside)
    goal = "1 request, <= 0.5 s" if count == 10_000 else ""
    counted = f"{requests} request{'s' * (requests != 1)}"
    yield Line("publish to S3, nothing changed, the first time", count, str(found["first"]), goal)
    yield Line("publish to S3, nothing changed, again", count, f"{found['again']}; {counted}", goal)
    if has_peers:
        yield Line("`aws s3 sync`, nothing changed", count, str(found["aws"]))


def per_object(seconds: float, objects: int) -> str:
    return f"{seconds:.1f} s, {seconds / objects * 1000:.2f} ms an object"


def saved_to_served(folder: Path, url: str, count: int, edits: int) -> Iterator[Line]:
    """Edits in a watcher, each from its save until S3 serves the page and the status page."""
    project = folder / f"served-{count}"
    target, path = S3Target(s3_settings(url, f"primary-{count}")), newest(project)
    pages = (f"incidents/{path.stem}.html", "index.html")

    def serves(text: str) -> bool:
        return all((found := target.read(page)) and text.encode() in found.body for page in pages)

    with (folder / "served.log").open("wb") as log:
        command = [*MEACULPA, "-C", str(project), "watch", "--target", "primary"]
        process = subprocess.Popen(command, stdout=log, stderr=log)
        try:
            path.write_text(edited(path, 0))
            wait_until(partial(serves, "Edit number 0 of"))
            time.sleep(3)
            seconds = []
            for number in range(1, edits + 1):
                begin = time.perf_counter()
                path.write_text(edited(path, number))
                wait_until(partial(serves, f"Edit number {number} of"))
                seconds.append(time.perf_counter() - begin)
                time.sleep(0.2)
        finally:
            process.send_signal(signal.SIGTERM)
            process.wait()
    p99 = sorted(seconds)[int(len(seconds) * 0.99)]
    found = f"p50 {statistics.median(seconds):.3f} s, p99 {p99:.3f} s, {edits} edits"
    goal = "p50 <= 0.15 s, p99 <= 0.4 s" if count == 10_000 else ""
    yield Line("saved -> served by S3", count, found, goal)
