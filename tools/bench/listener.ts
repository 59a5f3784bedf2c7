// listener: how many questions about keys ours answers in a second, and what it holds with two thousand streams open, all over TLS, beside a Prosody
// that answers the same questions from the same secret. The right answer is awaited to each.
import { fork } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { connect as connectTcp } from 'node:net'
import { join } from 'node:path'
import { connect as connectTls, type TLSSocket } from 'node:tls'
import { DIGEST } from '@dialtone/net'
import { dialbackQuestionText, headerText, keysOf } from '@dialtone/stream'
import { certificateOf, loopbackAddress, startProsody, type KeyPair } from '@dialtone/testkit'
import { finish, machine, rounded } from '../bench-report.ts'

const STREAMS = Number(process.env['LISTENER_STREAMS'] ?? 2000)
const ASKING = 50
/** Questions on their way on each of those. */
const WINDOW = 10
const QUESTIONS = Number(process.env['LISTENER_QUESTIONS'] ?? 100_000)
const DOMAIN = 'probe.example'
const PEER = 'partner.example'
const SECRET = 'the secret of a benchmark, of more than 128 bits'
const STARTTLS = "<starttls xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>"
const TICKS = 100

type Target = { address: string, port: number, pid: number }
type Measured = { perSecond: number, perCpuSecond: number, idleMB: number, kibPerStream: number, megabytes: number }

const keys = keysOf(SECRET, DIGEST)
const child = fork(join(import.meta.dirname, 'listener/served.ts'), [DOMAIN, SECRET, loopbackAddress()])
const [{ port }] = await once(child, 'message') as [{ port: number }]
const address = child.spawnargs.at(-1) ?? ''
const certificate: KeyPair = await certificateOf('good', DOMAIN)
const prosody = await startProsody({ hosts: [DOMAIN], tls: 'optional', certificate, quiet: true, hostLines: [`dialback_secret = ${JSON.stringify(SECRET)}`] })
try {
  const ours = await measure({ address, port, pid: child.pid ?? 0 })
  const theirs = await measure({ address: prosody.address, port: prosody.port, pid: prosody.pids[0] ?? 0 })
  const shown = ({ perSecond, perCpuSecond, idleMB, kibPerStream, megabytes }: Measured) => ({
    answersPerSecond: rounded(perSecond, 0), answersPerCpuSecond: rounded(perCpuSecond, 0), idleMB: rounded(idleMB, 0), residentMBWithStreams: rounded(megabytes, 0), kibPerStream: rounded(kibPerStream, 1),
  })
  finish({
    bench: 'listener',
    machine: machine({ bench: process.pid, listener: child.pid ?? 0, prosody: prosody.pids[0] ?? 0 }),
    ours: { streams: STREAMS, ...shown(ours) },
    peers: { prosody: { version: '0.12', ...shown(theirs) } },
    ratios: { answers: rounded(ours.perCpuSecond / theirs.perCpuSecond), memoryPerStream: rounded(theirs.kibPerStream / ours.kibPerStream) },
  }, [['ours', ours] as const, ['Prosody', theirs] as const].map(([name, { perSecond, perCpuSecond, idleMB, kibPerStream, megabytes }]) =>
    `  ${name}: ${rounded(perSecond, 0)} answers/s, ${rounded(perCpuSecond, 0)} per CPU second; ${rounded(idleMB, 0)} MB, with ${STREAMS} streams ${rounded(megabytes, 0)} MB, ${rounded(kibPerStream, 1)} KiB each`))
} finally {
  child.disconnect()
  await prosody.stop()
}

async function measure (target: Target): Promise<Measured> {
  const asking = await Promise.all(Array.from({ length: ASKING }, () => open(target)))
  await ask(asking, QUESTIONS / 10)
  const [ticks, began] = [cpuTicks(target.pid), performance.now()]
  await ask(asking, QUESTIONS)
  const [used, seconds] = [(cpuTicks(target.pid) - ticks) / TICKS, (performance.now() - began) / 1000]
  const idleMB = resident(target.pid)
  const held = [...asking]
  while (held.length < STREAMS) held.push(...await Promise.all(Array.from({ length: Math.min(ASKING, STREAMS - held.length) }, () => open(target))))
  // Each has asked: it is a stream that is used, not one that is dropped soon.
  await ask(held, STREAMS)
  const megabytes = resident(target.pid)
  for (const stream of held) stream.destroy()
  return { perSecond: QUESTIONS / seconds, perCpuSecond: QUESTIONS / used, idleMB, megabytes, kibPerStream: (megabytes - idleMB) * 1024 / (STREAMS - ASKING) }
}

/** A stream over STARTTLS, up to the features inside it. */
async function open ({ address, port }: Target): Promise<TLSSocket> {
  const header = headerText({ from: PEER, to: DOMAIN })
  const plain = connectTcp({ host: address, port, noDelay: true })
  await once(plain, 'connect')
  plain.write(header)
  await heard(plain, '</stream:features>')
  plain.write(STARTTLS)
  await heard(plain, '<proceed')
  const secure = connectTls({ socket: plain, rejectUnauthorized: false, servername: DOMAIN })
  await once(secure, 'secureConnect')
  secure.write(header)
  await heard(secure, '</stream:features>')
  return secure
}

async function heard (socket: NodeJS.ReadableStream, text: string): Promise<void> {
  let all = ''
  while (!all.includes(text)) {
    const [bytes] = await once(socket, 'data') as [Buffer]
    all += bytes.toString('latin1')
  }
  socket.removeAllListeners('data')
}

/** So many questions over these streams, each stream with a few on their way; all answers must be right. */
async function ask (streams: readonly TLSSocket[], count: number): Promise<void> {
  const each = Math.ceil(count / streams.length)
  await Promise.all(streams.map((stream, at) => new Promise<void>((resolve, reject) => {
    let [sent, answered, rest] = [0, 0, '']
    const more = () => {
      let text = ''
      for (; sent < each && sent - answered < WINDOW; sent++) {
        const id = `s${at}q${sent}`
        text += dialbackQuestionText(PEER, DOMAIN, id, keys.keyFor({ receiving: PEER, originating: DOMAIN, streamId: id }))
      }
      if (text !== '') stream.write(text)
    }
    stream.on('data', (bytes: Buffer) => {
      const parts = (rest + bytes.toString('latin1')).split(/(?<=\/>|<\/db:verify>)/)
      rest = parts.at(-1)?.endsWith('>') === true ? '' : parts.pop() ?? ''
      answered += parts.filter(part => /type=['"]valid['"]/.test(part)).length
      if (parts.some(part => /type=['"](?:invalid|error)['"]|<stream:error/.test(part))) reject(new Error(`a right key was answered with ${parts.join('').slice(0, 300)}`))
      if (answered === each) {
        stream.removeAllListeners('data')
        resolve()
      } else more()
    })
    stream.on('close', () => reject(new Error('a stream was closed')))
    more()
  })))
}

function resident (pid: number): number {
  return Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1] ?? 0) / 1024
}

/** User and system time of a process, in ticks. */
function cpuTicks (pid: number): number {
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').replace(/^.*\) /, '').split(' ')
  return Number(fields[11]) + Number(fields[12])
}
