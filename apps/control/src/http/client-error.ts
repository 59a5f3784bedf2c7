/** What could not even be read as a request: answered with a problem on the bare socket, then closed. */
import type { Socket } from 'node:net'
import type { Meter } from '@dialtone/kernel'
import { problemDocument } from '../resources/problem.ts'
import { httpRefused } from './metrics.ts'
import { refusal, type ProblemCode } from './problem.ts'

const CODES: Readonly<Record<string, readonly [ProblemCode, string]>> = {
  HPE_HEADER_OVERFLOW: ['headers-too-large', 'Send headers of at most 16 KiB in all.'],
  ERR_HTTP_REQUEST_TIMEOUT: ['request-timeout', 'Send the whole request faster.'],
}

/** For Fastify's `clientErrorHandler`. */
export function answerClientErrors (meter: Meter) {
  return (error: Error & { code?: string }, socket: Socket): void => {
    if (error.code === 'ECONNRESET' || socket.destroyed) return
    meter.add(httpRefused, { why: 'unreadable' })
    const document = problemDocument(refusal(...CODES[error.code ?? ''] ?? ['bad-request', 'Speak HTTP/1.1 as RFC 9112 has it.']))
    const body = JSON.stringify(document)
    if (socket.writable) socket.end(`HTTP/1.1 ${document.status} ${document.title}\r\nContent-Type: application/problem+json; charset=utf-8\r\nContent-Length: ${Buffer.byteLength(body)}\r\nConnection: close\r\n\r\n${body}`)
    else socket.destroy()
  }
}
