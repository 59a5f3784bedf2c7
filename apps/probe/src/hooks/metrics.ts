// What came of hooks.
import { defineCounter } from '@dialtone/kernel'

export const hooksTotal = defineCounter('dialtone_agent_hooks_total', 'Hooks of managed servers that were asked for, by what came of it: ok, failed (exit code), timeout, refused, not-started', ['hook', 'outcome'])

export const HOOK_METRICS = [hooksTotal]
