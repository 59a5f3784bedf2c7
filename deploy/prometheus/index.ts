export { alertmanagerConfig, type AlertmanagerOptions } from './alertmanager.ts'
export { prometheusRules, type PrometheusRule, type PrometheusRules } from './rules.ts'
export { prometheusConfig, type ScrapeOptions } from './scrape.ts'
export { RECORDED, readRecordings, replay, type Recording } from './recording.ts'
