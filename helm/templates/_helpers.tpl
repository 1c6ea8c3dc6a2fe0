{{/*
Names, labels, and where things are that several templates name: the image, the keys' Secret, Redis, the artifacts' claim.
No manifest is in here.
*/}}

{{- define "housestyle.name" -}}
{{- default .Chart.Name .Values.nameOverride | trunc 63 | trimSuffix "-" }}
{{- end }}

{{- define "housestyle.fullname" -}}
{{- $name := include "housestyle.name" . }}
{{- $long := ternary .Release.Name (printf "%s-%s" .Release.Name $name) (contains $name .Release.Name) }}
{{- default $long .Values.fullnameOverride | trunc 50 | trimSuffix "-" }}
{{- end }}

{{- define "housestyle.selectorLabels" -}}
app.kubernetes.io/name: {{ include "housestyle.name" .root }}
app.kubernetes.io/instance: {{ .root.Release.Name }}
app.kubernetes.io/component: {{ .component }}
{{- end }}

{{- define "housestyle.nameOf" -}}
{{- include "housestyle.fullname" .root }}{{ with .suffix }}-{{ . }}{{ end }}
{{- end }}

{{/* metadata: of one manifest. Takes root, component, name or suffix, and further labels and annotations. */}}
{{- define "housestyle.metadata" -}}
name: {{ default (include "housestyle.nameOf" .) .name }}
namespace: {{ .root.Release.Namespace }}
labels:
  helm.sh/chart: {{ printf "%s-%s" .root.Chart.Name .root.Chart.Version | replace "+" "_" }}
  app.kubernetes.io/version: {{ .root.Chart.AppVersion | quote }}
  app.kubernetes.io/managed-by: {{ .root.Release.Service }}
  {{- include "housestyle.selectorLabels" (dict "root" .root "component" (default "all" .component)) | nindent 2 }}
  {{- with merge dict (default dict .labels) .root.Values.commonLabels }}
  {{- toYaml . | nindent 2 }}
  {{- end }}
{{- with merge dict (default dict .annotations) .root.Values.commonAnnotations }}
annotations:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- end }}

{{- define "housestyle.image" -}}
{{- $tag := default .Chart.AppVersion .Values.image.tag }}
{{- if and (eq (include "housestyle.translator" .) "child") (not .Values.image.tag) }}{{ $tag = printf "%s-translator" $tag }}{{ end }}
{{- .Values.image.repository }}:{{ $tag }}{{ with .Values.image.digest }}@{{ . }}{{ end }}
{{- end }}

{{/* The labels of a series of this release, where they are known: its ServiceMonitor gives them. */}}
{{- define "housestyle.scraped" -}}
{{- if .Values.serviceMonitor.enabled }}{{ printf "{namespace=%q,service=\"%s-admin\"}" .Release.Namespace (include "housestyle.fullname" .) }}{{ end }}
{{- end }}

{{- define "housestyle.serviceAccountName" -}}
{{- default (ternary (include "housestyle.fullname" .) "default" .Values.serviceAccount.create) .Values.serviceAccount.name }}
{{- end }}

{{/* The Secret with the platform's keys, and where Redis is: a Secret's name and entry. */}}
{{- define "housestyle.keysSecret" -}}
{{- default (include "housestyle.fullname" .) .Values.secrets.existingSecret }}
{{- end }}

{{- define "housestyle.redisRef" -}}
{{- if .Values.redis.existingSecret.name }}{{ .Values.redis.existingSecret | toYaml }}
{{- else if .Values.secrets.externalSecret.redisUrl }}
name: {{ include "housestyle.fullname" . }}
key: {{ .Values.secrets.keys.redisUrl }}
{{- else }}
name: {{ include "housestyle.fullname" . }}-redis
key: redis-url
{{- end }}
{{- end }}

{{- define "housestyle.redisUrl" -}}
{{- if .Values.redis.evaluation.enabled }}redis://{{ include "housestyle.fullname" . }}-redis:6379
{{- else }}{{ .Values.redis.url }}{{ end }}
{{- end }}

{{/* Whether the chart makes the claim for artifacts, or mounts one that is there; its name where it mounts any. */}}
{{- define "housestyle.claim" -}}
{{- if .Values.artifacts.persistence.enabled }}
{{- default (printf "%s-artifacts" (include "housestyle.fullname" .)) .Values.artifacts.persistence.existingClaim }}
{{- end }}
{{- end }}
