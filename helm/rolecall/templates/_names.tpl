{{/* The names and labels of the objects. */}}

{{- define "rolecall.name" -}}
{{- default .Chart.Name .Values.nameOverride | include "rolecall.short" -}}
{{- end -}}

{{- define "rolecall.fullname" -}}
{{- if .Values.fullnameOverride -}}
{{- .Values.fullnameOverride | include "rolecall.short" -}}
{{- else if contains (include "rolecall.name" .) .Release.Name -}}
{{- .Release.Name | include "rolecall.short" -}}
{{- else -}}
{{- printf "%s-%s" .Release.Name (include "rolecall.name" .) | include "rolecall.short" -}}
{{- end -}}
{{- end -}}

{{/* At most 52 characters: Services and pods add a suffix, and names have at most 63. The last character is a letter or a digit. */}}
{{- define "rolecall.short" -}}
{{- regexReplaceAll "[-._]+$" (trunc 52 .) "" -}}
{{- end -}}

{{- define "rolecall.headlessName" -}}
{{- include "rolecall.fullname" . }}-headless
{{- end -}}

{{- define "rolecall.serviceAccountName" -}}
{{- if .Values.serviceAccount.create -}}
{{- default (include "rolecall.fullname" .) .Values.serviceAccount.name -}}
{{- else -}}
{{- default "default" .Values.serviceAccount.name -}}
{{- end -}}
{{- end -}}

{{- define "rolecall.selectorLabels" -}}
app.kubernetes.io/name: {{ include "rolecall.name" . | quote }}
app.kubernetes.io/instance: {{ .Release.Name | quote }}
{{- end -}}

{{- define "rolecall.labels" -}}
{{- $own := fromYaml (include "rolecall.selectorLabels" .) -}}
{{- $version := dict "app.kubernetes.io/version" .Chart.AppVersion "app.kubernetes.io/managed-by" .Release.Service -}}
{{- $chart := dict "helm.sh/chart" (printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_") -}}
{{- toYaml (merge $own $version $chart .Values.commonLabels) -}}
{{- end -}}

{{- define "rolecall.podLabels" -}}
{{- $own := fromYaml (include "rolecall.selectorLabels" .) -}}
{{- $version := dict "app.kubernetes.io/version" .Chart.AppVersion -}}
{{- toYaml (merge $own $version .Values.podLabels .Values.commonLabels) -}}
{{- end -}}

{{- define "rolecall.image" -}}
{{- $name := .Values.image.repository -}}
{{- if .Values.image.registry -}}
{{- $name = printf "%s/%s" (trimSuffix "/" .Values.image.registry) $name -}}
{{- end -}}
{{- if .Values.image.digest -}}
{{- printf "%s@%s" $name .Values.image.digest -}}
{{- else -}}
{{- printf "%s:%s" $name (default .Chart.AppVersion .Values.image.tag) -}}
{{- end -}}
{{- end -}}

{{- define "rolecall.replicas" -}}
{{- if kindIs "invalid" .Values.replicas -}}
{{- ternary 2 1 (eq .Values.store.engine "postgres") -}}
{{- else -}}
{{- int .Values.replicas -}}
{{- end -}}
{{- end -}}

{{/* gRPC resolves a name at most every 30 seconds; until then a client may know only the pods that have stopped. */}}
{{- define "rolecall.minReadySeconds" -}}
{{- if kindIs "invalid" .Values.minReadySeconds -}}
{{- add (int .Values.drain.delaySeconds) 30 -}}
{{- else -}}
{{- int .Values.minReadySeconds -}}
{{- end -}}
{{- end -}}

{{/* The secret of the server's certificate; empty without TLS. */}}
{{- define "rolecall.tlsSecret" -}}
{{- if .Values.tls.certManager.enabled -}}
{{- include "rolecall.fullname" . }}-tls
{{- else -}}
{{- .Values.tls.existingSecret -}}
{{- end -}}
{{- end -}}

{{/* Not empty if there are callers files, in a ConfigMap or a secret. */}}
{{- define "rolecall.hasCallers" -}}
{{- or .Values.callers.file .Values.callers.existingConfigMap .Values.callers.existingSecret -}}
{{- end -}}

{{- define "rolecall.appProtocol" -}}
{{- default (ternary "https" "kubernetes.io/h2c" (ne (include "rolecall.tlsSecret" .) "")) .Values.service.appProtocol -}}
{{- end -}}
