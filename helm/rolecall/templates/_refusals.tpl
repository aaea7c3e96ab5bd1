{{/* What does not render, and what to do instead. The schema refuses unknown names and wrong types before this. */}}

{{- define "rolecall.refusals" -}}
{{- include "rolecall.refuseName" . -}}
{{- include "rolecall.refuseStore" . -}}
{{- include "rolecall.refuseTls" . -}}
{{- include "rolecall.refuseExtras" . -}}
{{- end -}}

{{- define "rolecall.refuseName" -}}
{{- $name := include "rolecall.fullname" . -}}
{{- if not (regexMatch "^[a-z]([-a-z0-9]*[a-z0-9])?$" $name) -}}
{{- fail (printf "the objects would be called `%s`, and a Service must begin with a letter and have letters, digits and hyphens only: set fullnameOverride" $name) -}}
{{- end -}}
{{- if eq (int .Values.ports.grpc) (int .Values.ports.ops) -}}
{{- fail (printf "ports.grpc and ports.ops are both %d: set one of them to another port" (int .Values.ports.grpc)) -}}
{{- end -}}
{{- end -}}

{{- define "rolecall.refuseStore" -}}
{{- if eq .Values.store.engine "postgres" -}}
{{- if not .Values.store.postgres.existingSecret -}}
{{- fail "store.engine is postgres, and store.postgres.existingSecret is not set: name the secret that has the database's URL under store.postgres.key" -}}
{{- end -}}
{{- else -}}
{{- if gt (int (include "rolecall.replicas" .)) 1 -}}
{{- fail "store.engine is sqlite, whose file belongs to one pod, and replicas is more than 1: set replicas to 1, or store.engine to postgres" -}}
{{- end -}}
{{- if .Values.store.postgres.existingSecret -}}
{{- fail "store.postgres.existingSecret is set, and store.engine is sqlite: set store.engine to postgres, or drop the secret" -}}
{{- end -}}
{{- if .Values.snapshot.existingSecret -}}
{{- fail "snapshot.existingSecret is set, and store.engine is sqlite, which has its file at hand: drop the secret, or set store.engine to postgres" -}}
{{- end -}}
{{- end -}}
{{- end -}}

{{- define "rolecall.refuseTls" -}}
{{- $manager := .Values.tls.certManager -}}
{{- if and .Values.tls.existingSecret $manager.enabled -}}
{{- fail "tls.existingSecret and tls.certManager.enabled exclude each other: keep the one that the server's certificate comes from" -}}
{{- end -}}
{{- if and $manager.enabled (not $manager.issuerRef.name) -}}
{{- fail "tls.certManager.enabled is set, and tls.certManager.issuerRef.name is not: name the issuer of the server's certificate" -}}
{{- end -}}
{{- if include "rolecall.tlsSecret" . -}}
{{- if .Values.insecure.acknowledged -}}
{{- fail "insecure.acknowledged would give up what tls asks for: drop one of them" -}}
{{- end -}}
{{- else if .Values.tls.clientCA.existingSecret -}}
{{- fail "tls.clientCA.existingSecret is set, and the server has no certificate: set tls.existingSecret or tls.certManager.enabled" -}}
{{- else if not .Values.insecure.acknowledged -}}
{{- fail "the server needs a certificate, and an authority for those of its clients: set tls.existingSecret or tls.certManager.enabled; or set insecure.acknowledged if something in front of the server does TLS and authenticates callers" -}}
{{- end -}}
{{- end -}}

{{/* What is added must not take the place of what the chart itself sets: that would leave the rest of it speaking of something else. */}}
{{- define "rolecall.refuseExtras" -}}
{{- range .Values.extraEnv -}}
{{- if hasPrefix "ROLECALL_" .name -}}
{{- fail (printf "extraEnv sets %s: settings of the server go under `config`, or have values of their own, such as those under tls" .name) -}}
{{- end -}}
{{- end -}}
{{- $volumes := list "tmp" "data" "store" "snapshot" "snapshot-key" "tls" "client-ca" -}}
{{- range .Values.extraVolumes -}}
{{- if has .name $volumes -}}
{{- fail (printf "extraVolumes has a volume `%s`, which the chart has, too: give yours another name" .name) -}}
{{- end -}}
{{- end -}}
{{- $paths := list "/tmp" "/var/lib/rolecall" "/var/cache/rolecall" "/etc/rolecall/store" "/etc/rolecall/snapshot" "/etc/rolecall/tls" "/etc/rolecall/client-ca" -}}
{{- range .Values.extraVolumeMounts -}}
{{- if has (trimSuffix "/" .mountPath) $paths -}}
{{- fail (printf "extraVolumeMounts mounts at %s, where the chart mounts, too: mount yours somewhere else" .mountPath) -}}
{{- end -}}
{{- end -}}
{{- end -}}
