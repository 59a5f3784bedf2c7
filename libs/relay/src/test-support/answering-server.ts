/** A server in clear that vouches for everything and takes everything: the authoritative server of peers, and the server inside. Keeps what it was sent, stream by stream. */
import { createServer, type AddressInfo, type Socket } from 'node:net'
import { AFTER_AUTHENTICATION, DIALBACK, FOOTER, createFramer, dialbackAnswerText, featuresText, headerText, readHeader } from '@dialtone/stream'

/** What one stream brought: all bytes, and its stanzas as they came. `broken`: what the framer said of it. */
export type Brought = { bytes: Buffer[], stanzas: { from: string, to: string, text: string }[], broken?: string }
export type AnsweringServer = { address: string, port: number, streams: Brought[], close: () => Promise<void> }

/** `taken` is told of each stanza, as it comes. */
export async function startAnsweringServer (taken: (from: string, to: string, text: string) => void = () => undefined): Promise<AnsweringServer> {
  const streams: Brought[] = []
  const sockets = new Set<Socket>()
  const listener = createServer({ noDelay: true }, socket => {
    sockets.add(socket)
    const brought: Brought = { bytes: [], stanzas: [] }
    streams.push(brought)
    let [us, them] = ['', '']
    const framer = createFramer({ limits: { ...AFTER_AUTHENTICATION, elementBytes: Number.POSITIVE_INFINITY, attributes: 1000, declarations: Number.POSITIVE_INFINITY, attributeBytes: Number.POSITIVE_INFINITY } }, {
      header: frame => {
        const found = readHeader(frame)
        if ('header' in found) [them, us] = [found.header.from ?? '', found.header.to ?? '']
        socket.write(headerText({ from: us, to: them, id: `id${streams.length}` }) + featuresText({ starttls: 'absent', external: false, dialback: true, bidi: false }))
      },
      element: frame => {
        const { from = '', to = '', id, namespace, name } = frame
        if (namespace !== DIALBACK) {
          const text = Buffer.from(frame.bytes).toString()
          brought.stanzas.push({ from, to, text })
          taken(from, to, text)
        } else socket.write(dialbackAnswerText(name === 'verify' ? 'verify' : 'result', to, from, { type: 'valid' }, id))
      },
      end: () => { socket.end(FOOTER) },
      error: ({ detail }) => {
        brought.broken = detail
        socket.destroy()
      },
    })
    socket.on('error', () => undefined).on('close', () => sockets.delete(socket)).on('data', (bytes: Buffer) => {
      brought.bytes.push(bytes)
      framer.write(bytes)
    })
  })
  await new Promise<void>(resolve => { listener.listen({ host: '127.0.0.1', port: 0 }, () => resolve()) })
  return {
    address: '127.0.0.1', port: (listener.address() as AddressInfo).port, streams,
    close: async () => {
      for (const socket of sockets) socket.destroy()
      await new Promise<void>(resolve => { listener.close(() => resolve()) })
    },
  }
}
