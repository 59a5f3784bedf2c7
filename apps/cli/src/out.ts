import { constants, openSync, writeSync } from 'node:fs'
import { OperatorError } from '@dialtone/kernel'
import { terminalOf, type Terminal } from './terminal.ts'

/** Where results and progress go. Results on standard output, everything else on standard error. */
export type Out = {
  terminal: Terminal
  errors: Terminal
  /** Prints and returns 0, the exit code of a command that only informs. */
  print: (text: string) => 0
  /** The same for a command that goes on for as long as it is read: throws an OperatorError `reader-gone` when nobody reads any more. */
  tell: (text: string) => void
  /** Writes what there is room for, without waiting for more; returns the number of bytes. Throws as `tell` does. */
  offer: (bytes: Buffer) => number
  progress: (text: string) => void
}

/** Standard output and standard error of this process. To a command that ends anyway, a reader that went away (`| head`) is no error. */
export function standardOut (environment: Readonly<Record<string, string | undefined>>): Out {
  let unblocked: number | undefined
  return {
    terminal: terminalOf(process.stdout, environment),
    errors: terminalOf(process.stderr, environment),
    print: text => {
      writeAll(1, text)
      return 0
    },
    tell: text => { if (!writeAll(1, text)) throw readerGone() },
    offer: bytes => {
      const written = writeSome(unblocked ??= withoutBlocking(), bytes)
      if (written === 'gone') throw readerGone()
      return written
    },
    progress: text => { writeAll(2, text) },
  }
}

/** Writes to the end before it returns, so that an exit cannot cut a report. Whether there was a reader. */
function writeAll (fd: number, text: string): boolean {
  for (let rest = Buffer.from(text); rest.length > 0;) {
    const written = writeSome(fd, rest)
    if (written === 'gone') return false
    if (written === 0) Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 5) // the reader of a non-blocking pipe is slow
    rest = rest.subarray(written)
  }
  return true
}

function writeSome (fd: number, bytes: Buffer): number | 'gone' {
  try {
    return writeSync(fd, bytes)
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? error.code : undefined
    if (code === 'EPIPE') return 'gone'
    if (code === 'EAGAIN') return 0
    throw new OperatorError('cannot-write', `the ${fd === 2 ? 'progress' : 'output'} cannot be written (${String(code)}): is the disk full?`)
  }
}

/** Node has made pipes and sockets non-blocking; files never block. A terminal does (Ctrl-S), and others use it, too: it is opened once more for us alone. */
function withoutBlocking (): number {
  if (!process.stdout.isTTY) return 1
  try {
    return openSync('/proc/self/fd/1', constants.O_WRONLY | constants.O_NONBLOCK | constants.O_NOCTTY)
  } catch {
    return 1
  }
}

function readerGone (): OperatorError {
  return new OperatorError('reader-gone', 'nobody reads the output any more')
}
