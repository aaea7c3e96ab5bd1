"""Condition keys and services of other clouds, and what RAM has in their place (docs/policy-language.md, names of other clouds)."""

from __future__ import annotations

import re
from collections.abc import Mapping
from types import MappingProxyType
from typing import NamedTuple

from rolecall.policy.readers import fold


class ForeignName(NamedTuple):
    """Where a name belongs to, and the name that RAM has in its place, empty if it has none."""

    owner: str
    own: str


_AWS_KEYS: Mapping[str, str] = MappingProxyType(
    {
        "aws:currenttime": "acs:CurrentTime",
        "aws:multifactorauthpresent": "acs:MFAPresent",
        "aws:principalarn": "acs:PrincipalARN",
        "aws:principalorgid": "acs:PrincipalRDId",
        "aws:principalorgpaths": "acs:PrincipalRDPath",
        "aws:securetransport": "acs:SecureTransport",
        "aws:sourceidentity": "sts:SourceIdentity",
        "aws:sourceip": "acs:SourceIp",
        "aws:sourcevpc": "acs:SourceVpc",
        "aws:vpcsourceip": "acs:VpcSourceIp",
    }
)
_AWS_TAGS: Mapping[str, str] = MappingProxyType(
    {"aws:requesttag/": "acs:RequestTag/", "aws:resourcetag/": "acs:ResourceTag/"}
)
_AWS_SERVICES: Mapping[str, str] = MappingProxyType(
    {
        "apigateway": "apigateway",
        "cloudformation": "ros",
        "cloudtrail": "actiontrail",
        "config": "config",
        "ec2": "ecs",
        "eks": "cs",
        "events": "eventbridge",
        "lambda": "fc",
        "rds": "rds",
        "s3": "oss",
        "states": "fnf",
    }
)
_GOOGLE_KEYS: Mapping[str, str] = MappingProxyType(
    {
        "google.subject": "oidc:sub",
        "assertion.sub": "oidc:sub",
        "assertion.aud": "oidc:aud",
        "assertion.iss": "oidc:iss",
    }
)
_OWNERS: Mapping[str, str] = MappingProxyType(
    {
        ".amazonaws.com": "AWS",
        ".amazonaws.com.cn": "AWS",
        ".azure.com": "Azure",
        ".azure.net": "Azure",
        ".windows.net": "Azure",
        ".googleapis.com": "Google Cloud",
        ".gserviceaccount.com": "Google Cloud",
        ".qcloud.com": "Tencent Cloud",
    }
)
_WEBSITES = (".aliyun.com", ".alibabacloud.com", ".alicloud.com")
"""Domains of the websites of Alibaba Cloud. Its services are in `aliyuncs.com`."""

# In AWS a claim is named after the issuer of its token, or after the ARN of the provider.
_CLAIM_OF_ISSUER = re.compile(r"[^:\s]*[./][^:\s]*:(?P<claim>sub|aud|iss)|(?:arn|acs):\S*/\S*:(?P<of_arn>sub|aud|iss)")


def foreign_key(key: str) -> ForeignName | None:
    """Return whose condition key it is, if it is one of another cloud."""
    folded = fold(key)
    if folded.startswith("aws:"):
        tag = next((own for prefix, own in _AWS_TAGS.items() if folded.startswith(prefix)), "")
        name = key.partition("/")[2]
        return ForeignName("AWS", tag + name if tag and name else _AWS_KEYS.get(folded, ""))
    if folded in _GOOGLE_KEYS:
        return ForeignName("Google Cloud", _GOOGLE_KEYS[folded])
    claim = _CLAIM_OF_ISSUER.fullmatch(key)
    return ForeignName("AWS", f"oidc:{claim['claim'] or claim['of_arn']}") if claim else None


def foreign_service(name: str) -> ForeignName | None:
    """Return whose service it is, if it is one of another cloud, or of a website."""
    first = name.partition(".")[0]
    if name.endswith(_WEBSITES):
        return ForeignName("a website", f"{first}.aliyuncs.com")
    owner = next((owner for suffix, owner in _OWNERS.items() if name.endswith(suffix)), "")
    if not owner:
        return None
    own = _AWS_SERVICES.get(first, "") if owner == "AWS" else ""
    return ForeignName(owner, f"{own}.aliyuncs.com" if own else "")
