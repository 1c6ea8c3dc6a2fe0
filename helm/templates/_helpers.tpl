{{/*
What the templates share: names, the program's environment, the pod that gateway and worker are made of, and what is said
of values that do not fit. No manifest is in here.
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
{{- if and .Values.translator.enabled (not .Values.image.tag) }}{{ $tag = printf "%s-translator" $tag }}{{ end }}
{{- .Values.image.repository }}:{{ $tag }}{{ with .Values.image.digest }}@{{ . }}{{ end }}
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

{{/* Seconds that a gateway's pod may take to end. Beyond the drain the program waits 15 s for records and spans of the
last calls (gateway/serving.py), which a test compares with this; 5 s are for the kubelet. */}}
{{- define "housestyle.leastGrace" -}}
{{- add .Values.gateway.preStopSeconds (ceil .Values.config.drainSeconds | int) 15 1 }}
{{- end }}

{{- define "housestyle.grace" -}}
{{- with int .Values.gateway.terminationGracePeriodSeconds }}{{ . }}{{ else }}{{ add (include "housestyle.leastGrace" . | int) 4 }}{{ end }}
{{- end }}

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
{{- if .Values.translator.enabled }}
- name: HOUSESTYLE_TRANSLATOR_PYTHON
  value: {{ .Values.translator.python | quote }}
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
{{- else }}
- name: OTEL_TRACES_EXPORTER
  value: none
{{- end }}
{{- end }}

{{- define "housestyle.hasBootstrap" -}}
{{- if or .Values.bootstrap.document .Values.bootstrap.existingSecret.name }}yes{{ end }}
{{- end }}

{{/* Whether the chart makes the claim for artifacts, or mounts one that is there; its name where it mounts any. */}}
{{- define "housestyle.claim" -}}
{{- if .Values.artifacts.persistence.enabled }}
{{- default (printf "%s-artifacts" (include "housestyle.fullname" .)) .Values.artifacts.persistence.existingClaim }}
{{- end }}
{{- end }}

{{/* A gateway's or a worker's container, but for what only one of them has. Takes root, component, values, own. */}}
{{- define "housestyle.container" -}}
name: {{ .component }}
image: {{ include "housestyle.image" .root | quote }}
imagePullPolicy: {{ .root.Values.image.pullPolicy }}
securityContext:
  {{- toYaml .root.Values.containerSecurityContext | nindent 2 }}
env:
  {{- include "housestyle.env" .root | nindent 2 }}
  {{- if ne .component "worker" }}
  {{- include "housestyle.gatewayEnv" .root | nindent 2 }}
  {{- end }}
  {{- with concat .root.Values.extraEnv .values.extraEnv }}
  {{- toYaml . | nindent 2 }}
  {{- end }}
{{- with concat .root.Values.extraEnvFrom .values.extraEnvFrom }}
envFrom:
  {{- toYaml . | nindent 2 }}
{{- end }}
volumeMounts:
  - name: tmp
    mountPath: /tmp
  {{- if include "housestyle.claim" .root }}
  - name: artifacts
    mountPath: /var/lib/housestyle/artifacts
  {{- end }}
  {{- if and (ne .component "worker") (include "housestyle.hasBootstrap" .root) }}
  - name: bootstrap
    mountPath: /etc/housestyle/bootstrap
    readOnly: true
  {{- end }}
  {{- if .root.Values.prices }}
  - name: prices
    mountPath: /etc/housestyle/prices
    readOnly: true
  {{- end }}
  {{- with concat .root.Values.extraVolumeMounts .values.extraVolumeMounts }}
  {{- toYaml . | nindent 2 }}
  {{- end }}
{{- end }}

{{- define "housestyle.volumes" -}}
- name: tmp
  emptyDir:
    sizeLimit: {{ .values.tmpSize }}
{{- with include "housestyle.claim" .root }}
- name: artifacts
  persistentVolumeClaim:
    claimName: {{ . }}
{{- end }}
{{- if and (ne .component "worker") (include "housestyle.hasBootstrap" .root) }}
- name: bootstrap
  secret:
    {{- with .root.Values.bootstrap.existingSecret }}
    secretName: {{ default (printf "%s-bootstrap" (include "housestyle.fullname" $.root)) .name }}
    items: [{key: {{ ternary .key "bootstrap.yaml" (ne .name "") }}, path: bootstrap.yaml}]
    {{- end }}
{{- end }}
{{- if .root.Values.prices }}
- name: prices
  secret:
    secretName: {{ include "housestyle.fullname" .root }}-prices
    items: [{key: prices.yaml, path: prices.yaml}]
{{- end }}
{{- with concat .root.Values.extraVolumes .values.extraVolumes }}
{{ toYaml . }}
{{- end }}
{{- end }}

{{/* What every pod has. */}}
{{- define "housestyle.podSecurity" -}}
serviceAccountName: {{ include "housestyle.serviceAccountName" . }}
automountServiceAccountToken: false
enableServiceLinks: false
securityContext:
  {{- toYaml .Values.podSecurityContext | nindent 2 }}
{{- with .Values.imagePullSecrets }}
imagePullSecrets:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- end }}

{{/* The pod of a gateway or a worker. Takes root, component, values, grace, and own: the container's own part. */}}
{{- define "housestyle.podTemplate" -}}
metadata:
  labels:
    {{- include "housestyle.selectorLabels" . | nindent 4 }}
    {{- with merge dict .values.podLabels .root.Values.commonLabels }}
    {{- toYaml . | nindent 4 }}
    {{- end }}
  annotations:
    # Secrets and files are read at start: pods are replaced when what the chart makes of them changes.
    checksum/secrets: {{ include (print .root.Template.BasePath "/secrets.yaml") .root | sha256sum }}
    {{- with merge dict .values.podAnnotations .root.Values.commonAnnotations }}
    {{- toYaml . | nindent 4 }}
    {{- end }}
spec:
  {{- include "housestyle.podSecurity" .root | nindent 2 }}
  terminationGracePeriodSeconds: {{ .grace }}
  {{- with .values.priorityClassName }}
  priorityClassName: {{ . }}
  {{- end }}
  {{- if .root.Values.topologySpread.enabled }}
  topologySpreadConstraints:
    {{- range list "topology.kubernetes.io/zone" "kubernetes.io/hostname" }}
    - maxSkew: 1
      topologyKey: {{ . }}
      whenUnsatisfiable: {{ $.root.Values.topologySpread.whenUnsatisfiable }}
      labelSelector:
        matchLabels:
          {{- include "housestyle.selectorLabels" $ | nindent 10 }}
      matchLabelKeys: [pod-template-hash]
    {{- end }}
  {{- end }}
  {{- range $field := list "nodeSelector" "tolerations" "affinity" }}
  {{- with get $.values $field }}
  {{ $field }}:
    {{- toYaml . | nindent 4 }}
  {{- end }}
  {{- end }}
  containers:
    -
      {{- include "housestyle.container" . | nindent 6 }}
      {{- .own | nindent 6 }}
  volumes:
    {{- include "housestyle.volumes" . | trim | nindent 4 }}
{{- end }}

{{/* Every value that does not fit, in one message rather than one at a time. */}}
{{- define "housestyle.refuse" -}}
{{- $wrong := list }}
{{- with .Values }}
{{- if not .image.repository }}
{{- $wrong = append $wrong "image.repository is not set: build the image with the project's Dockerfile, push it, and name it here" }}
{{- end }}
{{- $keys := compact (list .secrets.existingSecret (ternary "yes" "" .secrets.externalSecret.enabled) .secrets.encryptionKeys) }}
{{- if ne (len $keys) 1 }}
{{- $wrong = append $wrong "the keys come from exactly one of secrets.existingSecret, secrets.externalSecret.enabled, and secrets.encryptionKeys with secrets.adminKey" }}
{{- end }}
{{- if and .secrets.encryptionKeys (not (regexMatch "^[A-Za-z0-9+/]{43}=(,[A-Za-z0-9+/]{43}=)*$" .secrets.encryptionKeys)) }}
{{- $wrong = append $wrong "secrets.encryptionKeys must be base64 of 32 bytes each, comma-separated (openssl rand -base64 32)" }}
{{- end }}
{{- if and .secrets.encryptionKeys (lt (len .secrets.adminKey) 20) }}
{{- $wrong = append $wrong "secrets.adminKey must have 20 characters or more (openssl rand -hex 32)" }}
{{- end }}
{{- if and .secrets.externalSecret.enabled (not (and .secrets.externalSecret.storeRef.name .secrets.externalSecret.encryptionKeys .secrets.externalSecret.adminKey)) }}
{{- $wrong = append $wrong "secrets.externalSecret needs storeRef.name, encryptionKeys and adminKey, the last two as {key, property}" }}
{{- end }}
{{- $redis := compact (list .redis.url .redis.existingSecret.name (ternary "yes" "" .redis.evaluation.enabled) (ternary "yes" "" (and .secrets.externalSecret.enabled (not (empty .secrets.externalSecret.redisUrl))))) }}
{{- if ne (len $redis) 1 }}
{{- $wrong = append $wrong "Redis is given by exactly one of redis.url, redis.existingSecret.name, secrets.externalSecret.redisUrl and redis.evaluation.enabled" }}
{{- end }}
{{- if and .redis.url (not (regexMatch "^rediss?([+]sentinel)?://" .redis.url)) }}
{{- $wrong = append $wrong "redis.url must begin with redis://, rediss://, redis+sentinel:// or rediss+sentinel://" }}
{{- end }}
{{- if eq (empty .artifacts.url) (not .artifacts.persistence.enabled) }}
{{- $wrong = append $wrong "where training files are kept is given by exactly one of artifacts.url and artifacts.persistence.enabled" }}
{{- end }}
{{- if and .bootstrap.document .bootstrap.existingSecret.name }}
{{- $wrong = append $wrong "the bootstrap file is given by one of bootstrap.document and bootstrap.existingSecret.name, not both" }}
{{- end }}
{{- if lt (include "housestyle.grace" $ | int) (include "housestyle.leastGrace" $ | int) }}
{{- $wrong = append $wrong (printf "gateway.terminationGracePeriodSeconds is %d, but preStopSeconds, config.drainSeconds and settling take %s s: leave it 0, or set more" (int .gateway.terminationGracePeriodSeconds) (include "housestyle.leastGrace" $)) }}
{{- end }}
{{- $set := print (include "housestyle.env" $) "\n" (include "housestyle.gatewayEnv" $) "\n" }}
{{- range concat .extraEnv .gateway.extraEnv .worker.extraEnv }}
{{- if contains (printf "- name: %s\n" .name) $set }}
{{- $wrong = append $wrong (printf "extraEnv has %s, which the chart sets by a value of its own" .name) }}
{{- end }}
{{- end }}
{{- if eq (int .gateway.port) (int .gateway.adminPort) }}
{{- $wrong = append $wrong "gateway.adminPort must be another port than gateway.port" }}
{{- end }}
{{- with .gateway.autoscaling }}
{{- if and .enabled (gt (int .minReplicas) (int .maxReplicas)) }}
{{- $wrong = append $wrong "gateway.autoscaling.minReplicas is more than maxReplicas" }}
{{- end }}
{{- if and .enabled .keda.enabled (not .keda.serverAddress) }}
{{- $wrong = append $wrong "gateway.autoscaling.keda.serverAddress is not set: where is Prometheus? (http://prometheus.monitoring:9090)" }}
{{- end }}
{{- if and .enabled (not .keda.enabled) (not .cpuUtilization) }}
{{- $wrong = append $wrong "gateway.autoscaling.cpuUtilization is 0 and KEDA is off: there is nothing to scale by" }}
{{- end }}
{{- $resources := ternary $.Values.translator.resources $.Values.gateway.resources $.Values.translator.enabled }}
{{- if and .enabled .cpuUtilization (not (dig "requests" "cpu" "" $resources)) }}
{{- $wrong = append $wrong "gateway.autoscaling.cpuUtilization is a share of resources.requests.cpu, which is not set" }}
{{- end }}
{{- end }}
{{- if and .serviceMonitor.enabled .networkPolicy.enabled (not .networkPolicy.monitoring) }}
{{- $wrong = append $wrong "serviceMonitor.enabled needs networkPolicy.monitoring: from where may Prometheus reach the admin port? ([{namespaceSelector: {matchLabels: {kubernetes.io/metadata.name: monitoring}}}])" }}
{{- end }}
{{- range $path, $one := dict "ingress" .ingress "admin.ingress" .admin.ingress }}
{{- if and $one.enabled (not $one.hosts) }}{{ $wrong = append $wrong (printf "%s.hosts is empty" $path) }}{{ end }}
{{- end }}
{{- range $path, $one := dict "httpRoute" .httpRoute "admin.httpRoute" .admin.httpRoute }}
{{- if and $one.enabled (not $one.parentRefs) }}{{ $wrong = append $wrong (printf "%s.parentRefs is empty" $path) }}{{ end }}
{{- end }}
{{- end }}
{{- if $wrong }}
{{- fail (printf "these values do not fit:\n  - %s\n" (join "\n  - " $wrong)) }}
{{- end }}
{{- end }}
