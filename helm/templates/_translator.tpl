{{/*
The translator, which is a child of each gateway or has pods of its own: how it runs, where its image, certificate and token are,
and what it is told.
*/}}

{{/* How the translator runs: child, deployment, or "" where it does not. */}}
{{- define "housestyle.translator" -}}
{{- if .Values.translator.enabled }}{{ .Values.translator.mode }}{{ end }}
{{- end }}

{{/* Of the translator's own pods. */}}
{{- define "housestyle.translatorImage" -}}
{{- with .Values.translator.image }}
{{- $tag := default (printf "%s-translator" (default $.Chart.AppVersion $.Values.image.tag)) .tag }}
{{- $.Values.image.repository }}:{{ $tag }}{{ with .digest }}@{{ . }}{{ end }}
{{- end }}
{{- end }}

{{/* The Secret with the translator's certificate; "" where it has none. */}}
{{- define "housestyle.translatorTls" -}}
{{- with .Values.translator.tls }}
{{- if .existingSecret }}{{ .existingSecret }}{{ else if .certManager.enabled }}{{ include "housestyle.fullname" $ }}-translator-tls{{ end }}
{{- end }}
{{- end }}

{{/* Whether gateways are given a file of the authorities behind it. */}}
{{- define "housestyle.translatorCa" -}}
{{- if and (eq (include "housestyle.translator" .) "deployment") .Values.translator.tls.caKey }}{{ include "housestyle.translatorTls" . }}{{ end }}
{{- end }}

{{- define "housestyle.translatorTokenRef" -}}
secretKeyRef:
  name: {{ include "housestyle.keysSecret" . }}
  key: {{ .Values.secrets.keys.translatorToken }}
{{- end }}

{{/* What translators know: of the platform's keys the token alone, and no Redis. */}}
{{- define "housestyle.translatorEnv" -}}
- name: HOUSESTYLE_TRANSLATOR_PYTHON
  value: {{ .Values.translator.python | quote }}
- name: HOUSESTYLE_TRANSLATOR_TOKEN
  valueFrom:
    {{- include "housestyle.translatorTokenRef" . | nindent 4 }}
{{- if .Values.translator.tls.plaintext }}
- name: HOUSESTYLE_TRANSLATOR_PLAINTEXT
  value: "true"
{{- else }}
- name: HOUSESTYLE_TRANSLATOR_CERT_FILE
  value: /etc/housestyle/tls/tls.crt
- name: HOUSESTYLE_TRANSLATOR_KEY_FILE
  value: /etc/housestyle/tls/tls.key
{{- end }}
- name: HOUSESTYLE_DRAIN_SECONDS
  value: {{ include "housestyle.number" .Values.config.drainSeconds | quote }}
{{- with .Values.config.upstreamAllow }}
- name: HOUSESTYLE_UPSTREAM_ALLOW
  value: {{ join "," . | quote }}
{{- end }}
{{- end }}

{{/* The gateway's CPU and memory: its translator's are in them where that is a child. */}}
{{- define "housestyle.gatewayResources" -}}
{{- toYaml (ternary .Values.translator.resources .Values.gateway.resources (eq (include "housestyle.translator" .) "child")) }}
{{- end }}
