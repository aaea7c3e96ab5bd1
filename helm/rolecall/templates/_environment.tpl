{{/* The environment of the containers. Every name here is a setting of `rolecall serve`; tests/helm checks that. */}}

{{- define "rolecall.environment" -}}
- name: ROLECALL_LISTEN
  value: {{ printf "%s:%d" .Values.listenAddress (int .Values.ports.grpc) | quote }}
- name: ROLECALL_OPS_LISTEN
  value: {{ printf "%s:%d" .Values.listenAddress (int .Values.ports.ops) | quote }}
- name: ROLECALL_DRAIN_DELAY_SECONDS
  value: {{ include "rolecall.settingText" .Values.drain.delaySeconds | quote }}
- name: ROLECALL_DRAIN_GRACE_SECONDS
  value: {{ include "rolecall.settingText" .Values.drain.graceSeconds | quote }}
{{- if eq .Values.store.engine "postgres" }}
- name: ROLECALL_STORE_FILE
  value: /etc/rolecall/store/url
{{- else }}
- name: ROLECALL_STORE
  value: sqlite:////var/lib/rolecall/rolecall.db
- name: ROLECALL_CREATE_STORE
  value: {{ .Values.store.sqlite.create | quote }}
{{- end }}
{{- if .Values.snapshot.existingSecret }}
- name: ROLECALL_SNAPSHOT_FILE
  value: /var/cache/rolecall/snapshot
- name: ROLECALL_SNAPSHOT_KEY_FILE
  value: /etc/rolecall/snapshot/key
{{- end }}
{{- if include "rolecall.tlsSecret" . }}
- name: ROLECALL_TLS_CERT
  value: /etc/rolecall/tls/tls.crt
- name: ROLECALL_TLS_KEY
  value: /etc/rolecall/tls/tls.key
- name: ROLECALL_TLS_CLIENT_CA
  value: /etc/rolecall/client-ca/ca.crt
{{- else }}
- name: ROLECALL_INSECURE
  value: "true"
{{- end }}
{{- if include "rolecall.hasCallers" . }}
- name: ROLECALL_CALLERS
  value: /etc/rolecall/callers/
{{- with .Values.callers.observeUntil }}
- name: ROLECALL_CALLERS_OBSERVE_UNTIL
  value: {{ . | quote }}
{{- end }}
{{- end }}
{{- if .Values.callers.adminSocket.enabled }}
- name: ROLECALL_ADMIN_SOCKET
  value: /tmp/admin.sock
{{- end }}
{{- range $name, $value := .Values.config }}
- name: ROLECALL_{{ upper $name }}
  value: {{ include "rolecall.settingText" $value | quote }}
{{- end }}
{{- with .Values.extraEnv }}
{{ toYaml . }}
{{- end }}
{{- end -}}

{{/* Helm reads every number of a values file as a float and writes 10000000 as 1e+07, which the server does not accept as an integer. */}}
{{- define "rolecall.settingText" -}}
{{- if and (kindIs "float64" .) (eq (floor .) .) -}}
{{- int64 . -}}
{{- else -}}
{{- . -}}
{{- end -}}
{{- end -}}
