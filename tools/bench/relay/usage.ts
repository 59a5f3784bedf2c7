// What a process uses, as the kernel counts it, all its threads together.
import { readFileSync } from 'node:fs'

/** Clock ticks per second of /proc/PID/stat on Linux. */
const TICKS = 100

/** User and system time since it began, in seconds, to a hundredth. */
export function cpuSeconds (pid: number): number {
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').replace(/^.*\) /s, '').split(' ')
  return (Number(fields[11]) + Number(fields[12])) / TICKS
}

/** The most that was ever resident, in MiB. */
export function peakMB (pid: number): number {
  return memory(pid, 'VmHWM')
}

/** What is resident now, in MiB. */
export function residentMB (pid: number): number {
  return memory(pid, 'VmRSS')
}

function memory (pid: number, field: string): number {
  return Number(new RegExp(`${field}:\\s+(\\d+)`).exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1] ?? Number.NaN) / 1024
}
