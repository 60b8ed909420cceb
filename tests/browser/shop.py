"""A shop on a real nginx, with the strictest policy that a storefront can have."""

import contextlib
from collections.abc import Iterator
from pathlib import Path

from tests.programs import free_port, nginx

POLICY = (
    "default-src 'none'; script-src 'nonce-x' 'strict-dynamic'; connect-src 'self' {host}; style-src 'self'; "
    "img-src data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; "
    "require-trusted-types-for 'script'; trusted-types 'none'"
)

PAGE = """\
<!doctype html><html lang="en"><head><meta charset="utf-8"><title>Shop</title>
<link rel="icon" href="data:,"><link rel="stylesheet" href="/shop.css">
<meta name="viewport" content="width=device-width"><meta name="description" content="Tents for two">{head}</head>
<body><header><a href="/basket">Basket</a></header><h1>Tents</h1><p>A tent for two.</p><button id="buy">Buy</button>
<p>{filler}</p><footer>Imprint</footer>
<script nonce="x">document.getElementById("buy").onclick = (event) => (event.target.textContent = "Bought");</script>
</body></html>
"""
# The button has its size without its text: a browser may paint between the two, and the shop would move by itself.
STYLE = (
    "body{margin:0;font:16px/1.5 sans-serif}header{position:sticky;top:0;background:#eee;padding:1rem}"
    "button{display:block;width:6rem;height:3rem}"
)
FILLER = "Waterproof, light, up in five minutes. " * 120


class Shop:
    """The shop's address, and its pages as files that tests may write."""

    def __init__(self, url: str, folder: Path) -> None:
        self.url, self.folder = url, folder

    def install(self, line: str, path: str = "checkout", body: str | None = None) -> str:
        """Put a page with a script in it; gives its address."""
        head = f'<script nonce="x">{line}</script>' if line else ""
        page = body or PAGE.format(head=head, filler=FILLER)
        file = self.folder / f"{path}.html"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(page)
        return f"{self.url}/{path}.html"


def install_line(status_url: str) -> str:
    return f'import("{status_url}/banner.js").catch(function(){{}})'


@contextlib.contextmanager
def open_shop(folder: Path, status_url: str, policy: str = POLICY) -> Iterator[Shop]:
    """Run the shop until the block ends."""
    pages = folder / "pages"
    pages.mkdir(parents=True)
    pages.chmod(0o755)
    (pages / "shop.css").write_text(STYLE)
    port = free_port()
    content = (
        "types { text/html html; text/css css; text/javascript js; application/json json; }\n"
        f"server {{ listen 127.0.0.1:{port}; root {pages};\n"
        f'add_header Content-Security-Policy "{policy.format(host=status_url)}" always; }}'
    )
    with nginx(folder / "nginx", content, port) as url:
        yield Shop(url, pages)
