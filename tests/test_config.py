"""meaculpa.yml: every mistake at once, each with its line."""

import pytest

from meaculpa.config import Config, parse_config
from tests.making import CONFIG, a_config


def problems(text: str) -> list[str]:
    found = parse_config(text.encode())
    assert not isinstance(found, Config)
    return [str(problem) for problem in found]


def test_a_configuration_is_read() -> None:
    config = a_config()
    assert config.default_locale == "en"
    assert config.component_names == {"storefront": "Storefront", "checkout": "Checkout", "payments": "Card payments"}
    assert config.banner.poll_seconds == 60


def test_crlf_and_a_byte_order_mark_do_no_harm() -> None:
    assert a_config(b"\xef\xbb\xbf" + CONFIG.replace(b"\n", b"\r\n")) == a_config()


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("Europe/London", "Europe/Lodon", 'meaculpa.yml:3: unknown time zone "Europe/Lodon"'),
        ("id: payments", "id: Payments", 'meaculpa.yml:7: "Payments" is not possible here'),
        ("id: payments", "id: checkout", 'the component "checkout" stands here twice'),
        ("id: payments", "id: settled", '"settled" is a fact of an update and cannot name a component'),
        ("/checkout*", "checkout*", 'meaculpa.yml:6: "checkout*" is not possible here'),
        ("type: directory", "type: ftp", 'meaculpa.yml:9: unknown type "ftp" (one of: directory, s3)'),
        ("type: directory", "type: s3", 'meaculpa.yml:9: "bucket" is missing'),
        ("site:", "sites:", 'unknown key "sites" (did you mean "site"?'),
        ("path: public", "path: public, pth: x", 'unknown key "pth" (did you mean "path"? one of: type, name, path)'),
        ("https://www.northwind", "www.northwind", "is not a web address"),
        ("[en, de]", "[en, en]", 'the locale "en" stands here twice'),
        ("[en, de]", "[]", '"locales" is empty'),
        ("format: 1", "format: 2", 'unknown format "2"'),
        ("format: 1", "banner: {position: botom}", 'unknown position "botom" (did you mean "bottom"?'),
        ("format: 1", "banner: {poll_seconds: 1}", '"poll_seconds" must be at least 10'),
        ("format: 1", "brand: {accent: blue}", '"blue" is not possible here (a colour such as #0b57d0)'),
        ("format: 1", "brand: {logo: ../logo.svg}", '"../logo.svg" is not possible here'),
    ],
)
def test_a_mistake_is_told_with_what_would_be_right(old: str, new: str, message: str) -> None:
    told = problems(CONFIG.decode().replace(old, new, 1))
    assert any(message in problem for problem in told), told


def test_all_mistakes_are_told_at_once() -> None:
    text = CONFIG.decode().replace("Europe/London", "Nowhere").replace("type: directory", "type: ftp")
    assert len(problems(text)) == 2


def test_there_is_room_for_a_thousand_components() -> None:
    more = "".join(
        f"  - {{id: c{n}, name: Component {n}, group: Checkout, paths: [/checkout{n}*]}}\n" for n in range(1000)
    )
    assert len(a_config(CONFIG.replace(b"targets:\n", more.encode() + b"targets:\n")).components) == 1003


def test_more_than_that_is_refused_at_once() -> None:
    assert "more than 128 KB of YAML" in problems(CONFIG.decode() + "#" * 131_072)[0]


@pytest.mark.parametrize("text", ["", "- a", "a: [", "site: &a {name: x}\nbrand: *a", "x: " + "[" * 5000])
def test_what_is_no_configuration_is_one_clear_problem(text: str) -> None:
    assert len(problems(text)) == 1


@pytest.mark.parametrize(
    "address",
    ["http://user:TOPSECRET@s3.example", "http://:TOPSECRET@s3.example", "http://s3.example/x?token=TOPSECRET"],
)
def test_a_secret_in_an_address_is_refused_and_not_repeated(address: str) -> None:
    text = CONFIG + f"  - {{name: x, type: s3, bucket: bbb, endpoint_url: '{address}'}}\n".encode()
    problems = parse_config(text)
    assert isinstance(problems, list)
    assert problems
    assert "TOPSECRET" not in "".join(map(str, problems))


@pytest.mark.parametrize(
    ("first", "second", "is_fine"),
    [
        ("type: directory, path: pp", "type: directory, path: pp/x", False),
        ("type: directory, path: ./pp/", "type: directory, path: pp", False),
        ("type: directory, path: pp", "type: directory, path: pp-b", True),
        ("type: s3, bucket: bbb", "type: s3, bucket: bbb, region: eu-west-1", False),
        ("type: s3, bucket: bbb", "type: s3, bucket: bbb, endpoint_url: 'http://s3.example'", True),
        ("type: s3, bucket: bbb", "type: directory, path: bbb", True),
    ],
)
def test_two_targets_never_write_to_the_same_place(first: str, second: str, is_fine: bool) -> None:
    found = parse_config(CONFIG + f"  - {{name: a, {first}}}\n  - {{name: b, {second}}}\n".encode())
    assert isinstance(found, Config) == is_fine
    if not isinstance(found, Config):
        assert 'the targets "a" and "b" write to the same place' in str(found[0])


def test_nobody_has_more_than_fifty_targets() -> None:
    many = "".join(f"  - {{name: t{number}, type: directory, path: p{number}}}\n" for number in range(50))
    assert '"targets" has 51 items; at most 50 are possible' in problems(CONFIG.decode() + many)[0]


def test_a_very_long_value_is_not_repeated_whole() -> None:
    told = problems(CONFIG.decode().replace("https://www.northwind", "www." + "x" * 10_000))
    assert all(len(problem) < 1_000 for problem in told)
    assert "is not a web address" in told[0]
