"""Options of the server's parts, made of its settings."""

from __future__ import annotations

from rolecall.config.agent_settings import AgentConfig
from rolecall.config.serving_settings import ServingSettings
from rolecall.config.settings import Config
from rolecall.engine.decision_point import DecisionOptions
from rolecall.observability.decision_log.log import DecisionLogOptions
from rolecall.policy.limits import Limits
from rolecall.roles.catalog import CatalogOptions
from rolecall.security.tls_files import TlsFiles
from rolecall.security.tokens.key_sets import KeySets
from rolecall.transport.options import ServerOptions, UploadLimits


def document_limits(config: Config) -> Limits:
    """Return the limits of a trust policy."""
    return Limits(
        max_document_bytes=config.max_document_bytes,
        max_statements=config.max_statements,
        max_principals=config.max_principals,
        max_condition_keys=config.max_condition_keys,
        max_patterns=config.max_patterns,
        max_pattern_characters=config.max_pattern_characters,
        max_total_pattern_characters=config.max_total_pattern_characters,
        max_pattern_stars=config.max_pattern_stars,
    )


def catalog_options(config: Config) -> CatalogOptions:
    """Return the options of the role catalog."""
    return CatalogOptions(max_roles_per_account=config.max_roles_per_account, lint_blocks=config.lint_blocks)


def decision_options(config: Config | AgentConfig) -> DecisionOptions:
    """Return the options of the decision point."""
    return DecisionOptions(
        cache_entries=config.cache_entries,
        cache_bytes=config.cache_bytes,
        compiled_policies=config.compiled_policies,
        compiled_policy_bytes=config.compiled_policy_bytes,
        source_identity_needs_allow=bool(config.source_identity_needs_allow),
    )


def server_options(config: ServingSettings) -> ServerOptions:
    """Return the options of the gRPC server."""
    return ServerOptions(
        max_message_bytes=config.max_message_bytes,
        max_connections=config.max_connections,
        max_concurrent_rpcs=config.max_concurrent_rpcs,
        max_streams=config.max_streams,
        max_uploads=config.max_uploads,
        max_watches=config.max_watches,
        max_deadline_seconds=config.max_deadline_seconds,
        stream_idle_seconds=config.stream_idle_seconds,
        rate_limit=config.rate_limit,
        rate_burst=config.rate_burst,
        reflection=config.with_reflection,
    )


def upload_limits(config: Config) -> UploadLimits:
    """Return the limits of ApplyRoles."""
    return UploadLimits(max_roles=config.max_upload_roles, max_bytes=config.max_upload_bytes)


def tls_files(config: ServingSettings) -> TlsFiles:
    """Return the files of the server's certificate, key and client authorities."""
    return TlsFiles(certificate=config.tls_cert, key=config.tls_key, client_authority=config.tls_client_ca)


def key_sets(config: ServingSettings) -> KeySets:
    """Return the key sets of the issuers and providers of a server; raise `CredentialsError` if `--jwks-ca` is invalid."""
    return KeySets(dict(config.jwks_host), authority=config.jwks_ca, max_age=config.jwks_max_age_seconds)


def decision_log_options(config: ServingSettings) -> DecisionLogOptions | None:
    """Return the options of the decision log; None: decisions are not logged."""
    if not config.decision_log:
        return None
    return DecisionLogOptions(
        target=config.decision_log,
        max_bytes=config.decision_log_max_bytes,
        files=config.decision_log_files,
        queue_records=config.decision_log_queue_records,
        max_event_bytes=config.decision_log_max_event_bytes,
        masked=config.decision_log_mask,
        erased=config.decision_log_erase,
        sample_allow=config.decision_log_sample_allow,
        sample_deny=config.decision_log_sample_deny,
    )
