"""`meaculpa infra`: CloudFormation for buckets, distribution, policies and a role that may publish."""

import re

import click

from meaculpa.build.memory import Memory
from meaculpa.cli.common import project_root, read_all
from meaculpa.cli.wording import faint, say
from meaculpa.project import read_scaffold
from meaculpa.render.infra import Repository, github_repository, gitlab_repository, infrastructure

_PART = r"[A-Za-z0-9_][A-Za-z0-9_.-]*"
_GITHUB, _GITLAB = re.compile(rf"{_PART}/{_PART}|{_PART}@\d+/{_PART}@\d+"), re.compile(rf"{_PART}(/{_PART})+")


_NUMBERS = (
    "Repositories that were made or renamed since 15 July 2026 are known to AWS by their numbers, too: without them "
    "their workflows are refused. docs/aws.md has the command that prints them."
)


@click.command("infra")
@click.option("--standby", is_flag=True, help="The second bucket, for a stack in another region; deploy it first.")
@click.option("--github", metavar="OWNER@ID/NAME@ID", help="Add a role that this repository's workflows assume.")
@click.option("--gitlab", metavar="GROUP/NAME", help="The same for a GitLab project.")
@click.option("--gitlab-host", default="gitlab.com", show_default=True, help="Where that project is.")
@click.option("--branch", default="main", show_default=True, help="The branch that may publish.")
@click.pass_context
def infra_command(
    context: click.Context, standby: bool, github: str | None, gitlab: str | None, gitlab_host: str, branch: str
) -> None:
    """Print a CloudFormation template for the places where the site is published.

    A versioned bucket that only the distribution reads, the distribution, and policies that allow publishing and
    nothing else. docs/aws.md leads from an empty account to a live page.
    """
    _, config = read_all(project_root(context), Memory())
    if standby and (github or gitlab):
        raise click.UsageError("the role for a repository belongs to the main stack: without --standby")
    repository = _repository(github, gitlab, gitlab_host, branch)
    if github and "@" not in github:
        say(faint(_NUMBERS), to_errors=True)
    template = read_scaffold("infra")["standby.yml.j2" if standby else "status.yml.j2"]
    say(infrastructure(template, config, repository).rstrip("\n"))


def _repository(github: str | None, gitlab: str | None, gitlab_host: str, branch: str) -> Repository | None:
    for name, pattern in ((github, _GITHUB), (gitlab, _GITLAB)):
        if name is not None and not pattern.fullmatch(name):
            raise click.UsageError(f'"{name}" is not the name of a repository; write it like northwind/status')
    if not re.fullmatch(r"[A-Za-z0-9._/-]+", branch) or not re.fullmatch(r"[A-Za-z0-9.-]+", gitlab_host):
        raise click.UsageError("a branch and a host consist of letters, digits, dots, hyphens")
    if github and gitlab:
        raise click.UsageError("--github or --gitlab, not both")
    if github:
        return github_repository(github, branch)
    return gitlab_repository(gitlab, branch, gitlab_host) if gitlab else None
