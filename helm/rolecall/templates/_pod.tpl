{{/* The pod, of the StatefulSet and of the Deployment alike. */}}

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
  {{- /* A Service named rolecall would put ROLECALL_PORT=tcp://... and more like it into the environment, and a ROLECALL_ variable
         that is no setting stops the start. */}}
  enableServiceLinks: false
  {{- /* All that a pod does after SIGTERM: the snapshot file, the decision log and the store have 3, 5 and 5 seconds at the end. */}}
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
      {{- /* The snapshot file is there when the pod begins again, after its node did: then it needs no database to start. */}}
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
      {{- /* Live means that the process is sound, also while it loads, and while it waits for a database. */}}
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

{{/* What the migration and the server have in common. The image's entrypoint is `rolecall`, and it has no use for a shell. */}}
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
