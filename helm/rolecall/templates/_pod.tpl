{{/* The pod template, used by the StatefulSet and the Deployment. */}}

{{- define "rolecall.pod" -}}
metadata:
  labels:
    {{- include "rolecall.podLabels" . | nindent 4 }}
  {{- with .Values.podAnnotations }}
  annotations:
    {{- toYaml . | nindent 4 }}
  {{- end }}
spec:
  serviceAccountName: {{ include "rolecall.serviceAccountName" . | quote }}
  automountServiceAccountToken: false
  {{- /* A Service named rolecall would add ROLECALL_PORT=tcp://... and similar variables, and the server does not start with a
         ROLECALL_ variable that is not a setting. */}}
  enableServiceLinks: false
  {{- /* After the drain, closing the snapshot file, the decision log and the store may take 3, 5 and 5 seconds. */}}
  terminationGracePeriodSeconds: {{ add (int .Values.drain.delaySeconds) (int .Values.drain.graceSeconds) 15 }}
  {{- with .Values.imagePullSecrets }}
  imagePullSecrets:
    {{- toYaml . | nindent 4 }}
  {{- end }}
  {{- with .Values.priorityClassName }}
  priorityClassName: {{ . | quote }}
  {{- end }}
  securityContext:
    {{- toYaml .Values.podSecurityContext | nindent 4 }}
  {{- if and (eq .Values.store.engine "postgres") .Values.store.postgres.migrate.enabled }}
  initContainers:
    - name: migrate
      {{- /* After a restart of the node the pod still has its snapshot file, and can start without the database. */}}
      args: [migrate, --wait, {{ include "rolecall.settingText" .Values.store.postgres.migrate.waitSeconds | quote }}
        {{- if .Values.snapshot.existingSecret }}, --or-snapshot, /var/cache/rolecall/snapshot{{ end }}]
      {{- include "rolecall.container" . | nindent 6 }}
  {{- end }}
  containers:
    - name: rolecall
      args: [serve]
      {{- include "rolecall.container" . | nindent 6 }}
      ports:
        - name: grpc
          containerPort: {{ .Values.ports.grpc }}
        - name: ops
          containerPort: {{ .Values.ports.ops }}
      {{- /* /livez succeeds while the server loads, and while it waits for the database. */}}
      startupProbe:
        {{- include "rolecall.probe" (list "/livez" .Values.probes.startup) | nindent 8 }}
      readinessProbe:
        {{- include "rolecall.probe" (list "/readyz" .Values.probes.readiness) | nindent 8 }}
      livenessProbe:
        {{- include "rolecall.probe" (list "/livez" .Values.probes.liveness) | nindent 8 }}
  volumes:
    {{- include "rolecall.volumes" . | nindent 4 }}
  {{- with include "rolecall.topologySpread" . }}
  {{- . | nindent 2 }}
  {{- end }}
  {{- with .Values.nodeSelector }}
  nodeSelector:
    {{- toYaml . | nindent 4 }}
  {{- end }}
  {{- with .Values.affinity }}
  affinity:
    {{- toYaml . | nindent 4 }}
  {{- end }}
  {{- with .Values.tolerations }}
  tolerations:
    {{- toYaml . | nindent 4 }}
  {{- end }}
{{- end -}}

{{/* The common part of the migration's and the server's container. The image's entrypoint is `rolecall`; no shell is involved. */}}
{{- define "rolecall.container" -}}
image: {{ include "rolecall.image" . | quote }}
imagePullPolicy: {{ .Values.image.pullPolicy }}
env:
  {{- include "rolecall.environment" . | nindent 2 }}
resources:
  {{- toYaml .Values.resources | nindent 2 }}
securityContext:
  {{- toYaml .Values.containerSecurityContext | nindent 2 }}
volumeMounts:
  {{- include "rolecall.volumeMounts" . | nindent 2 }}
{{- end -}}

{{- define "rolecall.probe" -}}
{{- $times := last . -}}
httpGet:
  path: {{ first . }}
  port: ops
periodSeconds: {{ $times.periodSeconds }}
timeoutSeconds: {{ $times.timeoutSeconds }}
failureThreshold: {{ $times.failureThreshold }}
{{- end -}}

{{- define "rolecall.topologySpread" -}}
{{- if and (gt (int (include "rolecall.replicas" .)) 1) .Values.topologySpread.topologyKeys -}}
topologySpreadConstraints:
  {{- range .Values.topologySpread.topologyKeys }}
  - topologyKey: {{ . | quote }}
    maxSkew: 1
    whenUnsatisfiable: ScheduleAnyway
    matchLabelKeys: [pod-template-hash]
    labelSelector:
      matchLabels:
        {{- include "rolecall.selectorLabels" $ | nindent 8 }}
  {{- end }}
{{- end -}}
{{- end -}}
