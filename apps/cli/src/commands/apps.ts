// dialtone control, probe, gateway: one app of a fleet as a process of its own. Their options are their own; see apps/control, apps/probe and apps/gateway.
import { OperatorError } from '@dialtone/kernel'
import type { Out } from '../out.ts'

export async function runControl (args: readonly string[], out: Out, signal: AbortSignal): Promise<number> {
  const { main } = await import('@dialtone/control')
  try {
    return await main(args, signal, line => { out.tell(`${line}\n`) })
  } catch (error) {
    // A place that is taken is how an app is set up; `check` and `listen` end with 64 for it, as they always did.
    if (error instanceof OperatorError && error.code === 'cannot-listen') throw new OperatorError('port-taken', error.message)
    throw error
  }
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
