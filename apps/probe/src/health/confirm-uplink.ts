/** Asks the vantage's resolver about its control name, and connects to places that answered before: if anything answers, the way out is there. Connects nowhere else. */
import { connect, createResolver } from '@dialtone/net'
import type { Place } from './uplink.ts'

export type WayOut = { readonly resolver?: { readonly address: string, readonly port: number }, readonly controlName: string }

const TIMEOUT_MS = 3000

export async function anythingAnswers (places: readonly Place[], { resolver, controlName }: WayOut, signal: AbortSignal, timeoutMs = TIMEOUT_MS): Promise<boolean> {
  const answers = await Promise.all([
    ...(resolver === undefined ? [] : [resolves({ ...resolver, timeoutMs }, controlName, signal)]),
    ...places.map(place => isThere(place, timeoutMs, signal)),
  ])
  return answers.includes(true)
}

/** A resolver that cannot ask on says `servfail`: that is no way out. */
async function resolves (resolver: { address: string, port: number, timeoutMs: number }, name: string, signal: AbortSignal): Promise<boolean> {
  const { answer } = await createResolver(resolver).ask({ name, type: name === '.' ? 'SOA' : 'A' }, signal)
  return answer.outcome === 'answer' || answer.outcome === 'nodata' || answer.outcome === 'nxdomain'
}

async function isThere (place: Place, timeoutMs: number, signal: AbortSignal): Promise<boolean> {
  const tried = await connect({ ...place, timeoutMs, signal })
  if ('connection' in tried) {
    tried.connection.destroy()
    return true
  }
  return tried.failure.at === 'tcp' && (tried.failure.why === 'refused' || tried.failure.why === 'reset')
}
