{{/*
The pod that gateway, worker and test are made of. What only one of them has stands in its own template.
*/}}

{{/* Seconds that a gateway's pod may take to end. Beyond the drain the program waits 15 s for records and spans of the
last calls (gateway/serving.py), which a test compares with this; 5 s are for the kubelet. */}}
{{- define "housestyle.leastGrace" -}}
{{- add .Values.gateway.preStopSeconds (ceil .Values.config.drainSeconds | int) 15 1 }}
{{- end }}

{{- define "housestyle.grace" -}}
{{- with int .Values.gateway.terminationGracePeriodSeconds }}{{ . }}{{ else }}{{ add (include "housestyle.leastGrace" . | int) 4 }}{{ end }}
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

{{/* On which nodes a pod may be. */}}
{{- define "housestyle.placement" -}}
{{- range $field := list "nodeSelector" "tolerations" }}
{{- with get $ $field }}
{{ $field }}:
  {{- toYaml . | nindent 2 }}
{{- end }}
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
