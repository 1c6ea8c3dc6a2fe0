{{/*
What is said of values that do not fit together; values.schema.json says what one alone must be like.
*/}}

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
{{- if eq (include "housestyle.translator" $) "deployment" }}
{{- if and .secrets.encryptionKeys (not (regexMatch "^[!-+.-~-]{32,}(,[!-+.-~-]{32,})*$" .secrets.translatorToken)) }}
{{- $wrong = append $wrong "translator.mode deployment needs secrets.translatorToken, of 32 characters or more (openssl rand -hex 32)" }}
{{- end }}
{{- if and .secrets.externalSecret.enabled (not .secrets.externalSecret.translatorToken) }}
{{- $wrong = append $wrong "translator.mode deployment needs secrets.externalSecret.translatorToken, as {key, property}" }}
{{- end }}
{{- with .translator }}
{{- if ne (len (compact (list .tls.existingSecret (ternary "yes" "" .tls.certManager.enabled) (ternary "yes" "" .tls.plaintext)))) 1 }}
{{- $wrong = append $wrong "the translator's certificate is from exactly one of translator.tls.existingSecret and translator.tls.certManager.enabled; where a service mesh encrypts, translator.tls.plaintext is true instead" }}
{{- end }}
{{- if and .tls.certManager.enabled (not .tls.certManager.issuerRef.name) }}
{{- $wrong = append $wrong "translator.tls.certManager.issuerRef needs a name" }}
{{- end }}
{{- if and $.Values.image.digest (not .image.digest) }}
{{- $wrong = append $wrong "image.digest is of the gateways' image: name the translator's in translator.image.digest" }}
{{- end }}
{{- if and .autoscaling.enabled (gt (int .autoscaling.minReplicas) (int .autoscaling.maxReplicas)) }}
{{- $wrong = append $wrong "translator.autoscaling.minReplicas is more than maxReplicas" }}
{{- end }}
{{- if and .autoscaling.enabled (not (dig "requests" "cpu" "" .resources)) }}
{{- $wrong = append $wrong "translator.autoscaling.cpuUtilization is a share of translator.resources.requests.cpu, which is not set" }}
{{- end }}
{{- end }}
{{- end }}
{{- $set := print (include "housestyle.env" $) "\n" (include "housestyle.gatewayEnv" $) "\n" (include "housestyle.translatorEnv" $) "\n" }}
{{- range concat .extraEnv .gateway.extraEnv .worker.extraEnv .translator.extraEnv }}
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
{{- if and .enabled .cpuUtilization (not (dig "requests" "cpu" "" (include "housestyle.gatewayResources" $ | fromYaml))) }}
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
