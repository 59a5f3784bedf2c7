// The real XMPP servers of the lab: how each is while all is well, and how it is made different for a while.
import { certificateOf, startEjabberd, startProsody, type EjabberdOptions, type NetworkHost, type ProsodyOptions, type XmppServer } from '@dialtone/testkit'
import { EDGE, OURS } from '../seams.ts'
import { layer, type Layer } from './layer.ts'
import { AT } from './places.ts'
import { BAD_CERTIFICATES } from './standing.ts'

/** By the name of the host. `second`, a second node of ours, runs only while something is broken. */
export type ServerName = 'ours' | 'second' | 'edge' | 'gmail' | 'gtls' | 'webex' | 'plain' | 'six' | 'bad'
/** How a server differs from what it is otherwise; `stopped`: it is not there. */
export type Difference = Partial<ProsodyOptions & EjabberdOptions> & { stopped?: true }

export const SECRET = 'open sesame'
/** Seconds that a server waits for a peer: to connect, to answer. */
const PATIENCE_S = 5
/** Who serves a domain. */
export const SERVER_OF: Readonly<Record<string, ServerName>> = { [OURS]: 'ours', [EDGE]: 'edge', 'gmail.test': 'gmail', 'gtls.test': 'gtls', 'webex.test': 'webex', 'plain.test': 'plain', 'six.test': 'six' }
/** Who may log in where; the password is the name. */
export const USERS: Readonly<Record<string, string>> = { [OURS]: 'cupuser1', [EDGE]: 'edgeuser', 'gmail.test': 'jdoe1', 'gtls.test': 'jdoe2', 'webex.test': 'wuser', 'plain.test': 'puser', 'six.test': 'suser' }

export type Servers = {
  differences: Readonly<Record<ServerName, Layer<Difference>>>
  running: (name: ServerName) => XmppServer
  runs: (name: ServerName) => boolean
  /** Those that have ended by themselves. */
  died: () => ServerName[]
  stop: () => Promise<void>
}

/** Starts them side by side. */
export async function startServers (host: (name: ServerName) => NetworkHost, root: string): Promise<Servers> {
  const running = new Map<ServerName, XmppServer>()
  const healthy = await healthyOptions(root)
  const start = async (name: ServerName, { stopped, ...difference }: Difference): Promise<void> => {
    const before = running.get(name)
    running.delete(name)
    await before?.stop()
    if (stopped === true) return
    const { namespace, address } = host(name)
    const options = { namespace, address, patience: PATIENCE_S, ...healthy[name], ...difference }
    running.set(name, name === 'gmail' || name === 'gtls' ? await startEjabberd(options) : await startProsody(options))
  }
  const layered = (name: ServerName): Layer<Difference> => layer<Difference>(name === 'second' ? { stopped: true } : {}, difference => start(name, difference))
  const names = Object.keys(healthy) as ServerName[]
  const stop = async (): Promise<void> => { await Promise.all([...running.values()].map(server => server.stop())) }
  const starting = names.filter(name => name !== 'second').map(name => start(name, {}))
  await Promise.allSettled(starting) // what comes up late would be left
  try {
    await Promise.all(starting)
  } catch (error) {
    await stop()
    throw error
  }
  return {
    differences: { ours: layered('ours'), second: layered('second'), edge: layered('edge'), gmail: layered('gmail'), gtls: layered('gtls'), webex: layered('webex'), plain: layered('plain'), six: layered('six'), bad: layered('bad') },
    runs: name => running.get(name)?.running() === true,
    died: () => names.filter(name => running.get(name)?.running() === false),
    running: name => {
      const server = running.get(name)
      if (server === undefined) throw new Error(`the server '${name}' does not run at the moment`)
      return server
    },
    stop,
  }
}

async function healthyOptions (root: string): Promise<Record<ServerName, ProsodyOptions & EjabberdOptions>> {
  const good = (domain: string) => certificateOf('good', domain)
  const users = (domain: string) => ({ users: [USERS[domain] ?? ''] })
  const ours = { hosts: [OURS], tls: 'optional', certificate: await good(OURS), trusts: root, ...users(OURS) } as const
  const bad = await Promise.all(Object.entries(BAD_CERTIFICATES).map(async ([domain, kind]) => [domain, await certificateOf(kind, domain)] as const))
  return {
    ours: { ...ours, dialbackSecret: SECRET },
    second: { ...ours, dialbackSecret: `another ${SECRET}` },
    edge: { hosts: [EDGE], tls: 'optional', certificate: await good(EDGE), trusts: root, ...users(EDGE) },
    gmail: { hosts: ['gmail.test'], tls: 'off', alsoAt: AT.gmail.slice(1), ...users('gmail.test') },
    gtls: { hosts: ['gtls.test'], tls: 'optional', certificate: await good('gtls.test'), trusts: root, ...users('gtls.test') },
    webex: { hosts: ['webex.test'], tls: 'required', certificate: await good('webex.test'), trusts: root, secureAuth: true, ...users('webex.test') },
    plain: { hosts: ['plain.test'], tls: 'off', alsoAt: AT.plain.slice(1), ...users('plain.test') },
    six: { hosts: ['six.test'], tls: 'required', directTls: true, certificate: await good('six.test'), trusts: root, alsoAt: [AT.six6], ...users('six.test') },
    bad: { hosts: Object.keys(BAD_CERTIFICATES), tls: 'optional', certificates: Object.fromEntries(bad) },
  }
}
