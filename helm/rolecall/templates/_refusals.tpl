{{/* Combinations of values that fail to render, each with a message that says what to change. The schema has rejected unknown names and wrong types before. */}}

{{- define "rolecall.refusals" -}}
{{- include "rolecall.refuseName" . -}}
{{- include "rolecall.refuseStore" . -}}
{{- include "rolecall.refuseTls" . -}}
{{- include "rolecall.refuseCallers" . -}}
{{- include "rolecall.refuseExtras" . -}}
{{- include "rolecall.refuseAgent" . -}}
{{- include "rolecall.refuseImage" . -}}
{{- end -}}

{{/* A name whose first part is no host is one of the public registry, which anybody may have registered there. */}}
{{- define "rolecall.refuseImage" -}}
{{- $image := include "rolecall.image" . -}}
{{- $host := ternary (first (splitList "/" $image)) "" (contains "/" $image) -}}
{{- if not (or (contains "." $host) (contains ":" $host) (eq $host "localhost") (eq .Values.image.pullPolicy "Never")) -}}
{{- fail (printf "the image `%s` has no registry, so it would be pulled from a public one: set image.registry; or set image.pullPolicy to Never if each node has the image" $image) -}}
{{- end -}}
{{- end -}}

{{- define "rolecall.refuseAgent" -}}
{{- $upstream := .Values.agent.upstream -}}
{{- if .Values.agent.enabled -}}
{{- if and $upstream.existingSecret $upstream.insecure -}}
{{- fail "agent.upstream.existingSecret and agent.upstream.insecure exclude each other: remove one of them" -}}
{{- end -}}
{{- if not (or $upstream.existingSecret $upstream.insecure) -}}
{{- fail "the agent needs the CA certificates of its server, and a credential of its own: set agent.upstream.existingSecret; or set agent.upstream.insecure if a mesh encrypts" -}}
{{- end -}}
{{- if and $upstream.insecure $upstream.token.audience -}}
{{- fail "agent.upstream.token.audience is set, but a token is sent over TLS only: set agent.upstream.existingSecret" -}}
{{- end -}}
{{- end -}}
{{- end -}}

{{- define "rolecall.refuseName" -}}
{{- $name := include "rolecall.fullname" . -}}
{{- if not (regexMatch "^[a-z]([-a-z0-9]*[a-z0-9])?$" $name) -}}
{{- fail (printf "`%s` is not a valid name for a Service, which begins with a letter and has lower-case letters, digits and hyphens only: set fullnameOverride" $name) -}}
{{- end -}}
{{- if eq (int .Values.ports.grpc) (int .Values.ports.ops) -}}
{{- fail (printf "ports.grpc and ports.ops are both %d: change one of them" (int .Values.ports.grpc)) -}}
{{- end -}}
{{- end -}}

{{- define "rolecall.refuseStore" -}}
{{- if eq .Values.store.engine "postgres" -}}
{{- if not .Values.store.postgres.existingSecret -}}
{{- fail "store.engine is postgres, but store.postgres.existingSecret is not set: set it to the secret with the database URL under store.postgres.key" -}}
{{- end -}}
{{- else -}}
{{- if gt (int (include "rolecall.replicas" .)) 1 -}}
{{- fail "store.engine is sqlite, which supports one pod only, but replicas is more than 1: set replicas to 1, or store.engine to postgres" -}}
{{- end -}}
{{- if .Values.store.postgres.existingSecret -}}
{{- fail "store.postgres.existingSecret is set, but store.engine is sqlite: set store.engine to postgres, or remove store.postgres.existingSecret" -}}
{{- end -}}
{{- if .Values.snapshot.existingSecret -}}
{{- fail "snapshot.existingSecret is set, but store.engine is sqlite, which needs no snapshot: remove snapshot.existingSecret, or set store.engine to postgres" -}}
{{- end -}}
{{- end -}}
{{- end -}}

{{- define "rolecall.refuseTls" -}}
{{- $manager := .Values.tls.certManager -}}
{{- if and .Values.tls.existingSecret $manager.enabled -}}
{{- fail "tls.existingSecret and tls.certManager.enabled are both set: remove one of them" -}}
{{- end -}}
{{- if and $manager.enabled (not $manager.issuerRef.name) -}}
{{- fail "tls.certManager.enabled is set, but tls.certManager.issuerRef.name is not: set it to the issuer of the server's certificate" -}}
{{- end -}}
{{- if include "rolecall.tlsSecret" . -}}
{{- if .Values.insecure.acknowledged -}}
{{- fail "insecure.acknowledged contradicts the values under tls: remove one of them" -}}
{{- end -}}
{{- else if .Values.tls.clientCA.existingSecret -}}
{{- fail "tls.clientCA.existingSecret is set, but the server has no certificate: set tls.existingSecret or tls.certManager.enabled" -}}
{{- else if not .Values.insecure.acknowledged -}}
{{- fail "the server needs a certificate, and CA certificates that verify its clients: set tls.existingSecret or tls.certManager.enabled; or set insecure.acknowledged if a proxy or mesh in front of the server does TLS and authenticates callers" -}}
{{- end -}}
{{- end -}}

{{- define "rolecall.refuseCallers" -}}
{{- $callers := .Values.callers -}}
{{- if gt (len (compact (list $callers.file $callers.existingConfigMap $callers.existingSecret))) 1 -}}
{{- fail "callers.file, callers.existingConfigMap and callers.existingSecret exclude each other: keep one of them" -}}
{{- end -}}
{{- if include "rolecall.tlsSecret" . -}}
{{- if not (include "rolecall.hasCallers" .) -}}
{{- fail "callers present certificates, and no callers file says what they may do: write one with `rolecall callers init --admin IDENTITY > callers.yaml`, and give it with --set-file callers.file=callers.yaml; or set callers.existingConfigMap or callers.existingSecret" -}}
{{- end -}}
{{- else if include "rolecall.hasCallers" . -}}
{{- fail "there is a callers file, but with insecure.acknowledged the server recognises no caller: set tls.existingSecret or tls.certManager.enabled, or remove the values under callers" -}}
{{- end -}}
{{- if and $callers.observeUntil (not (include "rolecall.hasCallers" .)) -}}
{{- fail "callers.observeUntil is set, but there is no callers file whose rights could be observed: set callers.file, or remove callers.observeUntil" -}}
{{- end -}}
{{- end -}}

{{/* Extra variables, volumes and mounts must not override those of the chart: its other parts rely on them. */}}
{{- define "rolecall.refuseExtras" -}}
{{- range .Values.extraEnv -}}
{{- if hasPrefix "ROLECALL_" .name -}}
{{- fail (printf "extraEnv sets %s, a setting of the server: set it under `config`, or use the value that the chart has for it" .name) -}}
{{- end -}}
{{- end -}}
{{- $volumes := list "tmp" "data" "store" "snapshot" "snapshot-key" "tls" "client-ca" "callers" -}}
{{- range .Values.extraVolumes -}}
{{- if has .name $volumes -}}
{{- fail (printf "extraVolumes has a volume `%s`, which the chart uses: choose another name" .name) -}}
{{- end -}}
{{- end -}}
{{- $paths := list "/tmp" "/var/lib/rolecall" "/var/cache/rolecall" "/etc/rolecall/store" "/etc/rolecall/snapshot" "/etc/rolecall/tls" "/etc/rolecall/client-ca" "/etc/rolecall/callers" -}}
{{- range .Values.extraVolumeMounts -}}
{{- if has (trimSuffix "/" .mountPath) $paths -}}
{{- fail (printf "extraVolumeMounts mounts at %s, which the chart uses: choose another path" .mountPath) -}}
{{- end -}}
{{- end -}}
{{- end -}}
