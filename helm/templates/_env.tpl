{{/*
The program's environment, made of the values.
*/}}

{{/* A number as the program reads it: Helm holds 2000000 as 2e+06. */}}
{{- define "housestyle.number" -}}
{{- if eq (float64 .) (floor .) }}{{ int64 . }}{{ else }}{{ . }}{{ end }}
{{- end }}

{{/* `config` as variables: whyMax is HOUSESTYLE_WHY_MAX. */}}
{{- define "housestyle.configEnv" -}}
{{- range $name, $value := .Values.config }}
{{- $text := "" }}
{{- if kindIs "slice" $value }}{{ $text = join "," $value }}{{ else }}{{ $text = include "housestyle.number" $value }}{{ end }}
{{- if $text }}
- name: HOUSESTYLE_{{ snakecase $name | upper }}
  value: {{ $text | quote }}
{{- end }}
{{- end }}
{{- end }}

{{/* What gateways and workers both know. */}}
{{- define "housestyle.env" -}}
- name: HOUSESTYLE_REDIS_URL
  valueFrom:
    secretKeyRef:
      {{- include "housestyle.redisRef" . | trim | nindent 6 }}
- name: HOUSESTYLE_ENCRYPTION_KEYS
  valueFrom:
    secretKeyRef:
      name: {{ include "housestyle.keysSecret" . }}
      key: {{ .Values.secrets.keys.encryptionKeys }}
- name: HOUSESTYLE_DATA_DIR
  value: /tmp/housestyle
- name: HOUSESTYLE_ARTIFACTS_URL
  value: {{ default "file:///var/lib/housestyle/artifacts" .Values.artifacts.url | quote }}
{{- if .Values.prices }}
- name: HOUSESTYLE_PRICES
  value: /etc/housestyle/prices/prices.yaml
{{- end }}
{{- include "housestyle.configEnv" . }}
{{- end }}

{{/* What gateways alone know. */}}
{{- define "housestyle.gatewayEnv" -}}
- name: HOUSESTYLE_ADMIN_KEY
  valueFrom:
    secretKeyRef:
      name: {{ include "housestyle.keysSecret" . }}
      key: {{ .Values.secrets.keys.adminKey }}
- name: HOUSESTYLE_ADMIN_PORT
  value: {{ .Values.gateway.adminPort | quote }}
{{- if include "housestyle.hasBootstrap" . }}
- name: HOUSESTYLE_BOOTSTRAP
  value: /etc/housestyle/bootstrap/bootstrap.yaml
{{- end }}
{{- if eq (include "housestyle.translator" .) "child" }}
- name: HOUSESTYLE_TRANSLATOR_PYTHON
  value: {{ .Values.translator.python | quote }}
{{- else if eq (include "housestyle.translator" .) "deployment" }}
- name: HOUSESTYLE_TRANSLATOR_URL
  value: {{ ternary "http" "https" .Values.translator.tls.plaintext }}://{{ include "housestyle.fullname" . }}-translator.{{ .Release.Namespace }}.svc:{{ .Values.translator.port }}
- name: HOUSESTYLE_TRANSLATOR_TOKEN
  valueFrom:
    {{- include "housestyle.translatorTokenRef" . | nindent 4 }}
{{- if .Values.translator.tls.plaintext }}
- name: HOUSESTYLE_TRANSLATOR_PLAINTEXT
  value: "true"
{{- end }}
{{- if include "housestyle.translatorCa" . }}
- name: HOUSESTYLE_TRANSLATOR_CA_FILE
  value: /etc/housestyle/translator/ca.crt
{{- end }}
{{- end }}
{{- if .Values.otel.endpoint }}
- name: OTEL_EXPORTER_OTLP_ENDPOINT
  value: {{ .Values.otel.endpoint | quote }}
- name: OTEL_SERVICE_NAME
  value: {{ .Values.otel.serviceName | quote }}
- name: POD_NAME
  valueFrom: {fieldRef: {fieldPath: metadata.name}}
- name: OTEL_RESOURCE_ATTRIBUTES
  value: k8s.namespace.name={{ .Release.Namespace }},k8s.pod.name=$(POD_NAME)
    {{- range $name, $value := .Values.otel.resourceAttributes }},{{ $name }}={{ $value }}{{ end }}
{{- else }}
- name: OTEL_TRACES_EXPORTER
  value: none
{{- end }}
{{- end }}

{{- define "housestyle.hasBootstrap" -}}
{{- if or .Values.bootstrap.document .Values.bootstrap.existingSecret.name }}yes{{ end }}
{{- end }}
