// dialtone control, probe, gateway: one app of a fleet as a process of its own. Their options are their own; see apps/control, apps/probe and apps/gateway.
import type { Out } from '../out.ts'

export async function runControl (args: readonly string[], out: Out, signal: AbortSignal): Promise<number> {
  const { main } = await import('@dialtone/control')
  return await main(args, signal, line => { out.tell(`${line}\n`) })
}

export async function runProbe (args: readonly string[], _out: Out, signal: AbortSignal): Promise<number> {
  const { main } = await import('@dialtone/probe')
  return await main(args, signal)
}

export async function runGatewayProcess (args: readonly string[], _out: Out, signal: AbortSignal): Promise<number> {
  const { main } = await import('@dialtone/gateway')
  // Who is impatient ends this process by a third signal.
  return await main(args, { stop: signal, now: new AbortController().signal, onReload: reload => { process.on('SIGHUP', reload) } })
}
