/**
 * What the deep connections of one observation prove about OURS and the peer together. Depth decides what may be said: a dialback in another name than
 * OURS proves nothing about OURS, and its outcome stays a finding.
 */
import { listens, offersDialback, type DeepObservation } from '@dialtone/checks'
import type { DeepConnection, JudgeConfig, Untested } from '@dialtone/contracts'
import { dialbackProof, inTheNameOf, type Proof } from './dialback-faults.ts'
import { externalProof } from './external-faults.ts'
import { OF_THE_CERTIFICATE, type Seen } from './faults.ts'
import { ownFaults, ownUntested } from './own-endpoints.ts'

export type DeepProofs = {
  /** OURS, or the probe's own domain where nobody else was named. */
  ours: string
  /** How the peer accepted us, and where. */
  carried: readonly { by: 'external' | 'dialback', endpoint: string }[]
  /** What stops us; where the peer accepted us, what is wrong all the same. */
  faults: readonly Seen[]
  /** How the peer reached us: absent when that was not seen. */
  answered?: string
  untested: readonly Untested[]
}

/** That of the callback says how it is the other way. */
export const CALLBACK_CAUSES: ReadonlySet<string> = new Set(['dialback.callback-blocked', 'dialback.callback-misdirected', 'dialback.callback-aborted'])

export function deepProofs (o: DeepObservation, config: JudgeConfig, claimed: boolean): DeepProofs {
  const { deep, domain } = o
  const ours = oursOf(o)
  const speaksForOurs = deep.as === ours
  const about = deep.connections.filter(({ of, pair }) => of === 'peer' && pair.from === ours && pair.to === domain)
  const externals = about.filter(({ role }) => role === 'external').map(connection => ({ connection, proof: externalProof(connection, o, config) }))
  const dialbacks = speaksForOurs ? about.filter(({ role, dialback }) => role === 'dialback' || dialback !== undefined).map(connection => ({ connection, proof: dialbackProof(connection, o, config, claimed) })) : []

  const carried = [...externals, ...dialbacks].flatMap(({ connection: { endpoint }, proof }) => proof !== undefined && 'works' in proof ? [{ by: proof.works, endpoint }] : [])
  const answered = speaksForOurs && listens(deep) ? answerOf(o, about) : undefined
  const fromDialback = [...faultsOf(dialbacks), ...(speaksForOurs ? ownFaults(o) : [])]
  const shown = externals.some(({ connection }) => connection.certificate)
  const byDialback = carried.some(({ by }) => by === 'dialback')
  const found = (carried.length > 0 ? whereItWorks(faultsOf(externals), fromDialback, byDialback) : whereItFails(externals, fromDialback, shown))
    .map((seen): Seen => seen.cause === 'auth.external-refused' && (shown || o.asked.clientCertificate) ? { remedy: OF_THE_CERTIFICATE, ...seen } : seen)
  return {
    ours, carried, faults: found, ...(answered === undefined ? {} : { answered }),
    untested: untestedOf(o, { speaksForOurs, dialbacks, externals, excused: carried.length > 0 && !byDialback ? fromDialback.filter(seen => !isOpen(seen) && !counts(seen)) : [], inbound: answered !== undefined || found.some(({ cause }) => CALLBACK_CAUSES.has(cause)), cutShort: carried.length > 0 && fromDialback.some(isOpen) }),
  }
}

export function oursOf ({ asked, deep }: DeepObservation): string {
  return asked.as ?? deep.as
}

type Judged = readonly { connection: DeepConnection, proof: Proof }[]

function faultsOf (judged: Judged): Seen[] {
  return judged.flatMap(({ proof }) => proof !== undefined && 'fault' in proof ? [proof.fault] : [])
}

/**
 * The peer accepted us somehow: what is left degrades, and an endpoint that is no server of the domain is dead beside one that is. By EXTERNAL alone, a
 * refusal of who shows no certificate is the peer's right.
 */
function whereItWorks (external: readonly Seen[], dialback: readonly Seen[], byDialback: boolean): Seen[] {
  const kept = (seen: Seen) => !isOpen(seen) && seen.state !== 'unknown' && (byDialback || counts(seen))
  const left = [...external.filter(seen => !isOpen(seen) && seen.state !== 'unknown'), ...dialback.filter(kept)]
  return left.map(seen => ({ ...seen, state: 'degraded', cause: /^(?:service|tls)\./.test(seen.cause) ? 'degraded.endpoint-dead' : seen.cause }))
}

/** Of a dialback that failed beside EXTERNAL that did not: more than the peer's right. */
function counts ({ cause }: Seen): boolean {
  return cause.startsWith('dialback.') || cause === 'peer.protocol-error' || cause === 'policy.refused-by-us'
}

/** Nobody accepted us, or nobody asked: a refused certificate is down only where dialback fails too, or is not offered. */
function whereItFails (externals: Judged, dialback: readonly Seen[], shown: boolean): Seen[] {
  const failing = dialback.some(seen => !isOpen(seen))
  const open = dialback.some(isOpen)
  const external = externals.flatMap(({ connection, proof }): Seen[] => {
    if (proof === undefined || !('fault' in proof)) return []
    const { fault } = proof
    if (fault.cause !== 'auth.external-refused') return [fault]
    const offered = offersDialback(connection)
    // None was shown: that is worth a word only where nothing else could carry it.
    if (fault.state === 'unknown') return failing || open || offered ? [] : [fault]
    return [{ ...fault, state: failing || !offered ? 'down' : open ? 'unknown' : 'degraded' }]
  })
  return [...external, ...dialback.map((seen): Seen => seen.cause === 'auth.external-refused' && !shown ? { ...seen, state: 'unknown' } : seen)]
}

function isOpen ({ cause }: Seen): boolean {
  return cause === 'unknown'
}

/** How the peer reached our listener: the answer to a ping, or a stream on which it authenticated itself. */
function answerOf ({ deep }: DeepObservation, about: readonly DeepConnection[]): string | undefined {
  if (about.some(({ ping }) => ping !== undefined && ping.answer !== 'none')) return 'it answers our ping on its own stream'
  const by = (['external', 'dialback'] as const).find(way => deep.callbacks.some(({ authenticated }) => authenticated === way))
  return by === undefined ? undefined : `it authenticates itself to us by ${by === 'external' ? 'EXTERNAL' : 'dialback'}`
}

/** `excused`: how dialback failed beside EXTERNAL that was accepted, where that is no fault. */
type Asked = { speaksForOurs: boolean, dialbacks: Judged, externals: Judged, excused: readonly Seen[], inbound: boolean, cutShort: boolean }

function untestedOf (o: DeepObservation, { speaksForOurs, dialbacks, externals, excused, inbound, cutShort }: Asked): Untested[] {
  const open = (judged: Judged) => judged.flatMap(({ proof }) => proof !== undefined && 'untested' in proof ? [proof.untested] : [])
  return [
    ...(!speaksForOurs ? [inTheNameOf(o)] : dialbacks.length === 0 ? [{ what: 'dialback', needs: 'a check that sends a key' }] : open(dialbacks)),
    ...open(externals),
    ...(speaksForOurs ? ownUntested(o) : []),
    ...(excused.length === 0 ? [] : [{ what: excused.some(({ cause }) => cause === 'auth.external-refused') ? 'dialback (the peer demands a certificate)' : 'dialback (the peer refuses who shows no certificate)', needs: 'a peer that accepts it; EXTERNAL carries us' }]),
    ...(o.deep.endpointsLeftOut === undefined ? [] : [{ what: `authentication at ${o.deep.endpointsLeftOut} more endpoint${o.deep.endpointsLeftOut === 1 ? '' : 's'}`, needs: 'a check of those endpoints alone' }]),
    ...(cutShort ? [{ what: 'the end of the dialback', needs: o.deep.quick ? 'a check without --quick' : dialbacks.some(({ connection: { dialback } }) => dialback?.cutShort === true) ? 'a check of that endpoint alone' : 'a check that can see the callback' }] : []),
    ...(inbound ? [] : [{ what: 'the inbound direction', needs: !speaksForOurs || !listens(o.deep) ? 'a check of our own domain from outside' : 'a ping that is answered, or a check of our own domain from outside' }]),
  ].toSorted((a, b) => keyOf(a) < keyOf(b) ? -1 : 1)
}

function keyOf ({ what, needs }: Untested): string {
  return `${what} ${needs}`
}
