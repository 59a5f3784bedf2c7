/**
 * What may each app do on the NATS server? One user for control, one for each vantage and each gateway, each of those in an account of its own.
 *
 * The accounts are not for tidiness. NATS does not check the reply subject of what a user publishes, and JetStream answers there with the server's own
 * rights: in one account, an agent that may write its presence and read it again could have the server write the configuration, or an observation of
 * another vantage, with bytes of its choice. An account has only the subjects that it imports, and an answer to anything else ends in itself. What an
 * agent sends goes through imported services; what it hears comes through imported streams, also its commands, because with those the
 * server knows when nobody listens; its answers go to the inboxes of control, which it may use once for each request that reached it.
 */
import { STREAMS, type StreamName } from '@dialtone/contracts'
import { OperatorError, quoted, unreachable } from '@dialtone/kernel'
import { commandSubject, documentSubject, eventSubject } from '../subjects.ts'
import { bucketStream, bucketSubject, streamNames } from './jetstream.ts'

export type NatsApp = { app: 'control' } | { app: 'probe', vantage: string } | { app: 'gateway', gateway: string }

export type Permissions = {
  user: string
  account: string
  /** For `connectNats`: another is not allowed. */
  inboxPrefix: string
  publish: readonly string[]
  subscribe: readonly string[]
  /** Of these, what it has from the account of control: what it sends there, and what it hears from there. Empty for control itself. */
  services: readonly string[]
  streams: readonly string[]
}

const CONTROL_ACCOUNT = 'DIALTONE'
const SYSTEM_ACCOUNT = 'SYS'
const CONTROL_INBOX = '_INBOX.control'
/** One token of a subject. */
const NAME = /^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/

/** Throws `bad-key` for a vantage or a gateway that cannot be called so. */
export function permissionsFor (who: NatsApp): Permissions {
  switch (who.app) {
    case 'control': return control()
    case 'probe': return probe(who.vantage)
    case 'gateway': return gateway(who.gateway)
    default: return unreachable(who)
  }
}

function control (): Permissions {
  const read = (stream: StreamName): string[] => {
    const name = streamNames[stream]
    return [`$JS.API.CONSUMER.CREATE.${name}`, `$JS.API.CONSUMER.MSG.NEXT.${name}.*`, `$JS.API.CONSUMER.DELETE.${name}.*`]
  }
  return {
    user: 'control', account: CONTROL_ACCOUNT, inboxPrefix: CONTROL_INBOX,
    publish: [
      // No observations: those are for agents to make.
      `${eventSubject('announcement', [])}.>`, eventSubject('audit', []), `${eventSubject('audit', [])}.>`, `${eventSubject('progress', [])}.>`, 'dialtone.v1.command.>',
      '$KV.>', '$JS.API.STREAM.INFO.*', '$JS.API.STREAM.CREATE.*', '$JS.API.STREAM.UPDATE.*', '$JS.API.DIRECT.GET.*', '$JS.API.DIRECT.GET.*.>', ...STREAMS.flatMap(read),
    ],
    subscribe: ['dialtone.v1.>', `${CONTROL_INBOX}.>`],
    services: [], streams: [],
  }
}

function probe (vantage: string): Permissions {
  proveName('vantage', vantage)
  return apart(`probe-${vantage}`, `VANTAGE-${vantage}`, {
    services: [`${eventSubject('observation', [vantage])}.>`, `${eventSubject('progress', [vantage])}.>`, bucketSubject('presence', `agent.${vantage}.*`), commandSubject('time', ['clock'])],
    reads: ['presence', `vantage-${vantage}`],
    served: [`dialtone.v1.command.*.${vantage}.*`],
  })
}

/** What may be asked of a gateway, by name: with any verb, one called `clock` would hear who asks control the time. */
const GATEWAY_VERBS = ['gateway-act', 'gateway-streams', 'gateway-queues', 'gateway-explain']

function gateway (name: string): Permissions {
  proveName('gateway', name)
  return apart(`gateway-${name}`, `GATEWAY-${name}`, {
    services: [`${eventSubject('pair', [name])}.>`, eventSubject('gateway', [name]), bucketSubject('gateways', name), commandSubject('time', ['clock'])],
    reads: [`gateway-${name}`],
    // Whether another process speaks under its name. Of the presence of others it needs nothing.
    looksAt: [{ bucket: 'gateways', key: name }],
    served: GATEWAY_VERBS.map(verb => commandSubject(verb, [name])),
  })
}

type Apart = { services: readonly string[], reads: readonly string[], looksAt?: readonly { bucket: string, key: string }[], served: readonly string[] }

/** Of who has an account of its own: `services` is what it sends, `reads` the buckets that it sees, `looksAt` single documents of others, `served` the commands that it hears. */
function apart (user: string, account: string, { services: sends, reads, looksAt = [], served }: Apart): Permissions {
  const services = [...sends, ...looksAt.map(({ bucket, key }) => `$JS.API.DIRECT.GET.${bucketStream(bucket)}.${bucketSubject(bucket, key)}`), ...reads.flatMap(bucket => [`$JS.API.DIRECT.GET.${bucketStream(bucket)}`, `$JS.API.DIRECT.GET.${bucketStream(bucket)}.>`])]
  const streams = [...reads.map(bucket => documentSubject(bucket, '>')), ...served]
  const inboxPrefix = `_INBOX.${user}`
  return { user, account, inboxPrefix, publish: services, subscribe: [...streams, `${inboxPrefix}.>`], services, streams }
}

function proveName (what: 'vantage' | 'gateway', name: string): void {
  if (!NAME.test(name)) throw new OperatorError('bad-key', `no ${what} is called '${quoted(name)}': a name is 1 to 63 of a-z, 0-9 and '-'`)
}

/** Who a user is to the server: the public half of an nkey, or for a test a password. */
export type NatsIdentity = { nkey: string } | { password: string }

/** `system`: who may look after the server itself. `storage`: what the account of control may keep; without it, what the server has. */
export type AccountsChoice = { system?: NatsIdentity, storage?: { fileBytes: number, memoryBytes: number } }

/** The `accounts` of a server's configuration, for control and these vantages and gateways. */
export function natsAccounts (control: NatsIdentity, vantages: Readonly<Record<string, NatsIdentity>>, gateways: Readonly<Record<string, NatsIdentity>> = {}, { system, storage }: AccountsChoice = {}): string {
  const all = [
    ...Object.entries(vantages).map(([vantage, identity]) => ({ ...permissionsFor({ app: 'probe', vantage }), identity })),
    ...Object.entries(gateways).map(([name, identity]) => ({ ...permissionsFor({ app: 'gateway', gateway: name }), identity })),
  ]
  const exported = [
    // Answers, then what each vantage and each gateway sends and hears.
    `{ service: ${text(`${CONTROL_INBOX}.>`)} }`,
    ...new Set(all.flatMap(({ services, streams }) => [...services.map(subject => `{ service: ${text(subject)} }`), ...streams.map(subject => `{ stream: ${text(subject)} }`)])),
  ]
  const main = { ...permissionsFor({ app: 'control' }), identity: control }
  return `${system === undefined ? '' : `system_account: ${SYSTEM_ACCOUNT}\n`}accounts {
${system === undefined ? '' : `  ${SYSTEM_ACCOUNT}: { users: [{ ${whoIs('system', system)} }] }\n`}  ${text(main.account)}: {
    jetstream: ${storage === undefined ? 'enabled' : `{ max_file: ${storage.fileBytes}, max_mem: ${storage.memoryBytes} }`}
    users: [
      ${userOf(main)}
    ]
    exports: [
      ${exported.join('\n      ')}
    ]
  }
${all.map(each => `  ${text(each.account)}: {
    users: [
      ${userOf(each)}
    ]
    imports: [
      ${[`${CONTROL_INBOX}.>`, ...each.services].map(subject => `{ service: { account: ${text(CONTROL_ACCOUNT)}, subject: ${text(subject)} } }`).join('\n      ')}
      ${each.streams.map(subject => `{ stream: { account: ${text(CONTROL_ACCOUNT)}, subject: ${text(subject)} } }`).join('\n      ')}
    ]
  }
`).join('')}}
`
}

function userOf ({ user, identity, publish, subscribe }: Permissions & { identity: NatsIdentity }): string {
  // An answer may take as long as the longest command.
  return `{ ${whoIs(user, identity)}, permissions: { publish: { allow: [${publish.map(text).join(', ')}] }, subscribe: { allow: [${subscribe.map(text).join(', ')}] }, allow_responses: { max: 1, expires: "10m" } } }`
}

function whoIs (user: string, identity: NatsIdentity): string {
  return 'nkey' in identity ? `nkey: ${identity.nkey}` : `user: ${text(user)}, password: ${text(identity.password)}`
}

function text (of: string): string {
  return JSON.stringify(of)
}
