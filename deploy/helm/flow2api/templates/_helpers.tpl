{{- define "flow2api.name" -}}
{{- printf "%s" .Release.Name | trunc 50 | trimSuffix "-" -}}
{{- end -}}

{{- define "flow2api.labels" -}}
app.kubernetes.io/name: flow2api
app.kubernetes.io/instance: {{ .Release.Name }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
{{- end -}}

{{- define "flow2api.selector" -}}
app.kubernetes.io/name: flow2api
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end -}}

{{- define "flow2api.secret" -}}
{{- if .Values.existingSecret -}}{{ .Values.existingSecret }}{{- else -}}{{ include "flow2api.name" . }}{{- end -}}
{{- end -}}
