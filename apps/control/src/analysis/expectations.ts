/**
 * What the configuration says about subjects: which there are, what is expected of them, how often they are seen, and what keeps quiet about them.
 */
import type { ConfigurationView, DomainSpec, ExceptionSpec, FleetConfig, GatewaySpec, Job, JudgeConfig, PeerSpec, Resource, ScheduleSpec, Standpoint, Subject, ZoneSpec } from '@dialtone/contracts'
import { DEFAULT_JUDGE_CONFIG } from '@dialtone/contracts'
import { unreachable } from '@dialtone/kernel'

export type Expectations = {
  /** It is a subject: asked of thousands at once, so nothing is worked out for it. */
  has: (subject: Pick<Subject, 'domain' | 'peer'>) => boolean
  /** Of this domain of ours; undefined: it is none. */
  domain: (domain: string) => FleetConfig | undefined
  /** Of a peer in the eyes of one of ours; undefined: they are no pair. */
  pair: (ours: string, peer: string) => FleetConfig | undefined
  domains: () => readonly string[]
  /** The gateways that are to carry a domain of ours and to run. */
  gatewaysOf: (ours: string) => ReadonlySet<string>
  peersOf: (ours: string) => readonly string[]
  oursOf: (peer: string) => readonly string[]
  /** Undefined: there is no such vantage, or its testimony is not heard: it is in quarantine, or in maintenance as far as time has passed. */
  standpoint: (vantage: string) => Standpoint | undefined
  rules: (subject: Subject) => { confirmations: number, remindEverySeconds: number }
  /** Seconds between two light, or two deep, checks of a target of this domain. */
  interval: (domain: string, deep: boolean) => number
  /** What keeps quiet about a subject with this cause at a time: its name. */
  quiet: (subject: Subject, cause: string, at: number) => string | undefined
  /** Whether this vantage has to check that, by the configuration as it is: in the words of a target. */
  isTarget: (vantage: string, target: { id: string, job: Job, domain: string, ours?: string }) => boolean
  /** Exceptions that begin or end in (after, until]: what they are about changes without a word from anybody. */
  turning: (after: number, until: number) => readonly ExceptionSpec[]
}

const DEFAULT_SCHEDULE = { lightEverySeconds: 60, deepEverySeconds: 1800, confirmations: 3, remindEverySeconds: 43_200 }

/** Reads the view as it is at each call; what is asked often is worked out once per revision. */
export function createExpectations (view: ConfigurationView): Expectations {
  let known = -1
  let peers: Map<string, string[]>
  let ours: Map<string, string[]>
  let domains: string[]
  let exceptions: Resource<'Exception'>[]
  let judging: Map<string, FleetConfig>
  let carriers: Map<string, ReadonlySet<string>>
  let standpoints: Map<string, Standpoint>
  /** Which vantages have a probe domain, by it. */
  let probes: Map<string, string[]>
  /** How far time has come. */
  let time = 0
  let intervals: Map<string, readonly [light: number, deep: number]>
  const fresh = () => {
    if (known === view.revision) return
    known = view.revision
    domains = view.all('Domain').map(({ name }) => name)
    peers = new Map(domains.map(name => [name, []]))
    ours = new Map()
    for (const { name, spec } of view.all('Peer')) {
      const of = (spec.ours ?? domains).filter(each => each !== name && peers.has(each))
      ours.set(name, of)
      for (const each of of) peers.get(each)?.push(name)
    }
    exceptions = [...view.all('Exception')]
    judging = new Map()
    carriers = new Map()
    intervals = new Map()
    probes = new Map()
    for (const { name, spec } of view.all('Vantage')) if (spec.probeDomain !== undefined) probes.set(spec.probeDomain.domain, [...probes.get(spec.probeDomain.domain) ?? [], name])
    standpoints = new Map(view.all('Vantage').flatMap(({ name, spec }) => 'quarantined' in spec && spec.quarantined !== undefined ? [] : [[name, standpointOf(name, spec)]]))
  }
  const schedule = (domain: string): ScheduleSpec => {
    const name = view.get('Domain', domain)?.spec.schedule ?? view.get('Peer', domain)?.spec.schedule ?? 'default'
    return view.get('Schedule', name)?.spec ?? {}
  }
  const remembered = (key: string, make: () => FleetConfig): FleetConfig => {
    const found = judging.get(key)
    if (found !== undefined) return found
    const made = make()
    judging.set(key, made)
    return made
  }
  return {
    domain: domain => {
      fresh()
      const spec = view.get('Domain', domain)?.spec
      return spec === undefined ? undefined : remembered(domain, () => ({ ...ownConfig(spec), splitViewExpected: spec.splitViewExpected ?? false, ...stopped(view, { ours: domain }) }))
    },
    pair: (domain, peer) => {
      fresh()
      const [own, spec] = [view.get('Domain', domain)?.spec, view.get('Peer', peer)?.spec]
      if (own === undefined || spec === undefined || ours.get(peer)?.includes(domain) !== true) return undefined
      return remembered(`${domain}>${peer}`, () => ({ ...peerConfig(spec, own), ...retryWindow(schedule(peer)), splitViewExpected: own.splitViewExpected ?? false, ...stopped(view, { ours: domain, peer }) }))
    },
    has: ({ domain, peer }) => {
      fresh()
      return view.get('Domain', domain) !== undefined && (peer === undefined || (ours.get(peer)?.includes(domain) === true && view.get('Peer', peer) !== undefined))
    },
    domains: () => { fresh(); return domains },
    gatewaysOf: domain => {
      fresh()
      const found = carriers.get(domain) ?? new Set(view.all('Gateway').flatMap(({ name, spec }) => spec.desired === 'running' && carries(spec, domain, ({ desired = 'running' }) => desired === 'running') ? [name] : []))
      carriers.set(domain, found)
      return found
    },
    peersOf: domain => { fresh(); return peers.get(domain) ?? [] },
    oursOf: peer => { fresh(); return ours.get(peer) ?? [] },
    standpoint: vantage => {
      fresh()
      return exceptions.some(({ spec }) => spec.vantage === vantage && active(spec, time)) ? undefined : standpoints.get(vantage)
    },
    rules: ({ domain, peer }) => {
      const { confirmations = DEFAULT_SCHEDULE.confirmations, remindEverySeconds = DEFAULT_SCHEDULE.remindEverySeconds } = schedule(peer ?? domain)
      return { confirmations, remindEverySeconds }
    },
    interval: (domain, deep) => {
      fresh()
      const known = intervals.get(domain)
      if (known !== undefined) return known[deep ? 1 : 0]
      const { lightEverySeconds = DEFAULT_SCHEDULE.lightEverySeconds, deepEverySeconds = DEFAULT_SCHEDULE.deepEverySeconds } = schedule(domain)
      intervals.set(domain, [lightEverySeconds, deepEverySeconds])
      return deep ? deepEverySeconds : lightEverySeconds
    },
    quiet: (subject, cause, at) => {
      fresh()
      return exceptions.find(({ spec }) => about(spec, subject) && active(spec, at) && (spec.effect === 'maintenance' || spec.causes?.some(each => each === cause) === true))?.name
    },
    isTarget: (vantage, { id, job, domain, ours }) => {
      fresh()
      const side = view.get('Vantage', vantage)?.spec.side
      const own = view.get('Domain', domain)?.spec
      const peer = view.get('Peer', domain)?.spec
      if (side === undefined || id !== (ours === undefined ? `${job}:${domain}` : `${job}:${domain}:${ours}`) || (ours !== undefined) !== (job === 'peer')) return false
      switch (job) {
        case 'own-internal': return side === 'inside' && (own?.internal ?? []).length > 0
        case 'own-published': return own !== undefined
        case 'peer': return side === 'inside' && peer !== undefined && ours !== undefined && view.get('Domain', ours) !== undefined && (peer.ours === undefined || peer.ours.includes(ours))
        case 'control': return side === 'outside' && peer !== undefined
        case 'listener': return probes.get(domain)?.some(each => each !== vantage) === true
        default: return unreachable(job)
      }
    },
    turning: (after, until) => {
      fresh()
      time = until
      const within = (time: string | undefined) => time !== undefined && Date.parse(time) > after && Date.parse(time) <= until
      return exceptions.flatMap(({ spec }) => within(spec.from) || within(spec.until) ? [spec] : [])
    },
  }
}

/** An exception is about a subject where it names nothing that the subject is not. One of a vantage silences no subject: others may see it too. */
export function about ({ domain, peer, vantage }: ExceptionSpec, subject: Subject): boolean {
  if (vantage !== undefined) return false
  return (domain === undefined || domain === subject.domain) && (peer === undefined || peer === subject.peer)
}

function active ({ from, until }: ExceptionSpec, at: number): boolean {
  return (from === undefined || Date.parse(from) <= at) && at < Date.parse(until)
}

/** What our own domain is judged by. */
function ownConfig (spec: DomainSpec): JudgeConfig {
  return { ...DEFAULT_JUDGE_CONFIG, ...thresholds(spec), ours: true, profile: spec.profile ?? 'standard', expectedAddresses: spec.expectedAddresses ?? [], hostedBy: spec.hostedBy ?? [] }
}

/** The addresses are ours: whoever answers for our domain there claims nothing. */
function peerConfig (spec: PeerSpec, own: DomainSpec): JudgeConfig {
  return { ...DEFAULT_JUDGE_CONFIG, ...thresholds(spec), profile: spec.profile ?? 'standard', expectedAddresses: own.expectedAddresses ?? [], hostedBy: own.hostedBy ?? [] }
}

function retryWindow ({ retryWindowSeconds }: ScheduleSpec): Partial<JudgeConfig> {
  return retryWindowSeconds === undefined ? {} : { retryWindowMs: 1000 * retryWindowSeconds }
}

function thresholds ({ expiryWarningDays, slowStageMs }: Pick<PeerSpec, 'expiryWarningDays' | 'slowStageMs'>): Partial<JudgeConfig> {
  return { ...(expiryWarningDays === undefined ? {} : { expiryWarningDays }), ...(slowStageMs === undefined ? {} : { slowStageMs }) }
}

/** What the gateways that carry a domain of ours are wanted to do, where that stops a pair on purpose, or ours with everybody. What is said of a pair counts more than what is said of its peer. */
function stopped (view: ConfigurationView, { ours, peer }: { ours: string, peer?: string }): { stoppedByUs?: string } {
  const gateways = view.all('Gateway').filter(({ spec }) => carries(spec, ours))
  for (const { name, spec: { pairs = {}, peers = {} } } of gateways) {
    if (peer === undefined) break
    const wanted = Object.hasOwn(pairs, `${ours} ${peer}`) ? pairs[`${ours} ${peer}`] : Object.hasOwn(peers, peer) ? peers[peer] : undefined
    if (wanted !== undefined && wanted !== 'enabled') return { stoppedByUs: `gateway ${name} is told that ${peer} is ${wanted}` }
  }
  const [first] = gateways
  return first !== undefined && gateways.every(({ spec }) => spec.desired !== 'running') ? { stoppedByUs: `gateway ${first.name} is told to ${first.spec.desired === 'stopped' ? 'be stopped' : 'drain'}` } : {}
}

/** Whether the domain's server is behind it, in such a zone. One without internal zones does not say whose gateway it is: it may be everybody's. */
function carries ({ zones = [] }: GatewaySpec, domain: string, such: (zone: ZoneSpec) => boolean = () => true): boolean {
  const inside = zones.filter(({ side }) => side === 'internal')
  return inside.length === 0 || inside.filter(such).some(({ domains = [], components }) => [...domains, ...Object.keys(components?.accept?.domains ?? {})].some(pattern => pattern === '*' || pattern === domain || (pattern.startsWith('*.') && domain.endsWith(pattern.slice(1)))))
}

function standpointOf (vantage: string, { side, network, sharesResolverWith }: { side: 'inside' | 'outside', network?: string, sharesResolverWith?: readonly string[] }): Standpoint {
  return { vantage, side, network: network ?? vantage, sharesResolverWith: sharesResolverWith ?? [] }
}
