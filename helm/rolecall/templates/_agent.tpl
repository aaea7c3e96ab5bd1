{{/* The parts of the agent's pods. Their labels differ from those of the server, so that no Service sends the server's callers to them. */}}

{{- define "rolecall.agentName" -}}
{{- include "rolecall.fullname" . }}-agent
{{- end -}}

{{- define "rolecall.agentSelectorLabels" -}}
app.kubernetes.io/name: {{ printf "%s-agent" (include "rolecall.name" .) | quote }}
app.kubernetes.io/instance: {{ .Release.Name | quote }}
{{- end -}}

{{- define "rolecall.agentLabels" -}}
{{- toYaml (merge (fromYaml (include "rolecall.agentSelectorLabels" .)) (fromYaml (include "rolecall.labels" .))) -}}
{{- end -}}

{{- define "rolecall.agentPodLabels" -}}
{{- toYaml (merge (fromYaml (include "rolecall.agentSelectorLabels" .)) (fromYaml (include "rolecall.podLabels" .))) -}}
{{- end -}}

{{- define "rolecall.agentUpstream" -}}
{{- default (printf "%s.%s.svc.%s:%d" (include "rolecall.headlessName" .) .Release.Namespace .Values.clusterDomain (int .Values.ports.grpc)) .Values.agent.upstream.address -}}
{{- end -}}

{{/* The user of the socket must be a member of its group. */}}
{{- define "rolecall.agentSecurityContext" -}}
{{- $context := deepCopy .Values.podSecurityContext -}}
{{- if not (kindIs "invalid" .Values.agent.socket.group) -}}
{{- $_ := set $context "supplementalGroups" (append (default list $context.supplementalGroups) (int64 .Values.agent.socket.group) | uniq) -}}
{{- end -}}
{{- toYaml $context -}}
{{- end -}}

{{/* Every name here is a setting of `rolecall agent`; tests/helm checks that. */}}
{{- define "rolecall.agentEnvironment" -}}
- name: ROLECALL_UPSTREAM
  value: {{ include "rolecall.agentUpstream" . | quote }}
- name: ROLECALL_LISTEN
  value: unix:///run/rolecall/agent.sock
{{- if not (kindIs "invalid" .Values.agent.socket.group) }}
- name: ROLECALL_SOCKET_GROUP
  value: {{ int64 .Values.agent.socket.group | quote }}
{{- end }}
- name: ROLECALL_OPS_LISTEN
  value: {{ printf "%s:%d" .Values.listenAddress (int .Values.ports.ops) | quote }}
- name: ROLECALL_DRAIN_DELAY_SECONDS
  value: {{ include "rolecall.settingText" .Values.drain.delaySeconds | quote }}
- name: ROLECALL_DRAIN_GRACE_SECONDS
  value: {{ include "rolecall.settingText" .Values.drain.graceSeconds | quote }}
{{- if .Values.agent.upstream.existingSecret }}
- name: ROLECALL_UPSTREAM_TLS_CA
  value: /etc/rolecall/upstream/ca.crt
{{- if not .Values.agent.upstream.token.audience }}
- name: ROLECALL_UPSTREAM_TLS_CERT
  value: /etc/rolecall/upstream/tls.crt
- name: ROLECALL_UPSTREAM_TLS_KEY
  value: /etc/rolecall/upstream/tls.key
{{- end }}
{{- else }}
- name: ROLECALL_UPSTREAM_INSECURE
  value: "true"
{{- end }}
{{- if .Values.agent.upstream.token.audience }}
- name: ROLECALL_UPSTREAM_TOKEN_FILE
  value: /etc/rolecall/token/token
{{- end }}
{{- if .Values.agent.callers.file }}
- name: ROLECALL_CALLERS
  value: /etc/rolecall/callers/
{{- end }}
{{- range $name, $value := .Values.agent.config }}
- name: ROLECALL_{{ upper $name }}
  value: {{ include "rolecall.settingText" $value | quote }}
{{- end }}
{{- end -}}

{{- define "rolecall.agentVolumeMounts" -}}
- name: tmp
  mountPath: /tmp
- name: socket
  mountPath: /run/rolecall
{{- if .Values.agent.upstream.existingSecret }}
- name: upstream
  mountPath: /etc/rolecall/upstream
  readOnly: true
{{- end }}
{{- if .Values.agent.upstream.token.audience }}
- name: token
  mountPath: /etc/rolecall/token
  readOnly: true
{{- end }}
{{- if .Values.agent.callers.file }}
- name: callers
  mountPath: /etc/rolecall/callers
  readOnly: true
{{- end }}
{{- end -}}

{{- define "rolecall.agentVolumes" -}}
- name: tmp
  emptyDir:
    sizeLimit: 256Mi
- name: socket
  {{- if .Values.agent.socket.csi }}
  csi:
    {{- toYaml .Values.agent.socket.csi | nindent 4 }}
  {{- else }}
  {{- /* The kubelet would create a directory that only root may write, so it must be there. */}}
  hostPath:
    path: {{ .Values.agent.socket.hostPath | quote }}
    type: Directory
  {{- end }}
{{- with .Values.agent.upstream.existingSecret }}
- name: upstream
  secret:
    secretName: {{ . | quote }}
    defaultMode: 0440
    items:
      - key: ca.crt
        path: ca.crt
      {{- if not $.Values.agent.upstream.token.audience }}
      - key: tls.crt
        path: tls.crt
      - key: tls.key
        path: tls.key
      {{- end }}
{{- end }}
{{- with .Values.agent.upstream.token.audience }}
- name: token
  projected:
    defaultMode: 0440
    sources:
      - serviceAccountToken:
          path: token
          audience: {{ . | quote }}
          expirationSeconds: {{ int64 $.Values.agent.upstream.token.expirationSeconds }}
{{- end }}
{{- if .Values.agent.callers.file }}
- name: callers
  configMap:
    name: {{ include "rolecall.agentName" . }}-callers
    defaultMode: 0440
{{- end }}
{{- end -}}
