{{/* The mounts and volumes. Secrets are mounted key by key, so that the pod does not start if one is missing. */}}

{{- define "rolecall.volumeMounts" -}}
- name: tmp
  mountPath: /tmp
{{- if eq .Values.store.engine "postgres" }}
- name: store
  mountPath: /etc/rolecall/store
  readOnly: true
{{- else }}
- name: data
  mountPath: /var/lib/rolecall
{{- end }}
{{- if .Values.snapshot.existingSecret }}
- name: snapshot
  mountPath: /var/cache/rolecall
- name: snapshot-key
  mountPath: /etc/rolecall/snapshot
  readOnly: true
{{- end }}
{{- if include "rolecall.tlsSecret" . }}
- name: tls
  mountPath: /etc/rolecall/tls
  readOnly: true
- name: client-ca
  mountPath: /etc/rolecall/client-ca
  readOnly: true
{{- end }}
{{- if include "rolecall.hasCallers" . }}
- name: callers
  mountPath: /etc/rolecall/callers
  readOnly: true
{{- end }}
{{- with .Values.extraVolumeMounts }}
{{ toYaml . }}
{{- end }}
{{- end -}}

{{/* The volume `data` is a volume claim template of the StatefulSet. */}}
{{- define "rolecall.volumes" -}}
{{- $tls := include "rolecall.tlsSecret" . -}}
- name: tmp
  emptyDir:
    sizeLimit: 256Mi
{{- if eq .Values.store.engine "postgres" }}
- name: store
  secret:
    secretName: {{ .Values.store.postgres.existingSecret | quote }}
    defaultMode: 0440
    items:
      - key: {{ .Values.store.postgres.key | quote }}
        path: url
{{- end }}
{{- if .Values.snapshot.existingSecret }}
- name: snapshot
  emptyDir:
    sizeLimit: {{ .Values.snapshot.sizeLimit | quote }}
- name: snapshot-key
  secret:
    secretName: {{ .Values.snapshot.existingSecret | quote }}
    defaultMode: 0440
    items:
      - key: {{ .Values.snapshot.key | quote }}
        path: key
{{- end }}
{{- if $tls }}
- name: tls
  secret:
    secretName: {{ $tls | quote }}
    defaultMode: 0440
    items:
      - key: tls.crt
        path: tls.crt
      - key: tls.key
        path: tls.key
- name: client-ca
  secret:
    secretName: {{ default $tls .Values.tls.clientCA.existingSecret | quote }}
    defaultMode: 0440
    items:
      - key: {{ .Values.tls.clientCA.key | quote }}
        path: ca.crt
{{- end }}
{{- /* As a whole, so that further files can be added: the server reads every *.yaml, and does not start without any. */}}
{{- if .Values.callers.existingSecret }}
- name: callers
  secret:
    secretName: {{ .Values.callers.existingSecret | quote }}
    defaultMode: 0440
{{- else if include "rolecall.hasCallers" . }}
- name: callers
  configMap:
    name: {{ default (printf "%s-callers" (include "rolecall.fullname" .)) .Values.callers.existingConfigMap | quote }}
    defaultMode: 0440
{{- end }}
{{- with .Values.extraVolumes }}
{{ toYaml . }}
{{- end }}
{{- end -}}
