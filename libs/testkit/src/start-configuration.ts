// From a row of CONFIGURATIONS to something that can be checked: the server, its certificate, and a DNS that leads to it.
import { certificateOf, testRoot, type KeyPair } from './certificates.ts'
import { CHECKED_DOMAIN, type Configuration, type ServerName } from './configurations.ts'
import { startDns, type TestDns } from './dns.ts'
import { startEjabberd } from './ejabberd.ts'
import { startJabberd2 } from './jabberd2.ts'
import { startProsody } from './prosody.ts'
import type { XmppOptions, XmppServer } from './xmpp-server.ts'

export type StartedConfiguration = {
  domain: string
  server: XmppServer
  dns: TestDns
  /** What it shows, if it has one. */
  certificate?: KeyPair
  /** PEM; the root to trust. */
  root: string
  stop: () => Promise<void>
}

const START: Record<ServerName, (options: XmppOptions) => Promise<XmppServer>> = { prosody: startProsody, ejabberd: startEjabberd, jabberd2: startJabberd2 }

/** Starts the server and the DNS. Nothing is left if one of them does not start. */
export async function startConfiguration (configuration: Configuration): Promise<StartedConfiguration> {
  const domain = CHECKED_DOMAIN
  const certificate = configuration.certificate === undefined ? undefined : await certificateOf(configuration.certificate, domain)
  const server = await START[configuration.server]({
    hosts: [configuration.servesAnother === true ? 'elsewhere.example' : domain],
    tls: configuration.tls,
    ...(certificate === undefined ? {} : { certificate }),
    ...(configuration.directTls === true ? { directTls: true } : {}),
  })
  try {
    const dns = await startDns({ zones: [{ name: domain, records: recordsOf(server) }] })
    const stop = async (): Promise<void> => {
      await Promise.all([server.stop(), dns.stop()])
    }
    return { domain, server, dns, ...(certificate === undefined ? {} : { certificate }), root: await testRoot(), stop }
  } catch (error) {
    await server.stop()
    throw error
  }
}

function recordsOf ({ address, port, directTlsPort }: XmppServer): string[] {
  return [
    `_xmpp-server._tcp SRV 0 5 ${port} xmpp`,
    ...(directTlsPort === undefined ? [] : [`_xmpps-server._tcp SRV 0 5 ${directTlsPort} xmpp`]),
    `xmpp A ${address}`,
  ]
}
