/**
 * The connection to NATS: made again for ever, with jitter, whatever ended it, and also when there was no server at the start. What was subscribed is
 * subscribed again; a request that was under way when the connection went is over at once and not only after its time.
 */
import { readFileSync, statSync } from 'node:fs'
import { isIP } from 'node:net'
import { checkServerIdentity, type PeerCertificate } from 'node:tls'
import { OperatorError, quoted, type Logger, type Meter } from '@dialtone/kernel'
import { Events, NatsError, connect, createInbox, nkeyAuthenticator, nkeys, usernamePasswordAuthenticator, type ConnectionOptions, type Msg, type MsgHdrs, type NatsConnection, type Subscription as NatsSubscription } from 'nats'
import * as metrics from '../metrics.ts'
import { resting } from '../batches.ts'
import { isRefusal, violationOf, type Violation } from './failures.ts'

/** Who we are to the server. The file holds an nkey seed (`SU…`) and is read at each connection. */
export type NatsCredentials = { user: string, password: string } | { nkeySeedFile: string }

export type LinkOptions = {
  /** `nats://host:4222`, or `tls://` where it must not be in the clear; several with commas between them or as an array. No user in it. */
  servers: string | readonly string[]
  /** Seen in the server's log and monitoring. */
  name: string
  credentials?: NatsCredentials
  /** Where answers are sent to, so that no other user reads them. Default `_INBOX`. */
  inboxPrefix?: string
  tls?: { caFile?: string, certFile?: string, keyFile?: string }
  /** The pause before the first attempt to connect again, doubled up to the longest; half of it is random. */
  reconnect?: { firstMs?: number, longestMs?: number }
}

export type Link = {
  readonly connected: boolean
  /** Below it, together with the headers, a message is taken. Known while connected. */
  readonly mostPayload: number
  publish: (subject: string, bytes: Uint8Array, headers?: MsgHdrs, reply?: string) => void
  /** Rejects with what the client says (a NatsError), or `bus-unreachable` when the connection is away or goes. */
  ask: (subject: string, bytes: Uint8Array, options: { timeoutMs: number, headers?: MsgHdrs }) => Promise<Msg>
  /**
   * As `ask`, where the header of the answer is not the server's, but of whoever stored it or answers. The client's own requests take a status in it for the
   * server's, and a bad name in it stops the client. "Nobody listens" is an answer with status 503.
   */
  fetch: (subject: string, bytes: Uint8Array, timeoutMs: number) => Promise<Msg>
  /** Resolves when the server knows of it, or at once while it cannot be reached. */
  subscribe: (subject: string, hear: (message: Msg) => void, options?: { queue?: string }) => Promise<{ stop: () => Promise<void> }>
  inbox: () => string
  /** Told when it is reached (again), and when it is lost. */
  onChange: (hear: (connected: boolean) => void) => () => void
  onViolation: (hear: (violation: Violation) => void) => () => void
  /** Resolves when it is connected, or at the end of the time or the signal. */
  reached: (ms: number, signal?: AbortSignal) => Promise<boolean>
  /** Hands over what was published, answers what was asked, closes. */
  stop: () => Promise<void>
}

type Wanted = { subject: string, options: { queue?: string }, hear: (message: Msg) => void, live?: NatsSubscription }

const STOP_MS = 5000
const VIOLATIONS_MS = 60_000
/** A host alone is most often a mistake: a scheme or a port is wanted. */
const SERVER = /^(?:(?:nats|tls):\/\/(?:[^\s/@:[\]]+|\[[0-9a-fA-F:.]+\])(?::\d{1,5})?\/?|(?:[^\s/@:[\]]+|\[[0-9a-fA-F:.]+\]):\d{1,5})$/

/** Throws `bus-credentials` when there is no seed in the file, or when there is a user in an address; `bus-address` for what is none. */
export function createLink (options: LinkOptions, meter: Meter, logger: Logger): Link {
  const given = connectionOptions(options, () => pauses.next())
  if (options.credentials !== undefined && 'nkeySeedFile' in options.credentials) tellOpenSeed(options.credentials.nkeySeedFile, logger)
  const pauses = createPauses(options.reconnect)
  const wanted = new Set<Wanted>()
  const inFlight = new Map<() => void, Promise<unknown>>()
  const hearers = new Set<(connected: boolean) => void>()
  const violated = new Set<(violation: Violation) => void>()
  const ending = new AbortController()
  let connection: NatsConnection | undefined
  let up = false
  let met = false
  let violationTold = -Infinity
  let violationsUntold = 0

  const change = (now: boolean): void => {
    if (up === now) return
    up = now
    meter.set(metrics.connected, {}, now ? 1 : 0)
    if (now) {
      pauses.reset()
      if (met) meter.add(metrics.reconnects)
      met = true
    } else {
      for (const lost of inFlight.keys()) lost()
    }
    if (!ending.signal.aborted) logger[now ? 'info' : 'warn']({ servers: given.servers }, now ? 'the bus is reached' : 'the bus is lost; it is tried again for ever')
    for (const hear of hearers) hear(now)
  }
  /** One a minute: with the seed of another app everything that is wanted is refused, again and again. */
  const tellViolation = (violation: Violation): void => {
    const now = performance.now()
    if (now - violationTold < VIOLATIONS_MS) return void violationsUntold++
    logger.error({ ...violation, ...(violationsUntold === 0 ? {} : { untold: violationsUntold }) }, 'the NATS server does not allow this user to do this: is the seed that of this app? Compare its users with deploy/nats')
    violationTold = now
    violationsUntold = 0
  }
  const hearStatus = async (of: NatsConnection): Promise<void> => {
    for await (const status of of.status()) {
      if (connection !== of) return
      if (status.type === Events.Disconnect) change(false)
      if (status.type === Events.Reconnect) change(true)
      const violation = violationOf(status)
      if (violation !== undefined) {
        meter.add(metrics.violations, { operation: violation.operation })
        tellViolation(violation)
        for (const hear of violated) hear(violation)
      }
    }
  }
  const attach = (of: NatsConnection, each: Wanted): void => {
    each.live = of.subscribe(each.subject, {
      ...each.options,
      callback: (error, message) => {
        if (error !== null) return // a status event tells it too
        try {
          each.hear(message)
        } catch (thrown) {
          // The client would stop reading for good.
          logger.error({ subject: each.subject, error: String(thrown) }, 'a message of the bus could not be taken')
        }
      },
    })
  }
  const keep = async (): Promise<void> => {
    let said = ''
    while (!ending.signal.aborted) {
      try {
        const made = await connect(given)
        if (ending.signal.aborted) return await made.close()
        connection = made
        for (const each of wanted) attach(made, each)
        void hearStatus(made)
        change(true)
        said = ''
        const why = await made.closed()
        if (!ending.signal.aborted) logger.warn({ why: String(why ?? '') }, 'the connection to the bus was closed')
      } catch (error) {
        const now = error instanceof Error ? error.message : String(error)
        if (isRefusal(error)) meter.add(metrics.violations, { operation: 'authorization' })
        const hint = !isRefusal(error) ? '' : options.credentials === undefined ? ' (the server wants to know who this is: give the nkey seed of its user, --bus-seed FILE)' : ' (the server does not know this user: compare its users with deploy/nats, and restart it after a change)'
        if (now !== said) logger.warn({ servers: given.servers, error: `${now}${hint}` }, 'the bus cannot be reached; it is tried again for ever')
        said = now
      }
      connection = undefined
      change(false)
      await resting(pauses.next(), ending.signal)
    }
  }
  const keeping = keep()
  /** Waits for what the server has to answer, but no longer than it is there: the client itself waits until it is back. */
  const whileUp = async (answer: Promise<unknown>): Promise<void> => {
    const patience = new AbortController()
    const lost = Promise.withResolvers<void>()
    const forget = link.onChange(now => { if (!now) lost.resolve() })
    if (!up) lost.resolve()
    await Promise.race([answer.catch(() => undefined), lost.promise, resting(STOP_MS, patience.signal)])
    patience.abort()
    forget()
  }
  const unreachable = (): OperatorError => new OperatorError('bus-unreachable', `the bus at ${String(given.servers)} cannot be reached; it is tried again for ever`)

  const link: Link = {
    get connected () {
      return up
    },
    get mostPayload () {
      return connection?.info?.max_payload ?? 1024 * 1024
    },
    publish: (subject, bytes, headers, reply) => {
      if (!up || connection === undefined) throw unreachable()
      connection.publish(subject, bytes, { ...(headers === undefined ? {} : { headers }), ...(reply === undefined ? {} : { reply }) })
    },
    ask: (subject, bytes, { timeoutMs, headers }) => new Promise((resolve, reject) => {
      if (!up || connection === undefined) return reject(unreachable())
      const lost = (): void => {
        inFlight.delete(lost)
        reject(unreachable())
      }
      inFlight.set(lost, connection.request(subject, bytes, { timeout: timeoutMs, ...(headers === undefined ? {} : { headers }) }).then(resolve, reject).finally(() => inFlight.delete(lost)))
    }),
    fetch: (subject, bytes, timeoutMs) => new Promise((resolve, reject) => {
      if (!up || connection === undefined) return reject(unreachable())
      const answered = Promise.withResolvers<Msg>()
      const inbox = createInbox(options.inboxPrefix)
      const lost = (): void => answered.reject(unreachable())
      const violation = ({ subject: of }: Violation): void => {
        if (of === quoted(subject)) answered.reject(new NatsError(`no right to use ${of}`, 'PERMISSIONS_VIOLATION'))
      }
      const timer = setTimeout(() => answered.reject(new NatsError('TIMEOUT', 'TIMEOUT')), timeoutMs)
      const subscription = connection.subscribe(inbox, { max: 1, callback: (error, message) => error === null ? answered.resolve(message) : answered.reject(error) })
      violated.add(violation)
      inFlight.set(lost, answered.promise.then(resolve, reject).finally(() => {
        clearTimeout(timer)
        violated.delete(violation)
        inFlight.delete(lost)
        subscription.unsubscribe()
      }))
      connection.publish(subject, bytes, { reply: inbox })
    }),
    subscribe: async (subject, hear, options = {}) => {
      const each: Wanted = { subject, options, hear }
      wanted.add(each)
      if (connection !== undefined) attach(connection, each)
      if (up && connection !== undefined) await whileUp(connection.flush())
      return {
        stop: async () => {
          wanted.delete(each)
          if (up && each.live?.isClosed() === false) await whileUp(each.live.drain())
          else each.live?.unsubscribe()
        },
      }
    },
    inbox: () => createInbox(options.inboxPrefix),
    onChange: hear => {
      hearers.add(hear)
      return () => hearers.delete(hear)
    },
    onViolation: hear => {
      violated.add(hear)
      return () => violated.delete(hear)
    },
    reached: (ms, signal) => new Promise(resolve => {
      if (up) return resolve(true)
      const over = (): void => {
        clearTimeout(timer)
        forget()
        signal?.removeEventListener('abort', over)
        resolve(up)
      }
      const forget = link.onChange(over)
      const timer = setTimeout(over, ms)
      signal?.addEventListener('abort', over, { once: true })
      if (signal?.aborted === true) over()
    }),
    stop: async () => {
      const patience = new AbortController()
      await Promise.race([Promise.all(inFlight.values()), resting(STOP_MS, patience.signal)])
      patience.abort()
      ending.abort()
      const last = connection
      if (last !== undefined && up) await whileUp(last.drain())
      await last?.close()
      change(false)
      await keeping
    },
  }
  return link
}

function connectionOptions ({ servers, name, credentials, inboxPrefix, tls }: LinkOptions, delay: () => number): ConnectionOptions {
  if (credentials !== undefined && 'nkeySeedFile' in credentials) seedOf(credentials.nkeySeedFile)
  const all = typeof servers === 'string' ? servers.split(',').map(server => server.trim()) : [...servers]
  if (all.some(server => server.includes('@'))) throw new OperatorError('bus-credentials', 'the address of the bus has a user in it, which the client ignores and the log would show; give the nkey seed file, or user and password, apart from it')
  const odd = all.find(server => !SERVER.test(server))
  if (odd !== undefined) throw new OperatorError('bus-address', `'${quoted(odd, 80)}' is no address of a bus: give one like nats://127.0.0.1:4222, several with commas between them`)
  return {
    servers: all,
    name,
    maxReconnectAttempts: -1,
    ignoreAuthErrorAbort: true,
    reconnectDelayHandler: delay,
    pingInterval: 20_000,
    timeout: 5000,
    noAsyncTraces: true,
    ...(inboxPrefix === undefined ? {} : { inboxPrefix }),
    ...(tls === undefined && !all.some(server => server.startsWith('tls:')) ? {} : { tls: { ...tls, checkServerIdentity: identityCheck(all) } as NonNullable<ConnectionOptions['tls']> }),
    ...(credentials === undefined ? {} : { authenticator: 'user' in credentials ? usernamePasswordAuthenticator(credentials.user, credentials.password) : nkeyAuthenticator(() => seedOf(credentials.nkeySeedFile)) }),
  }
}

/**
 * Whether a certificate is that of the server. A server that is given by its address has no name that the client could check, and it checks `localhost` instead: then it
 * has to be the certificate of one of the addresses that were given.
 */
function identityCheck (servers: readonly string[]): (host: string, certificate: PeerCertificate) => Error | undefined {
  const hosts = servers.map(server => server.replace(/^\w+:\/\//, '').replace(/:\d+\/?$/, '').replaceAll(/[/[\]]/g, ''))
  const addresses = hosts.filter(host => isIP(host) !== 0)
  return (host, certificate) => {
    const names = host !== 'localhost' ? [host] : [...addresses, ...hosts.filter(given => given === host)]
    const refusals = (names.length > 0 ? names : [host]).map(name => checkServerIdentity(name, certificate))
    return refusals.includes(undefined) ? undefined : refusals[0]
  }
}

function seedOf (file: string): Uint8Array {
  let seed: Uint8Array
  try {
    seed = new TextEncoder().encode(readFileSync(file, 'utf8').trim())
  } catch (error) {
    throw new OperatorError('bus-credentials', `the nkey seed of the bus cannot be read from ${file} (${error instanceof Error ? error.message : String(error)})`)
  }
  try {
    nkeys.fromSeed(seed)
    return seed
  } catch {
    // What is in it is not shown: it may be another secret.
    throw new OperatorError('bus-credentials', `there is no nkey seed in ${file}: it is one line that begins with SU, as deploy/nats/write-users.ts writes it`)
  }
}

/** Everybody on this host can pass for this process then. */
function tellOpenSeed (file: string, logger: Logger): void {
  const mode = statSync(file).mode & 0o777
  if ((mode & 0o007) !== 0) logger.warn({ file, mode: mode.toString(8).padStart(4, '0') }, 'everybody on this host may read the seed by which the bus knows this process: chmod o-rwx, and have a new one made where somebody may have')
}

function createPauses ({ firstMs = 100, longestMs = 5000 }: LinkOptions['reconnect'] = {}) {
  let pause = firstMs
  return {
    next: (): number => {
      const now = pause
      pause = Math.min(2 * pause, longestMs)
      return Math.ceil(now * (0.5 + Math.random() / 2))
    },
    reset: (): void => {
      pause = firstMs
    },
  }
}
