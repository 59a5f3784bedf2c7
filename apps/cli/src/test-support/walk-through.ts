// The README as a test reads it: its commands as they stand there, and a shell that runs them.
import { spawn } from 'node:child_process'
import { resolve } from 'node:path'

export const ROOT = resolve(import.meta.dirname, '../../../..')

/** The indented blocks between two headings. */
export function blocksOf (readme: string, from: string, to: string): string[] {
  const section = readme.slice(readme.indexOf(from), readme.indexOf(to))
  return [...section.matchAll(/(?:^ {4}.*\n(?:\n(?= {4}))*)+/gm)].map(([block]) => block.replaceAll(/^ {4}/gm, ''))
}

/** In a process group of its own, which ends with it whatever happens. Rejects when it takes longer than `timeoutMs`. */
export async function bash (script: string, timeoutMs: number): Promise<{ code: number | null, out: string }> {
  const child = spawn('bash', ['-c', script], { cwd: ROOT, detached: true, stdio: ['ignore', 'pipe', 'inherit'], env: { ...process.env, LC_ALL: 'C.UTF-8', PATH: `${resolve(process.execPath, '..')}:${process.env['PATH'] ?? ''}` } })
  let out = ''
  child.stdout.setEncoding('utf8').on('data', text => { out += text })
  try {
    const code = await new Promise<number | null>((done, reject) => {
      child.once('close', done)
      setTimeout(() => reject(new Error(`the walk-through did not end:\n${out}`)), timeoutMs).unref()
    })
    return { code, out }
  } finally {
    try {
      if (child.pid !== undefined) process.kill(-child.pid, 'SIGKILL')
    } catch {
      // It ended by itself, with everything that it started.
    }
  }
}
