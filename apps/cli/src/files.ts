// Files that options and arguments name: read whole, within a bound, and without ever waiting where a signal is not heard.
import { constants } from 'node:fs'
import { open, readlink, stat, type FileHandle } from 'node:fs/promises'
import { addAbortSignal } from 'node:stream'
import { OperatorError, quoted } from '@dialtone/kernel'
import { pause } from './pause.ts'

/** More than the reports of a large fleet. */
const MOST_BYTES = 1_000_000_000
const CHUNK_BYTES = 65_536
/** How long a named pipe may be without anybody who writes into it. */
const WRITER_MS = 5000
const LATER_MS = 20

export type Reading = { signal: AbortSignal, /** How long the file may be, and what to do where it is longer. */ most?: { bytes: number, instead: string }, writerMs?: number }

/** Any file that an option or argument names, as text; bytes that are no UTF-8 are replaced. */
export async function read (option: string, file: string, reading: Reading): Promise<string> {
  return (await bytesOf(option, file, reading)).toString('utf8')
}

/** The same as bytes. `/dev/stdin` is the standard input of this process, whatever stands behind it. Rejects with the reason of `signal` when it aborts. */
export async function bytesOf (option: string, file: string, { signal, most = { bytes: MOST_BYTES, instead: 'name a smaller file' }, writerMs = WRITER_MS }: Reading): Promise<Buffer> {
  try {
    signal.throwIfAborted()
    const chunks: Buffer[] = []
    let bytes = 0
    for await (const chunk of file === '/dev/stdin' ? addAbortSignal(signal, process.stdin) as AsyncIterable<Buffer> : chunksOf(file, signal, writerMs)) {
      bytes += chunk.length
      if (bytes > most.bytes) throw new Unreadable(`it has more than ${most.bytes} bytes: ${most.instead}`)
      chunks.push(chunk)
    }
    return Buffer.concat(chunks)
  } catch (error) {
    signal.throwIfAborted()
    const code = error instanceof Error && 'code' in error ? String(error.code) : 'unknown'
    const why = error instanceof Unreadable ? error.message
      : { ENOENT: 'there is no such file', EACCES: 'it may not be read by this user', EISDIR: 'it is a directory' }[code] ?? `it could not be read (${code})`
    throw new OperatorError('unreadable-file', `${option} ${shown(file)}: ${why}`)
  }
}

/** A file name in a sentence. */
export function shown (file: string): string {
  return `'${quoted(file, 120)}'`
}

class Unreadable extends Error {}

async function * chunksOf (file: string, signal: AbortSignal, writerMs: number): AsyncGenerator<Buffer> {
  const kind = await stat(file)
  if (kind.isCharacterDevice() || kind.isBlockDevice()) throw new Unreadable('it is a device; name a file') // it may have no end
  // Without O_NONBLOCK the opening of a pipe waits for a writer, and nothing ends that.
  const handle = await open(file, constants.O_RDONLY | constants.O_NONBLOCK)
  try {
    const lastCall = performance.now() + writerMs
    for (let came = false; ;) {
      signal.throwIfAborted()
      const chunk = await chunkOf(handle)
      if (chunk !== undefined && chunk.length > 0) {
        came = true
        yield chunk
        continue
      }
      // The end, but of a named pipe into which nobody has written yet.
      if (chunk !== undefined && (came || !kind.isFIFO() || await isUnnamed(handle))) return
      if (chunk !== undefined && performance.now() > lastCall) throw new Unreadable(`it is a pipe, and nobody wrote into it for ${writerMs / 1000} s: start its writer first, or name a file`)
      await pause(LATER_MS, signal)
    }
  } finally {
    await handle.close()
  }
}

/** Empty at the end; undefined where the writer of a pipe has more to say, but not yet. */
async function chunkOf (handle: FileHandle): Promise<Buffer | undefined> {
  try {
    const { bytesRead, buffer } = await handle.read(Buffer.allocUnsafe(CHUNK_BYTES))
    return buffer.subarray(0, bytesRead)
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'EAGAIN') return undefined
    throw error
  }
}

/** A pipe of the shell, `<(command)`: its writer was there before us. */
async function isUnnamed ({ fd }: FileHandle): Promise<boolean> {
  return (await readlink(`/proc/self/fd/${fd}`).catch(() => '')).startsWith('pipe:')
}
