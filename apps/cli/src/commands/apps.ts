// dialtone control, dialtone probe: one app of a fleet as a process of its own. Their options are their own; see apps/control and apps/probe.
import type { Out } from '../out.ts'

export async function runControl (args: readonly string[], out: Out, signal: AbortSignal): Promise<number> {
  const { main } = await import('@dialtone/control')
  return await main(args, signal, line => { out.tell(`${line}\n`) })
}

export async function runProbe (args: readonly string[], _out: Out, signal: AbortSignal): Promise<number> {
  const { main } = await import('@dialtone/probe')
  return await main(args, signal)
}
