/**
 * What may each app do on the NATS server? One user for control, one for each vantage, each vantage in an account of its own.
 *
 * The accounts are not for tidiness. NATS does not check the reply subject of what a user publishes, and JetStream answers there with the server's own
 * rights: in one account, an agent that may write its presence and read it again could have the server write the configuration, or an observation of
 * another vantage, with bytes of its choice. An account has only the subjects that it imports, and an answer to anything else ends in itself. What an
 * agent sends goes through imported services; what it hears comes through imported streams, also its commands, because with those the
 * server knows when nobody listens; its answers go to the inboxes of control, which it may use once for each request that reached it.
 */
import { STREAMS, type StreamName } from '@dialtone/contracts'
import { OperatorError, quoted } from '@dialtone/kernel'
import { commandSubject, documentSubject, eventSubject } from '../subjects.ts'
import { bucketStream, bucketSubject, streamNames } from './jetstream.ts'

export type NatsApp = { app: 'control' } | { app: 'probe', vantage: string }

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
const CONTROL_INBOX = '_INBOX.control'
const VANTAGE = /^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/

/** Throws `bad-key` for a vantage that cannot be called so. */
export function permissionsFor (who: NatsApp): Permissions {
  return who.app === 'control' ? control() : probe(who.vantage)
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
  if (!VANTAGE.test(vantage)) throw new OperatorError('bad-key', `no vantage is called '${quoted(vantage)}': a name is 1 to 63 of a-z, 0-9 and '-'`)
  const reads = ['presence', `vantage-${vantage}`]
  const services = [
    `${eventSubject('observation', [vantage])}.>`, `${eventSubject('progress', [vantage])}.>`, bucketSubject('presence', `agent.${vantage}.*`), commandSubject('time', ['clock']),
    ...reads.flatMap(bucket => [`$JS.API.DIRECT.GET.${bucketStream(bucket)}`, `$JS.API.DIRECT.GET.${bucketStream(bucket)}.>`]),
  ]
  const streams = [...reads.map(bucket => documentSubject(bucket, '>')), `dialtone.v1.command.*.${vantage}.*`]
  const inboxPrefix = `_INBOX.probe-${vantage}`
  return { user: `probe-${vantage}`, account: `VANTAGE-${vantage}`, inboxPrefix, publish: services, subscribe: [...streams, `${inboxPrefix}.>`], services, streams }
}

/** Who a user is to the server: the public half of an nkey, or for a test a password. */
export type NatsIdentity = { nkey: string } | { password: string }

/** The `accounts` of a server's configuration, for control and these vantages. */
export function natsAccounts (control: NatsIdentity, vantages: Readonly<Record<string, NatsIdentity>>): string {
  const all = Object.entries(vantages).map(([vantage, identity]) => ({ ...permissionsFor({ app: 'probe', vantage }), identity }))
  const exported = [
    // Answers, then what each vantage sends and hears.
    `{ service: ${text(`${CONTROL_INBOX}.>`)} }`,
    ...new Set(all.flatMap(({ services, streams }) => [...services.map(subject => `{ service: ${text(subject)} }`), ...streams.map(subject => `{ stream: ${text(subject)} }`)])),
  ]
  const main = { ...permissionsFor({ app: 'control' }), identity: control }
  return `accounts {
  ${text(main.account)}: {
    jetstream: enabled
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
  const who = 'nkey' in identity ? `nkey: ${identity.nkey}` : `user: ${text(user)}, password: ${text(identity.password)}`
  // An answer may take as long as the longest command.
  return `{ ${who}, permissions: { publish: { allow: [${publish.map(text).join(', ')}] }, subscribe: { allow: [${subscribe.map(text).join(', ')}] }, allow_responses: { max: 1, expires: "10m" } } }`
}

function text (of: string): string {
  return JSON.stringify(of)
}
