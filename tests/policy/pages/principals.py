"""What principals of documents and of requests are read as, and what is said of those that are none."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from rolecall.policy.errors import InvalidPrincipalError
from rolecall.policy.principal import Principal, principal_of_document, principal_of_request, provider_of_request
from rolecall.policy.wording import printable, quoted

_ID = "123456789012"
_TEXTS = [
    f"acs:ram::{_ID}:root", f"acs:ram::{_ID}:user/alice", f"acs:ram::{_ID}:role/Deploy", f"acs:ram::{'9' * 20}:root",
    f"acs:ram::{'9' * 21}:root", "acs:ram::1:user/" + "u" * 64, "acs:ram::1:user/" + "u" * 65, "acs:ram::1:role/a.b_c@d-e",
    "acs:ram::1:role/a:b", "acs:ram::1:saml-provider/" + "p" * 128, "acs:ram::1:saml-provider/" + "p" * 129,
    "acs:ram::1:oidc-provider/a.b", "acs:ram::1:oidc-provider/a", "acs:ram::1:oidc-provider/-a", "acs:ram::1:oidc-provider/a-",
    f"acs:ram::{_ID}:role/Deploy/s1", f"acs:ram::{_ID}:assumed-role/Deploy/s1", f"acs:sts::{_ID}:assumed-role/Deploy/s1",
    "acs:ram::1:role/R/" + "s" * 64, "acs:ram::1:role/R/" + "s" * 65, "acs:ram::1:role/" + "r" * 65 + "/s",
    f"acs:ram::{'9' * 20}:role/R/s", f"acs:sts::{'9' * 20}:assumed-role/R/s", f"acs:sts::{'9' * 21}:assumed-role/R/s",
    "acs:sts::1:role/R", "acs:sts::1:role/R/s", "acs:ram::1:assumed-role/R", "acs:ram::1:assumed-role/R/",
    "acs:sts:cn:1:assumed-role/R/s", "acs:ram::x:role/R/s/t",
    "", " ", "\t", f" {_ID}", "acs:ram::1:root\n", "ecs.aliyuncs.com ", "${arn}", "{{ arn }}", "$(arn)", "<%= arn %>", "%s", "%d", "%v",
    "%x", "acs:ram::<account>:root", "<a>", "a<b", f"arn:aws:iam::{_ID}:root", "1", "9" * 20, "9" * 21, "*", "acs:ram::*:root",
    "acs:ram::1*:root", "acs:ram::1**:root", "acs:ram::**1:root", "acs:ram::1**2:root", "acs:ram::***:root", "acs:ram::****:root",
    "acs:ram::1:user/*", "acs:ram::1:*", "acs:ram::1****:role/a:b", "acs:ram::1*:role/a:b", "acs:ram::1:role/a:*", "1**@ecs.aliyuncs.com", "1*@ecs.aliyuncs.com", "*@ecs.aliyuncs.com", "*.aliyuncs.com", "a*b",
    "ACS:ram::1:root", "acs:RAM::1:root", "acs:ecs::1:root", "acs:ram", "acs:ram::1", "acs:", "acs:ram:cn-hangzhou:1:root", "acs:ram:::root",
    "acs:ram::x1:root", "acs:ram::1:Root", "acs:ram::1:ROLE/x", "acs:ram::1:User/x", "acs:ram::1:Saml-Provider/x", "acs:ram::1:OIDC-provider/x",
    "acs:ram::1:user/", "acs:ram::1:user", "acs:ram::1:role", "acs:ram::1:role/a b", "acs:ram::1:group/g", "acs:ram::1:Group/g", "acs:ram::1:root/x",
    "acs:ram::1:saml-provider/", "acs:ram::1:user/a\u202eb", "\uff41cs:ram::1:root",
    "ecs.aliyuncs.com", f"{_ID}@ecs.aliyuncs.com", "9" * 20 + "@a.b", "9" * 21 + "@a.b", "orders.internal", f"{_ID}@orders.internal",
    "evilaliyuncs.com", ".aliyuncs.com", "aliyuncs.com", "ECS.aliyuncs.com", "1@ECS.aliyuncs.com", "ecs", "a_b.c", "a..b", "a.b.", "-a.b", "a-.b",
    "a" * 63 + ".b", "a" * 64 + ".b", ".".join(["a" * 63] * 3 + ["b" * 61]), ".".join(["a" * 63] * 3 + ["b" * 62]), "\u00c9cs.aliyuncs.com",
    f"alice@{_ID}.onaliyun.com", "a" * 64 + "@1.onaliyun.com", "a" * 65 + "@1.onaliyun.com", "alice@corp.onaliyun.com", "alice@" + "9" * 21 + ".onaliyun.com",
    "x.onaliyun.com", "alice@example.com", "@ecs.aliyuncs.com", "1@", "1@@a.b", "alice@",
]  # fmt: skip
_REQUESTED = [
    "https://token.actions.githubusercontent.com", "http://x", "spiffe://x/y", "repo:acme/app:ref:refs/heads/main", "project_path:a/b",
    "organization:acme:pipeline:p", "organisation:acme", "org/1/project/2", "org:1", "pipeline:p", "workspace:w", "sub:s", "system:x",
    "system:serviceaccount:shop:web", "system:serviceaccount:shop", "system:serviceaccount:a:b:c", "repo:", "repo: x", "root", "user/alice",
    "role/Deploy", "oidc-provider/p", "saml-provider/p", "user/", "group/g", f"{_ID}:root", f"{_ID}:role/x", f"{_ID}/Deploy", f"{_ID}/role/x",
    f"{_ID}:x", "9" * 21 + "/x", "alice", "a" * 64, "a" * 65, "al.ice", "al ice", "GitHub", "Okta", "okta.x", "ECS", "fc",
    "token.actions.githubusercontent.com", "gitlab.com", "accounts.google.com", "agent.buildkite.com", "sub.gitlab.com",
    *["actiontrail", "apigateway", "config", "cs", "ecs", "eventbridge", "fc", "fnf", "log", "mns", "oos", "oss", "pai", "rds", "ros", "slb", "vpc", "kms"],
    *["azure", "bitbucket", "buildkite", "circleci", "entra", "github", "gitlab", "google", "jenkins", "okta", "auth0"],
    *(f"{name}.amazonaws.com" for name in
      ["apigateway", "cloudformation", "cloudtrail", "config", "ec2", "eks", "events", "lambda", "rds", "s3", "states", "sqs", "s3.eu-west-1"]),
    "ec2.amazonaws.com.cn", "vault.azure.net", "x.azure.com", "login.windows.net", "storage.googleapis.com", "x.iam.gserviceaccount.com",
    "cvm.qcloud.com", "ecs.aliyun.com", "ram.alibabacloud.com", "oss.alicloud.com", "amazonaws.com", "ec2.qcloud.com",
]  # fmt: skip
_READERS: dict[str, Callable[[str], Principal]] = {
    "RAM": lambda text: principal_of_document("RAM", text),
    "Service": lambda text: principal_of_document("Service", text),
    "Federated": lambda text: principal_of_document("Federated", text),
    "request": principal_of_request,
    "provider": provider_of_request,
}


def written() -> str:
    """Return the text of the page as it should be."""
    lines = [line for text in _TEXTS for line in _read(text, list(_READERS))]
    lines += [line for text in _REQUESTED for line in _read(text, ["request"])]
    lines += _read("x", ["AWS"])
    return "\n".join([*lines, ""])


def _read(text: str, names: list[str]) -> Iterator[str]:
    """Yield the answers for a text, written as `...`, each with its readers."""
    answers: dict[str, list[str]] = {}
    for name in names:
        answers.setdefault(_answer(name, text).replace(quoted(text), "..."), []).append(name)
    yield f"# {printable(text)}"
    for answer, readers in answers.items():
        yield f"{', '.join(readers)}: {answer}"


def _answer(name: str, text: str) -> str:
    try:
        found = _READERS[name](text) if name in _READERS else principal_of_document(name, text)
    except InvalidPrincipalError as error:
        return f"{error.reason} {error.message}{f' -> {error.suggestion}' if error.suggestion else ''}"
    return f"{found.kind.value} of {found.account or 'no account'}, {found.name or 'no name'}{'' if str(found) == text else f': {found}'}"
