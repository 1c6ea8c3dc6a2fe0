{{/*
The pod that gateway, worker, translator and test are made of. What only one of them has stands in its own template.
*/}}

{{/* Seconds that a gateway's pod may take to end. Beyond the drain the program waits 15 s for records and spans of the
last calls (gateway/serving.py), which a test compares with this; 5 s are for the kubelet. */}}
{{- define "housestyle.leastGrace" -}}
{{- add .Values.gateway.preStopSeconds (ceil .Values.config.drainSeconds | int) 15 1 }}
{{- end }}

{{- define "housestyle.grace" -}}
{{- with int .Values.gateway.terminationGracePeriodSeconds }}{{ . }}{{ else }}{{ add (include "housestyle.leastGrace" . | int) 4 }}{{ end }}
{{- end }}

{{/* What is said for all pods under this name, and for those of one component. The translator is given its own alone: no
Vaults and no identity in the cloud. Takes root, component, values and name; gives a list in JSON. */}}
{{- define "housestyle.extra" -}}
{{- $all := ternary list (get .root.Values .name) (eq .component "translator") }}
{{- concat $all (get .values .name) | toJson }}
{{- end }}

{{/* A container of the program, but for what only one component has. Takes root, component, values, own. */}}
{{- define "housestyle.container" -}}
name: {{ .component }}
image: {{ include (ternary "housestyle.translatorImage" "housestyle.image" (eq .component "translator")) .root | quote }}
imagePullPolicy: {{ .root.Values.image.pullPolicy }}
securityContext:
  {{- toYaml .root.Values.containerSecurityContext | nindent 2 }}
env:
  {{- if eq .component "translator" }}
  {{- include "housestyle.translatorEnv" .root | nindent 2 }}
  {{- else }}
  {{- include "housestyle.env" .root | nindent 2 }}
  {{- end }}
  {{- if has .component (list "gateway" "check") }}
  {{- include "housestyle.gatewayEnv" .root | nindent 2 }}
  {{- end }}
  {{- with include "housestyle.extra" (merge (dict "name" "extraEnv") .) | fromJsonArray }}
  {{- toYaml . | nindent 2 }}
  {{- end }}
{{- with include "housestyle.extra" (merge (dict "name" "extraEnvFrom") .) | fromJsonArray }}
envFrom:
  {{- toYaml . | nindent 2 }}
{{- end }}
volumeMounts:
  - name: tmp
    mountPath: /tmp
  {{- range include "housestyle.files" . | fromYamlArray }}
  - name: {{ .name }}
    mountPath: {{ .path }}
    {{- if .readOnly }}
    readOnly: true
    {{- end }}
  {{- end }}
  {{- with include "housestyle.extra" (merge (dict "name" "extraVolumeMounts") .) | fromJsonArray }}
  {{- toYaml . | nindent 2 }}
  {{- end }}
{{- end }}

{{/* The chart's own volumes of a component beside /tmp: name, path, readOnly, and the volume's source. */}}
{{- define "housestyle.files" -}}
{{- $full := include "housestyle.fullname" .root }}
{{- if eq .component "translator" }}
{{- with include "housestyle.translatorTls" .root }}
- name: tls
  path: /etc/housestyle/tls
  readOnly: true
  source: {secret: {secretName: {{ . }}, items: [{key: tls.crt, path: tls.crt}, {key: tls.key, path: tls.key}]}}
{{- end }}
{{- else }}
{{- with include "housestyle.claim" .root }}
- name: artifacts
  path: /var/lib/housestyle/artifacts
  source: {persistentVolumeClaim: {claimName: {{ . }}}}
{{- end }}
{{- if and (ne .component "worker") (include "housestyle.hasBootstrap" .root) }}
{{- with .root.Values.bootstrap.existingSecret }}
- name: bootstrap
  path: /etc/housestyle/bootstrap
  readOnly: true
  source:
    secret:
      secretName: {{ default (printf "%s-bootstrap" $full) .name }}
      items: [{key: {{ ternary .key "bootstrap.yaml" (ne .name "") }}, path: bootstrap.yaml}]
{{- end }}
{{- end }}
{{- if .root.Values.prices }}
- name: prices
  path: /etc/housestyle/prices
  readOnly: true
  source: {secret: {secretName: {{ $full }}-prices, items: [{key: prices.yaml, path: prices.yaml}]}}
{{- end }}
{{- if and (ne .component "worker") (include "housestyle.translatorCa" .root) }}
- name: translator-ca
  path: /etc/housestyle/translator
  readOnly: true
  source: {secret: {secretName: {{ include "housestyle.translatorCa" .root }}, items: [{key: {{ .root.Values.translator.tls.caKey }}, path: ca.crt}]}}
{{- end }}
{{- end }}
{{- end }}

{{- define "housestyle.volumes" -}}
- name: tmp
  emptyDir:
    sizeLimit: {{ .values.tmpSize }}
{{- range include "housestyle.files" . | fromYamlArray }}
- name: {{ .name }}
  {{- toYaml .source | nindent 2 }}
{{- end }}
{{- with include "housestyle.extra" (merge (dict "name" "extraVolumes") .) | fromJsonArray }}
{{ toYaml . }}
{{- end }}
{{- end }}

{{/* What every pod has. */}}
{{- define "housestyle.podSecurity" -}}
serviceAccountName: {{ include "housestyle.serviceAccountName" . }}
{{ include "housestyle.podRest" . }}
{{- end }}

{{- define "housestyle.podRest" -}}
automountServiceAccountToken: false
enableServiceLinks: false
securityContext:
  {{- toYaml .Values.podSecurityContext | nindent 2 }}
{{- with .Values.imagePullSecrets }}
imagePullSecrets:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- end }}

{{/* On which nodes a pod may be. */}}
{{- define "housestyle.placement" -}}
{{- range $field := list "nodeSelector" "tolerations" }}
{{- with get $ $field }}
{{ $field }}:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- end }}
{{- end }}

{{/* The pod of a gateway, a worker or a translator. Takes root, component, values, grace, and own: the container's own
part. */}}
{{- define "housestyle.podTemplate" -}}
metadata:
  labels:
    {{- include "housestyle.selectorLabels" . | nindent 4 }}
    {{- with merge dict .values.podLabels .root.Values.commonLabels }}
    {{- toYaml . | nindent 4 }}
    {{- end }}
  annotations:
    # Secrets and files are read at start: pods are replaced when what the chart makes of them changes.
    {{- if eq .component "translator" }}
    checksum/token: {{ .root.Values.secrets.translatorToken | sha256sum }}
    {{- else }}
    checksum/secrets: {{ include (print .root.Template.BasePath "/secrets.yaml") .root | sha256sum }}
    {{- end }}
    {{- with merge dict .values.podAnnotations .root.Values.commonAnnotations }}
    {{- toYaml . | nindent 4 }}
    {{- end }}
spec:
  {{- if eq .component "translator" }}
  serviceAccountName: {{ .values.serviceAccountName }}
  {{- include "housestyle.podRest" .root | nindent 2 }}
  {{- else }}
  {{- include "housestyle.podSecurity" .root | nindent 2 }}
  {{- end }}
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
  {{- with include "housestyle.placement" .values }}
  {{- . | trim | nindent 2 }}
  {{- end }}
  {{- with .values.affinity }}
  affinity:
    {{- toYaml . | nindent 4 }}
  {{- end }}
  containers:
    -
      {{- include "housestyle.container" . | nindent 6 }}
      {{- .own | nindent 6 }}
  volumes:
    {{- include "housestyle.volumes" . | trim | nindent 4 }}
{{- end }}
