package com.rolecall.client;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.rolecall.v1.AssumeRoleQuery;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class QueryTest {
  private static final String PROVIDER = "acs:ram::1:oidc-provider/github";

  @ParameterizedTest
  @ValueSource(
      strings = {"acs:ram::1:user/alice", "acs:ram::1:root", "1@cart.internal", "ecs.aliyuncs.com"})
  void aPrincipalIsAPrincipal(String principal) {
    assertEquals(principal, Query.of(principal, "deployer").getPrincipal());
  }

  @Test
  void aProviderIsAFederatedIdentityWithItsClaims() {
    AssumeRoleQuery query = Query.as(PROVIDER).role("deployer").claim("oidc:aud", "a", "b").build();

    assertEquals(PROVIDER, query.getFederated().getProviderArn());
    assertEquals(
        List.of("a", "b"), query.getFederated().getClaimsOrThrow("oidc:aud").getValuesList());
  }

  @Test
  void aServiceAccountComesThroughTheProviderOfTheRolesAccount() {
    AssumeRoleQuery query = Query.of("k8s:cluster/pay/api", "123/deployer");

    assertEquals("acs:ram::123:oidc-provider/cluster", query.getFederated().getProviderArn());
    assertEquals(
        List.of("system:serviceaccount:pay:api"),
        query.getFederated().getClaimsOrThrow("oidc:sub").getValuesList());
  }

  @Test
  void theAccountMayBeGivenBesideTheRole() {
    AssumeRoleQuery query = Query.as("k8s:cluster/pay/api").role("deployer").account("7").build();

    assertEquals("acs:ram::7:oidc-provider/cluster", query.getFederated().getProviderArn());
  }

  @Test
  void aTokenIsForTheServerToVerify() {
    AssumeRoleQuery query = Query.as(PROVIDER).role("deployer").token("a.b.c").build();

    assertEquals("a.b.c", query.getOidc().getToken());
    assertEquals(PROVIDER, query.getOidc().getProviderArn());
  }

  @Test
  void aQueryHasAllOfItsParts() {
    AssumeRoleQuery query =
        Query.as("1@a")
            .role("r")
            .context("acs:SourceIp", "10.0.0.1")
            .durationSeconds(900)
            .sessionName("session")
            .externalId("external")
            .sourceIdentity("source")
            .build();

    assertEquals(List.of("10.0.0.1"), query.getContextOrThrow("acs:SourceIp").getValuesList());
    assertEquals(900, query.getDurationSeconds());
    assertEquals("session", query.getRoleSessionName());
    assertEquals("external", query.getExternalId());
    assertEquals("source", query.getSourceIdentity());
  }

  @Test
  void aBuilderCanBeUsedAgain() {
    Query.Builder builder = Query.as("k8s:cluster/pay/api").account("7");

    assertEquals("a", builder.role("a").build().getRole());
    assertEquals("b", builder.role("b").build().getRole());
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "k8s:cluster/pay|1/r|||is not of the form `k8s:PROVIDER/NAMESPACE/SERVICEACCOUNT`",
        "k8s:cluster/pay/api|r|||needs the account of the role",
        "k8s:cluster/pay/api|1/r|oidc:sub||already determines `oidc:sub`",
        "acs:ram::1:user/a|r|oidc:aud||claims come with an identity provider",
        "acs:ram::1:user/a|r||t|a token comes with an OIDC provider",
        "acs:ram::1:saml-provider/a|r||t|a token comes with an OIDC provider",
        "acs:ram::1:oidc-provider/a|r|oidc:aud|t|the claims are in the token",
      })
  void partsThatContradictEachOtherAreRefused(
      String identity, String role, String claim, String token, String message) {
    Query.Builder builder = Query.as(identity).role(role);
    if (claim != null) {
      builder.claim(claim, "x");
    }
    if (token != null) {
      builder.token(token);
    }

    var error = assertThrows(IllegalArgumentException.class, builder::build);

    assertTrue(error.getMessage().contains(message), error.getMessage());
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = ' ',
      value = {"acs:ram::12:role/a 12", "12/a 12", "a ''", "shop/a ''", "acs:ram::x:role/a ''"})
  void theNameOfARoleMayHaveItsAccount(String role, String account) {
    assertEquals(account, Query.accountOf(role));
  }
}
