// XEP-0114 with programs that others wrote: Debian's Prosody and ejabberd take us as the component of a foreign domain, and a component of slixmpp comes to us.
import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { afterEach, expect, it } from 'vitest'
import { startEjabberd, startProsody, type RunningServer } from '@dialtone/testkit'
import { SECRET, startSite, until, type Site } from '../test-support/component-site.ts'

let site: Site
let server: RunningServer | undefined
let client: ChildProcess | undefined
afterEach(async () => {
  await site?.attachments.stop()
  await server?.stop()
  if (client !== undefined && client.exitCode === null && client.kill('SIGKILL')) await once(client, 'exit')
  client = server = undefined
})

for (const [name, start] of [['Prosody', startProsody], ['ejabberd', startEjabberd]] as const) {
  it(`${name} takes us as a foreign domain: what we carry in is answered, by the way that it came`, async () => {
    const started = await start({ hosts: ['ours.example'], tls: 'off', component: { name: 'partner.example', secret: SECRET } })
    server = started
    site = await startSite({ components: { connect: [{ domain: 'partner.example', to: { host: started.address, port: started.componentPort ?? 0 }, secret: 'env:secret' }] } })
    await until(() => site.outs.length === 1)
    const [out] = site.outs
    const stanzas = [1, 2, 3].map(id => `<iq from='romeo@partner.example/x' to='ours.example' id='${id}' type='get'><ping xmlns='urn:xmpp:ping'/></iq>`)
    for (const text of stanzas) {
      const data = Buffer.from(text)
      out?.write(data, 0, data.length, true)
    }
    // Read as what it is there: an element of jabber:server inside another, which no component may know by that name, harms nothing.
    const data = Buffer.from("<message from='romeo@partner.example/x' to='nobody@ours.example' id='4' type='normal'><x xmlns='urn:x'><y xmlns='jabber:server'/></x><body>&lt;é&gt;</body></message>")
    out?.write(data, 0, data.length, true)
    out?.flush()
    await until(() => site.taken.filter(({ text }) => text.startsWith('<iq ')).length === 3)
    const answers = site.taken.filter(({ text }) => text.startsWith('<iq '))
    expect(answers.map(({ from, to }) => `${from} ${to}`)).toEqual(Array.from({ length: 3 }, () => 'ours.example partner.example'))
    for (const [index, { text }] of answers.entries()) {
      expect(text).toMatch(new RegExp(`id=['"]${index + 1}['"]`))
      expect(text).toMatch(/type=['"]result['"]/)
    }
    expect(site.attachments.select({ peer: 'partner.example' })).toMatchObject([{ zone: 'inside', direction: 'outbound', pairs: [{ from: 'ours.example', to: 'partner.example', by: 'component' }] }])
    await site.attachments.stop()
    expect(await out?.ended).toMatchObject({ clean: true })
  })

  it(`${name} refuses another secret, and we say so`, async () => {
    const started = await start({ hosts: ['ours.example'], tls: 'off', component: { name: 'partner.example', secret: 'not the same secret' } })
    server = started
    site = await startSite({ components: { connect: [{ domain: 'partner.example', to: { host: started.address, port: started.componentPort ?? 0 }, secret: 'env:secret' }] } })
    await until(() => site.counted['attempts connect not-authorized'] === 1)
    await until(() => site.attachments.findings().length === 1)
    expect(site.attachments.findings()).toMatchObject([{ what: 'component', says: expect.stringContaining('not-authorized') as string }])
  })
}

const PROGRAM = `
import sys, slixmpp
class Echo(slixmpp.ComponentXMPP):
    def __init__(self, host, port, secret):
        super().__init__('ours.example', secret, host, port)
        self.add_event_handler('session_start', lambda _: self.send_message(mto='romeo@partner.example', mbody='"hello" & <é>', mfrom='juliet@ours.example'))
        self.add_event_handler('message', self.heard)
        self.add_event_handler('disconnected', lambda _: self.disconnected_future())
    def heard(self, message):
        print('heard', message['from'], message['body'], flush=True)
        reply = message.reply('echo ' + message['body'])
        reply.send()
    def disconnected_future(self):
        print('disconnected', flush=True)
        sys.exit(0)
echo = Echo(sys.argv[1], int(sys.argv[2]), sys.argv[3])
echo.connect()
echo.loop.run_forever()
`

it('a component of slixmpp comes to us, says something, hears an answer and echoes it', async () => {
  site = await startSite({ components: { accept: { listen: [{ address: '127.55.2.1', port: 0 }], domains: { 'ours.example': 'env:secret' } } } })
  const { address, port } = site.place()
  let said = ''
  client = spawn('/usr/bin/python3', ['-c', PROGRAM, address, String(port), SECRET], { stdio: ['ignore', 'pipe', 'ignore'], env: { PATH: '/usr/bin:/bin', LC_ALL: 'C.UTF-8' } })
  client.stdout?.setEncoding('utf8').on('data', (text: string) => { said += text })
  await until(() => site.taken.length === 1)
  expect(site.taken[0]).toMatchObject({ from: 'ours.example', to: 'partner.example' })
  expect(site.taken[0]?.text).toContain('&amp; &lt;é&gt;')
  const answer = Buffer.from("<message from='romeo@partner.example/x' to='juliet@ours.example' type='chat'><body>hi &amp; &lt;there&gt;</body></message>")
  const [out] = site.outs
  out?.write(answer, 0, answer.length, true)
  out?.flush()
  await until(() => site.taken.length === 2)
  expect(said).toContain('heard romeo@partner.example/x hi & <there>')
  expect(site.taken[1]?.text).toContain('echo hi &amp; &lt;there&gt;')
  await site.attachments.stop()
  await until(() => said.includes('disconnected'))
})

it('slixmpp with another secret gets nowhere', async () => {
  site = await startSite({ components: { accept: { listen: [{ address: '127.55.2.2', port: 0 }], domains: { 'ours.example': 'env:secret' } } } })
  const { address, port } = site.place()
  client = spawn('/usr/bin/python3', ['-c', PROGRAM, address, String(port), 'another secret'], { stdio: 'ignore', env: { PATH: '/usr/bin:/bin', LC_ALL: 'C.UTF-8' } })
  await until(() => (site.counted['attempts accept not-authorized'] ?? 0) > 0)
  expect(site.outs).toEqual([])
})
