// A process that is told to end while its NATS server goes away: whether it does.
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { setTimeout as pause } from 'node:timers/promises'
import { startNatsServer } from './nats-server.ts'

const PATIENCE_MS = 10_000

/**
 * Starts the program, waits for `URL` in its output, sends SIGTERM and takes the server away, each round at another step of its end. `args` are given the
 * server's address. How each round ended: the exit code, or the signal where it took longer than ten seconds.
 */
export async function stopRounds (rounds: number, args: (url: string) => readonly string[]): Promise<string[]> {
  const nats = await startNatsServer()
  const ends: string[] = []
  try {
    for (let round = 0; round < rounds; round++) {
      const child = spawn(process.execPath, args(nats.url), { stdio: ['ignore', 'pipe', 'inherit'] })
      const exited = once(child, 'exit')
      let text = ''
      child.stdout.on('data', bytes => { text += String(bytes) })
      while (!text.includes('URL')) await Promise.race([once(child.stdout, 'data'), exited.then(() => { throw new Error(`it ended at its start: ${text}`) })])
      child.kill('SIGTERM')
      await pause(5 * round)
      await (round % 2 === 0 ? nats.end() : nats.kill())
      const late = setTimeout(() => child.kill('SIGKILL'), PATIENCE_MS)
      const [code, signal] = await exited as [number | null, string | null]
      clearTimeout(late)
      ends.push(String(code ?? signal))
      await nats.start()
    }
  } finally {
    await nats.stop()
  }
  return ends
}
