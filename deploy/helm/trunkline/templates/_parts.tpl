{{- /* Only what Go's templates have of themselves is used here, so that `npm run check` renders the chart with those. */ -}}
{{- define "trunkline.labels" }}{ app.kubernetes.io/name: trunkline, app.kubernetes.io/instance: {{ printf "%q" .Release.Name }} }{{ end -}}
{{- define "trunkline.migrateLabels" }}{ app.kubernetes.io/name: trunkline-migrate, app.kubernetes.io/instance: {{ printf "%q" .Release.Name }} }{{ end -}}
{{- define "trunkline.image" }}{{ printf "%q" (printf "%s:%s" .Values.image.repository (or .Values.image.tag .Chart.AppVersion)) }}{{ end -}}
{{- define "trunkline.secret" }}{{ or .Values.existingSecret .Release.Name }}{{ end -}}
{{- define "trunkline.texts" }}{ {{- range $name, $text := . }} {{ printf "%q: %q" $name $text }},{{ end }} }{{ end -}}
{{- define "trunkline.pullSecrets" }}[ {{- range .Values.image.pullSecrets }} { name: {{ printf "%q" . }} },{{ end }} ]{{ end -}}
{{- define "trunkline.podSecurity" }}
        runAsNonRoot: true
        runAsUser: 10001
        runAsGroup: 10001
        seccompProfile: { type: RuntimeDefault }
{{- end -}}
{{- define "trunkline.containerSecurity" }}
            allowPrivilegeEscalation: false
            readOnlyRootFilesystem: true
            capabilities: { drop: [ALL] }
{{- end -}}
