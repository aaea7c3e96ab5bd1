{{/* The names and labels of the objects. */}}

{{- define "rolecall.name" -}}
{{- default .Chart.Name .Values.nameOverride | trunc 52 | trimSuffix "-" -}}
{{- end -}}

{{/* At most 52 characters, since Services and pods add a suffix, and 63 are the most. */}}
{{- define "rolecall.fullname" -}}
{{- if .Values.fullnameOverride -}}
{{- .Values.fullnameOverride | trunc 52 | trimSuffix "-" -}}
{{- else if contains (include "rolecall.name" .) .Release.Name -}}
{{- .Release.Name | trunc 52 | trimSuffix "-" -}}
{{- else -}}
{{- printf "%s-%s" .Release.Name (include "rolecall.name" .) | trunc 52 | trimSuffix "-" -}}
{{- end -}}
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
app.kubernetes.io/name: {{ include "rolecall.name" . }}
app.kubernetes.io/instance: {{ .Release.Name }}
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

{{/* Empty without TLS. */}}
{{- define "rolecall.tlsSecret" -}}
{{- if .Values.tls.certManager.enabled -}}
{{- include "rolecall.fullname" . }}-tls
{{- else -}}
{{- .Values.tls.existingSecret -}}
{{- end -}}
{{- end -}}

{{- define "rolecall.appProtocol" -}}
{{- default (ternary "https" "kubernetes.io/h2c" (ne (include "rolecall.tlsSecret" .) "")) .Values.service.appProtocol -}}
{{- end -}}
