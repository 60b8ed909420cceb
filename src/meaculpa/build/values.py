"""The values over time of a project, those of unchanged files from before, and what is wrong with them."""

from collections.abc import Iterable, Iterator
from datetime import datetime

from meaculpa.config import Config, line_of
from meaculpa.errors import Problem, Severity
from meaculpa.metrics import Metric, parse_metric
from meaculpa.names import CONFIG_FILE, METRICS_FOLDER
from meaculpa.project import ProjectFiles
from meaculpa.render.charts import charts_of, is_empty

Values = dict[tuple[object, ...], tuple[Metric | None, list[Problem]]]


def read_metrics(
    files: ProjectFiles, config: Config, now: datetime, before: Values
) -> tuple[Values, list[Metric], list[Problem]]:
    """Read all files of values; gives what to remember, the metrics, and a warning for whatever is wrong."""
    zone, found = config.site.timezone, Values()
    for path, source in files.metrics.items():
        key = (path, source.digest, zone)
        found[key] = before.get(key) or parse_metric(path, source.content, source.digest, zone)
    metrics = [metric for metric, _ in found.values() if metric]
    wrong = [problem for _, told in found.values() for problem in told]
    return found, metrics, [*_missing(config, files), *wrong, *_empty(metrics, config, now)]


def _missing(config: Config, files: ProjectFiles) -> Iterator[Problem]:
    content, hint = files.config.content, "its chart is shown as soon as the file is there"
    for number, path in enumerate(f"{METRICS_FOLDER}/{chart.id}.csv" for chart in config.metrics):
        if path not in files.metrics:
            line = line_of(content, "metrics", number)
            yield Problem(CONFIG_FILE, line, f"there is no {path}", hint, Severity.WARNING)


def _empty(metrics: Iterable[Metric], config: Config, now: datetime) -> Iterator[Problem]:
    """A monitor that writes no more is told of: its chart is not there, and nobody would miss it."""
    for metric, chart in charts_of(metrics, config.metrics):
        if is_empty(metric, chart, now):
            message = f"no value in the last {chart.hours} h, so there is no chart"
            path = f"{METRICS_FOLDER}/{metric.id}.csv"
            yield Problem(path, 0, message, "does what writes it still run?", Severity.WARNING)
