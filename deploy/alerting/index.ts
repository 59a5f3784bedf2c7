export { CAUSE_ALERTS, QUIET_CAUSES, SELF_ALERTS, type AlertName, type CauseAlert, type SelfAlert } from './alerts.ts'
