"""A site's configuration -> what its shop's edge and its storefront's pages need, as texts to be copied."""

import hashlib
import json
from base64 import b64encode
from collections.abc import Mapping
from urllib.parse import urlsplit

from jinja2 import Environment, StrictUndefined
from markupsafe import escape

from meaculpa.config import Config
from meaculpa.render.headers import BANNER_SCRIPT, IMMUTABLE, POINTER

# What to configure -> its template in `site_templates/edge/`.
EDGES = {
    "nginx": "nginx.conf.j2",
    "haproxy": "haproxy.cfg.j2",
    "apache": "apache.conf.j2",
    "cloudfront": "cloudfront.yml.j2",
    "cloudflare": "cloudflare.js.j2",
    "varnish": "varnish.vcl.j2",
    "kubernetes": "kubernetes.yml.j2",
    "alb": "alb.yml.j2",
    "status-nginx": "status-nginx.conf.j2",
    "status-caddy": "status-caddy.j2",
}
# Where a shop's edge keeps its copies, a folder for each shop, and where a self-hosted status site lies.
_FOLDER = "/var/lib/meaculpa"
_ROOT = "/var/www/status"
# Each page names its own script and style in a policy of its own; a header adds what a page cannot say of itself.
POLICY = "frame-ancestors 'none'; object-src 'none'; base-uri 'none'"


def needs_the_page(kind: str) -> bool:
    """Whether the configuration holds the tiny splash page itself."""
    return kind == "alb"


def edge_configuration(kind: str, templates: Mapping[str, bytes], config: Config, tiny: str, sorry: str) -> str:
    """Write the configuration of one kind of edge (a key of EDGES) with this site's addresses.

    `tiny` is the tiny splash page where it is needed, `sorry` what is said where no page can be had.
    """
    site, retry = config.site, config.splash.retry_after_seconds
    # The number stands last: Varnish ends a long string at the first quote with a brace behind it.
    answer = {"error": "service_unavailable", "status_page": f"{site.url}/index.html", "retry_after": retry}
    return fill(
        templates[EDGES[kind]],
        name=site.name,
        status_url=site.url,
        status_host=urlsplit(site.url).hostname,
        status_port=urlsplit(site.url).port,
        status_path=urlsplit(site.url).path,
        store_host=urlsplit(site.store_url).netloc,
        retry=retry,
        folder=f"{_FOLDER}/{urlsplit(site.store_url).hostname}",
        root=_ROOT,
        csp=POLICY,
        caching={"pointer": POINTER, "script": BANNER_SCRIPT, "immutable": IMMUTABLE},
        json=json.dumps(answer),
        tiny_size=len(tiny.encode()),
        tiny_json=json.dumps(tiny, ensure_ascii=False),
        last_resort=json.dumps(_last_resort(site.name, sorry), ensure_ascii=False),
    )


def install_line(config: Config) -> str:
    """Give the script that a storefront's page holds to have the banner, without its tags."""
    return f'import("{config.site.url}/banner.js").catch(function(){{}})'


def embedding(template: bytes, config: Config, script: str, core: str, integrity: str) -> str:
    """Write how a storefront embeds the banner: `script` stands in the page, `core` is the path of the code alone."""
    return fill(
        template,
        status_url=config.site.url,
        script=script,
        digest=f"sha256-{b64encode(hashlib.sha256(script.encode()).digest()).decode()}",
        core=core,
        integrity=integrity,
    )


def pinned_line(config: Config, core: str, integrity: str) -> str:
    """Give the script that loads the code alone, pinned, once the page is there; without its tags."""
    return (
        'addEventListener("load",function(){var s=document.createElement("script");'
        f's.src="{config.site.url}/{core}";s.integrity="{integrity}";s.crossOrigin="anonymous";document.head.append(s)}})'
    )


def _last_resort(name: str, sorry: str) -> str:
    page = (
        "<!doctype html><meta charset=utf-8><meta name=viewport content='width=device-width'><title>{}</title><p>{}"
    )
    return page.format(escape(name), escape(sorry))


def fill(template: bytes, **facts: object) -> str:
    """Fill in a template of ours; the result is configuration, in which the escapes of HTML would be wrong."""
    environment = Environment(undefined=StrictUndefined, autoescape=False, keep_trailing_newline=True)  # noqa: S701
    return environment.from_string(template.decode()).render(**facts)
