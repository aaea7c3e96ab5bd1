{{/* What does not render, and what to do instead. The schema refuses unknown names and wrong types before this. */}}

{{- define "rolecall.refusals" -}}
{{- include "rolecall.refuseStore" . -}}
{{- include "rolecall.refuseTls" . -}}
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
