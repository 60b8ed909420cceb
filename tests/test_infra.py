"""CloudFormation as printed: linted by cfn-lint, deployed on moto, and published to."""

import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import boto3
import pytest
import yaml

from tests.making import CONFIG, incident_text, write_project
from tests.programs import program
from tests.test_cli import meaculpa
from tests.test_targets import a_distribution

FLAVOURS = [
    (),
    ("--standby",),
    ("--github", "northwind@12/status@34"),
    ("--gitlab", "northwind/shop/status", "--gitlab-host", "git.northwind.example", "--branch", "live"),
]


@pytest.fixture
def project(tmp_path: Path) -> Path:
    return write_project(tmp_path / "shop", **{"2026-11-22-card": incident_text("impact: none\n")})


def template(project: Path, *options: str) -> str:
    done = meaculpa("infra", *options, cwd=project)
    assert done.returncode == 0, done.stderr
    return done.stdout


def parsed(text: str) -> Any:
    class Loader(yaml.SafeLoader):
        pass

    def short(loader: Any, suffix: str, node: Any) -> object:
        if isinstance(node, yaml.SequenceNode):
            return {suffix: loader.construct_sequence(node, deep=True)}
        return {suffix: loader.construct_scalar(node)}

    Loader.add_multi_constructor("!", short)
    return yaml.load(text, Loader)


@pytest.mark.parametrize("options", FLAVOURS, ids=" ".join)
def test_cfn_lint_finds_nothing(project: Path, tmp_path: Path, options: tuple[str, ...]) -> None:
    path = tmp_path / "template.yml"
    path.write_text(template(project, *options))
    command = [str(Path(sys.executable).with_name("cfn-lint")), "-r", "eu-west-1", "us-east-1", "--", str(path)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (0, ""), done.stdout


def test_a_repository_without_its_numbers_is_warned_of(project: Path) -> None:
    done = meaculpa("infra", "--github", "northwind/status", cwd=project)
    assert done.returncode == 0
    assert "known to AWS by their numbers" in done.stderr


@pytest.mark.parametrize(
    ("asked", "found"),
    [("/", "/index.html"), ("/de/", "/de/index.html"), ("/issues/2021-card/", "/issues/2021-card/index.html")]
    + [(same, same) for same in ("/index.html", "/incidents/abc", "/banner.js")],
)
def test_an_address_that_ends_in_a_slash_is_that_of_its_index(project: Path, asked: str, found: str) -> None:
    resources = parsed(template(project))["Resources"]
    behaviour = resources["Distribution"]["Properties"]["DistributionConfig"]["DefaultCacheBehavior"]
    assert behaviour["FunctionAssociations"] == [
        {"EventType": "viewer-request", "FunctionARN": {"GetAtt": "Indexes.FunctionARN"}}
    ]
    code = resources["Indexes"]["Properties"]["FunctionCode"]
    event = json.dumps({"request": {"uri": asked}})
    command = [program("node", "nodejs"), "-e", f"{code}\nconsole.log(handler({event}).uri)"]
    assert subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip() == found


@pytest.mark.parametrize("name", ["A & B: <shop> #1", "Café \"quoted\" 'x'", "注文", "- x: {y}"])
def test_a_name_with_signs_of_its_own_breaks_nothing(project: Path, name: str) -> None:
    text = CONFIG.decode().replace("name: Northwind,", f"name: {json.dumps(name, ensure_ascii=False)},")
    (project / "meaculpa.yml").write_text(text, encoding="utf-8")
    assert "Resources" in parsed(template(project, "--github", "a/b"))


@pytest.mark.parametrize("options", FLAVOURS, ids=" ".join)
def test_no_alias_stands_in_it_because_cloudformation_knows_none(project: Path, options: tuple[str, ...]) -> None:
    assert not any(isinstance(event, yaml.AliasEvent) for event in yaml.parse(template(project, *options)))


def test_a_publisher_may_do_what_publishing_needs_and_nothing_else(project: Path) -> None:
    resources = parsed(template(project, "--github", "northwind/status"))["Resources"]
    statements = resources["Publish"]["Properties"]["PolicyDocument"]["Statement"]
    allowed = {action for one in statements for action in [one["Action"]] if isinstance(action, str)}
    allowed |= {action for one in statements if isinstance(one["Action"], list) for action in one["Action"]}
    assert allowed == {
        "s3:GetObject",
        "s3:PutObject",
        "s3:DeleteObject",
        "s3:ListBucket",
        "cloudfront:CreateInvalidation",
        "cloudfront:GetDistribution",
    }
    trust = resources["Publisher"]["Properties"]["AssumeRolePolicyDocument"]["Statement"][0]["Condition"]
    assert trust["StringEquals"]["token.actions.githubusercontent.com:sub"] == [
        "repo:northwind/status:ref:refs/heads/main"
    ]


def test_a_repository_with_its_numbers_is_trusted_under_both_names(project: Path) -> None:
    text = template(project, "--github", "northwind@12/status@345", "--branch", "live")
    trust = parsed(text)["Resources"]["Publisher"]["Properties"]["AssumeRolePolicyDocument"]["Statement"][0]
    assert trust["Condition"]["StringEquals"]["token.actions.githubusercontent.com:sub"] == [
        "repo:northwind@12/status@345:ref:refs/heads/live",
        "repo:northwind/status:ref:refs/heads/live",
    ]


def test_what_the_distribution_says_and_does(project: Path) -> None:
    resources = parsed(template(project))["Resources"]
    assert resources["Bucket"]["Properties"]["VersioningConfiguration"] == {"Status": "Enabled"}
    settings = resources["Distribution"]["Properties"]["DistributionConfig"]
    assert settings["HttpVersion"] == "http2and3"
    assert "Logging" not in settings
    assert {one["ErrorCode"]: one.get("ResponsePagePath") for one in settings["CustomErrorResponses"]}[
        403
    ] == "/404.html"
    assert settings["DefaultCacheBehavior"]["Compress"] is True
    headers = resources["Headers"]["Properties"]["ResponseHeadersPolicyConfig"]
    assert headers["CorsConfig"]["AccessControlAllowOrigins"] == {"Items": ["*"]}
    assert headers["CorsConfig"]["AccessControlExposeHeaders"] == {"Items": ["Date", "Age"]}
    assert {"ContentSecurityPolicy", "ContentTypeOptions", "StrictTransportSecurity"} <= set(
        headers["SecurityHeadersConfig"]
    )
    policy = resources["BucketPolicy"]["Properties"]["PolicyDocument"]["Statement"]
    denied = [one["Resource"] for one in policy if one["Effect"] == "Deny"]
    assert {"Sub": "${Bucket.Arn}/.meaculpa/*"} in denied


def deploy(url: str, name: str, text: str, region: str, **parameters: str) -> dict[str, str]:
    client = boto3.client("cloudformation", endpoint_url=url, region_name=region)
    client.create_stack(
        StackName=name,
        TemplateBody=text,
        Capabilities=["CAPABILITY_IAM"],
        Parameters=[{"ParameterKey": key, "ParameterValue": value} for key, value in parameters.items()],
    )
    stack = client.describe_stacks(StackName=name)["Stacks"][0]
    client.close()
    assert stack["StackStatus"] == "CREATE_COMPLETE"
    return {one["OutputKey"]: one["OutputValue"] for one in stack["Outputs"]}


def as_moto_knows_it(text: str) -> str:
    """moto's CloudFormation makes no distributions, so nobody can ask it for the name of one."""
    return "\n".join(line for line in text.splitlines() if not line.startswith("  DistributionDomain:"))


@pytest.mark.filterwarnings("ignore:Tried to parse AWS")
def test_both_stacks_are_deployed_and_a_publish_goes_to_both_buckets(
    project: Path, moto_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    standby = deploy(moto_url, "standby", template(project, "--standby"), "us-east-1")
    main = deploy(
        moto_url,
        "status",
        as_moto_knows_it(template(project, "--github", "northwind/status")),
        "eu-west-1",
        StandbyBucketDomain=standby["RegionalDomain"],
        StandbyBucketName=standby["BucketName"],
    )
    target = "  - {{name: {}, type: s3, bucket: {}, region: {}, endpoint_url: '{}'{}}}\n"
    monkeypatch.setenv("AWS_ENDPOINT_URL_CLOUDFRONT", moto_url)
    made = a_distribution()
    distribution = f", cloudfront_distribution: {made}"
    text = CONFIG.decode().split("  - {name: local")[0]
    text += target.format("primary", main["BucketName"], "eu-west-1", moto_url, distribution)
    text += target.format("standby", standby["BucketName"], "us-east-1", moto_url, "")
    (project / "meaculpa.yml").write_text(text)
    done = meaculpa("publish", cwd=project)
    assert (done.returncode, done.stderr) == (0, "")
    client = boto3.client("s3", endpoint_url=moto_url, region_name="eu-west-1")
    for bucket in (main["BucketName"], standby["BucketName"]):
        assert client.get_object(Bucket=bucket, Key="index.html")["ContentType"] == "text/html; charset=utf-8"
    client.close()
    cloudfront = boto3.client("cloudfront", region_name="us-east-1")
    listed = cloudfront.list_invalidations(DistributionId=made)["InvalidationList"]
    cloudfront.close()
    assert listed["Quantity"] == 1
    checks = json.loads(meaculpa("doctor", "--json", cwd=project).stdout)["checks"]
    (seen,) = [one for one in checks if one["check"] == "cloudfront"]
    assert (seen["verdict"], f"primary: {made} answers as" in seen["message"]) == ("ok", True)


@pytest.mark.parametrize(
    ("name", "parameter", "good", "bad"),
    [
        (
            "--standby",
            "DistributionArn",
            "arn:aws:cloudfront::123456789012:distribution/E2EXAMPLE",
            "DistributionArn",
        ),
        ("", "StandbyBucketDomain", "status-b.s3.us-east-1.amazonaws.com", "RegionalDomain"),
    ],
)
def test_the_name_of_an_output_is_not_taken_for_its_value(
    project: Path, name: str, parameter: str, good: str, bad: str
) -> None:
    pattern = parsed(template(project, *name.split()))["Parameters"][parameter]["AllowedPattern"]
    for value, is_allowed in ((good, True), ("", True), (bad, False)):
        assert bool(re.fullmatch(pattern, value)) == is_allowed


@pytest.mark.parametrize(
    "options",
    [
        ("--github", "northwind"),
        ("--github", "../.."),
        ("--github", "a/b/c"),
        ("--github", "a@1/b"),
        ("--github", "a/b", "--gitlab", "a/b"),
        ("--github", "a/b", "--branch", 'x"'),
        ("--github", "a/b", "--standby"),
    ],
)
def test_what_is_no_repository_is_refused(project: Path, options: tuple[str, ...]) -> None:
    assert meaculpa("infra", *options, cwd=project).returncode == 2
