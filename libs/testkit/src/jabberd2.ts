// jabberd 2.7 as a federation peer: its router and its s2s component. s2s answers a stream for any domain at all and asks the router only when
// a stanza comes, so there is no domain to serve and no host-unknown. The session manager, which answers stanzas, is there with `hosts` only.
import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { makeFolder, type Folder } from './folder.ts'
import { launch, type Program } from './launch.ts'
import type { Place } from './loopback.ts'
import { inside, placesFor, type XmppOptions, type XmppServer } from './xmpp-server.ts'

export type Jabberd2Options = Omit<XmppOptions, 'hosts' | 'directTls' | 'trusts' | 'component'> & {
  /** The domains of its session manager. Default no session manager. */
  hosts?: readonly string[]
  /** From which it makes its dialback keys. Default a random one. */
  dialbackSecret?: string
}

/** Starts the programs; ready when s2s accepts connections. It has no direct TLS. */
export async function startJabberd2 (options: Jabberd2Options): Promise<XmppServer> {
  const { hosts = [], patience, dialbackSecret } = options
  // To the router its own programs connect.
  const { address, port, componentPort: routerPort = 0 } = await placesFor({ ...options, hosts, component: { name: '', secret: '' } })
  const folder = makeFolder('jabberd2')
  const log = (name: string): string => join(folder.path, `${name}.log`)
  const users = folder.write('users.xml', '<users><user><name>jabberd</name><secret>secret</secret></user></users>\n')
  const router = folder.write('router.xml', `<router>
  <id>router</id>
  <log type='file'><file>${log('router')}</file></log>
  <local><ip>${address}</ip><port>${routerPort}</port><users>${users}</users></local>
  <io><max_fds>128</max_fds></io>
  <aci><acl type='all'><user>jabberd</user></acl></aci>
</router>\n`)
  const pem = options.certificate === undefined || options.tls === 'off' ? '' : `<pemfile>${folder.write('certificate.pem', options.certificate.chain + options.certificate.key)}</pemfile>`
  const s2s = folder.write('s2s.xml', `<s2s>
  <id>s2s</id>
  <router><ip>${address}</ip><port>${routerPort}</port><user>jabberd</user><pass>secret</pass><retry><init>10</init><lost>1</lost><sleep>1</sleep></retry></router>
  <log type='file'><file>${log('s2s')}</file></log>
  <local><ip>${address}</ip><port>${port}</port>${pem}${dialbackSecret === undefined ? '' : `<secret>${dialbackSecret}</secret>`}</local>
  <io><max_fds>128</max_fds></io>
  <lookup><srv>xmpp-server</srv><no-cache/><bad-host-timeout>1</bad-host-timeout></lookup>
  ${patience === undefined ? '' : `<check><interval>1</interval><queue>${patience}</queue><retry>${patience}</retry></check>`}
  <security>${options.tls === 'required' ? '<require_tls/>' : ''}</security>
</s2s>\n`)
  const program = (name: string, file: string, ...ports: number[]): Program =>
    ({ name, command: `/usr/sbin/jabberd2-${name}`, args: ['-c', file], listens: ports.map(each => ({ address, port: each })), ...inside(options) })
  const programs = [program('router', router, routerPort), program('s2s', s2s, port)]
  if (hosts.length > 0) programs.push(program('sm', folder.write('sm.xml', sessionManager(hosts, { address, port: routerPort }, folder, log('sm')))))
  const server = await launch({ name: 'jabberd2', programs, logFiles: programs.map(({ name }) => log(name)), folder, endBy: 'SIGKILL' })
  try {
    for (const host of hosts) await server.logged(new RegExp(`\\[${host.replaceAll('.', '\\.')}\\] online`)) // the session manager listens nowhere
  } catch (error) {
    await server.stop()
    throw error
  }
  return { ...server, address, port }
}

/** One without users, which answers what is asked of the domains themselves. */
function sessionManager (hosts: readonly string[], { address, port }: Place, folder: Folder, log: string): string {
  mkdirSync(join(folder.path, 'fs'))
  const modules = `/usr/lib/${process.arch === 'arm64' ? 'aarch64' : 'x86_64'}-linux-gnu/jabberd2`
  return `<sm>
  <id>sm</id>
  <router><ip>${address}</ip><port>${port}</port><user>jabberd</user><pass>secret</pass><retry><init>10</init><lost>1</lost><sleep>1</sleep></retry></router>
  <log type='file'><file>${log}</file></log>
  <local>${hosts.map(host => `<id>${host}</id>`).join('')}</local>
  <storage><path>${modules}</path><driver>fs</driver><fs><path>${join(folder.path, 'fs')}</path></fs></storage>
  <modules>
    <path>${modules}</path>
    <chain id='in-router'><module>validate</module></chain>
    <chain id='pkt-sm'><module>iq-ping</module><module>iq-version</module><module>disco</module></chain>
  </modules>
</sm>\n`
}
