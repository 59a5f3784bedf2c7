// jabberd 2.7 as a federation peer: its router and its s2s component. The session manager is left out: s2s answers a stream for any domain
// at all and asks the router only when a stanza comes, so there is no domain to serve and no host-unknown.
import { join } from 'node:path'
import { makeFolder } from './folder.ts'
import { launch } from './launch.ts'
import { freePort } from './loopback.ts'
import { placesFor, type XmppOptions, type XmppServer } from './xmpp-server.ts'

/** Starts both programs; ready when s2s accepts connections. It has no direct TLS. */
export async function startJabberd2 (options: Omit<XmppOptions, 'hosts' | 'directTls'>): Promise<XmppServer> {
  const { address, port } = await placesFor({ ...options, hosts: [] })
  let inside = await freePort(address)
  while (inside === port) inside = await freePort(address)
  const folder = makeFolder('jabberd2')
  const log = (name: string): string => join(folder.path, `${name}.log`)
  const users = folder.write('users.xml', '<users><user><name>jabberd</name><secret>secret</secret></user></users>\n')
  const router = folder.write('router.xml', `<router>
  <id>router</id>
  <log type='file'><file>${log('router')}</file></log>
  <local><ip>${address}</ip><port>${inside}</port><users>${users}</users></local>
  <io><max_fds>128</max_fds></io>
  <aci><acl type='all'><user>jabberd</user></acl></aci>
</router>\n`)
  const pem = options.certificate === undefined || options.tls === 'off' ? '' : `<pemfile>${folder.write('certificate.pem', options.certificate.chain + options.certificate.key)}</pemfile>`
  const s2s = folder.write('s2s.xml', `<s2s>
  <id>s2s</id>
  <router><ip>${address}</ip><port>${inside}</port><user>jabberd</user><pass>secret</pass><retry><init>10</init><lost>1</lost><sleep>1</sleep></retry></router>
  <log type='file'><file>${log('s2s')}</file></log>
  <local><ip>${address}</ip><port>${port}</port>${pem}</local>
  <io><max_fds>128</max_fds></io>
  <lookup><srv>xmpp-server</srv></lookup>
  <security>${options.tls === 'required' ? '<require_tls/>' : ''}</security>
</s2s>\n`)
  const program = (name: string, file: string, at: number) => ({ name, command: `/usr/sbin/jabberd2-${name}`, args: ['-c', file], listens: [{ address, port: at }] })
  const programs = [program('router', router, inside), program('s2s', s2s, port)]
  return { ...await launch({ name: 'jabberd2', programs, logFiles: [log('router'), log('s2s')], folder, endBy: 'SIGKILL' }), address, port }
}
