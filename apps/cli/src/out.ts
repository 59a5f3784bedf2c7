import { writeSync } from 'node:fs'
import { OperatorError } from '@dialtone/kernel'
import { terminalOf, type Terminal } from './terminal.ts'

/** Where results and progress go. Results on standard output, everything else on standard error. */
export type Out = {
  terminal: Terminal
  errors: Terminal
  /** Prints and returns 0, the exit code of a command that only informs. */
  print: (text: string) => 0
  progress: (text: string) => void
}

/** Standard output and standard error of this process. A reader that went away (`| head`) is no error. */
export function standardOut (environment: Readonly<Record<string, string | undefined>>): Out {
  return {
    terminal: terminalOf(process.stdout, environment),
    errors: terminalOf(process.stderr, environment),
    print: text => {
      writeAll(1, text)
      return 0
    },
    progress: text => writeAll(2, text),
  }
}

/** Writes to the end before it returns, so that an exit cannot cut a report. */
function writeAll (fd: number, text: string): void {
  for (let rest = Buffer.from(text); rest.length > 0;) {
    try {
      rest = rest.subarray(writeSync(fd, rest))
    } catch (error) {
      const code = error instanceof Error && 'code' in error ? error.code : undefined
      if (code === 'EPIPE') return
      if (code !== 'EAGAIN') throw new OperatorError('cannot-write', `the ${fd === 1 ? 'output' : 'progress'} cannot be written (${String(code)}): is the disk full?`)
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 5) // the reader of a non-blocking pipe is slow
    }
  }
}
