// `dialtone up` as a process of its own.
import { spawn } from 'node:child_process'
import type { ChildProcess } from 'node:child_process'
import { resolve } from 'node:path'

export const MAIN = resolve(import.meta.dirname, '../main.ts')
export const ROOT = resolve(import.meta.dirname, '../../../..')

/** `ended`: its exit code. `readyAt`: by the clock of `performance`. */
export type UpProcess = { child: ChildProcess, out: () => string, errors: () => string, ended: Promise<number | null>, readyAt: number }

const children = new Set<ChildProcess>()

/** Resolves when the first screen is there, or the process has ended. */
export async function startUp (state: string, ...args: string[]): Promise<UpProcess> {
  const child = spawn(process.execPath, [MAIN, 'up', '--state', state, '--listen', '127.0.0.1:0', ...args], { cwd: ROOT, env: { ...process.env, NO_COLOR: '1' }, stdio: ['ignore', 'pipe', 'pipe'] })
  children.add(child)
  const text = { out: '', errors: '' }
  const ready = Promise.withResolvers<void>()
  child.stdout.setEncoding('utf8').on('data', (more: string) => {
    text.out += more
    if (text.out.includes('Ctrl-C stops')) ready.resolve()
  })
  child.stderr.setEncoding('utf8').on('data', (more: string) => { text.errors += more })
  const ended = new Promise<number | null>(done => {
    child.once('close', code => {
      children.delete(child)
      ready.resolve()
      done(code)
    })
  })
  await ready.promise
  return { child, out: () => text.out, errors: () => text.errors, ended, readyAt: performance.now() }
}

/** As Ctrl-C does; the exit code. */
export function ctrlC ({ child, ended }: UpProcess): Promise<number | null> {
  child.kill('SIGINT')
  return ended
}

/** Whatever a test has left. */
export function killAll (): void {
  for (const child of children) child.kill('SIGKILL')
}
