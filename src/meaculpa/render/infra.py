"""A site's configuration -> CloudFormation for the places where it is published."""

import re
from urllib.parse import urlsplit

from msgspec import Struct

from meaculpa.config import Config
from meaculpa.render.edge import POLICY, fill

_GITHUB = "token.actions.githubusercontent.com"


class Repository(Struct, frozen=True):
    """Where a git host runs `meaculpa publish`: the claims of its tokens (OpenID Connect) that are accepted."""

    name: str
    issuer: str
    audience: str
    subjects: tuple[str, ...]


def github_repository(name: str, branch: str) -> Repository:
    """The claims of GitHub's workflows on a branch of `owner/name`, or `owner@id/name@id`.

    Repositories made or renamed since 15 July 2026 name the numbers of owner and repository in the subject of their
    tokens; older ones do not (GitHub, "Immutable subject claims").
    """
    plain = re.sub(r"@\d+", "", name)
    subjects = tuple(f"repo:{form}:ref:refs/heads/{branch}" for form in dict.fromkeys((name, plain)))
    return Repository(plain, _GITHUB, "sts.amazonaws.com", subjects)


def gitlab_repository(name: str, branch: str, host: str) -> Repository:
    """The claims of GitLab's pipelines on a branch of `group/project`."""
    return Repository(name, host, f"https://{host}", (f"project_path:{name}:ref_type:branch:ref:{branch}",))


def infrastructure(template: bytes, config: Config, repository: Repository | None = None) -> str:
    """Write the template with this site's names; with a repository, a role that its workflows assume."""
    host = urlsplit(config.site.url).hostname or ""
    return fill(
        template,
        name=_plain(config.site.name) or host,
        status_host=host,
        csp=POLICY,
        repository=repository.name if repository else None,
        issuer=repository.issuer if repository else "",
        audience=repository.audience if repository else "",
        subjects=repository.subjects if repository else (),
    )


def _plain(name: str) -> str:
    """A name as AWS and YAML take it without quotes."""
    return re.sub(r"[^A-Za-z0-9 .-]", "", name).strip(" .-")[:80]
