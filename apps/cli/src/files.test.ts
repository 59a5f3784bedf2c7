// Files of every kind: one that blocks must end by the signal, and one that comes late must be read to its end.
import { execFileSync, spawn } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { bytesOf, read } from './files.ts'

const { signal } = new AbortController()
let folder = ''
beforeAll(() => { folder = mkdtempSync(join(tmpdir(), 'dialtone-files-')) })
afterAll(() => { rmSync(folder, { recursive: true }) })

it('reads no device, which may have no end', () => expect(read('--cert', '/dev/zero', { signal })).rejects.toThrow("--cert '/dev/zero': it is a device; name a file"))

it('reads a file to its end, and not above its bound', async () => {
  const file = join(folder, 'long')
  await writeFile(file, 'x'.repeat(200_000))
  expect(await bytesOf('--ca', file, { signal })).toHaveLength(200_000)
  await expect(read('--ca', file, { signal, most: { bytes: 199_999, instead: 'name another' } })).rejects.toThrow('it has more than 199999 bytes: name another')
})

it('reads a named pipe whose writer comes after us', async () => {
  const pipe = fifo('late')
  const text = read('--secret', pipe, { signal })
  await writeFile(pipe, 'a secret\n')
  expect(await text).toBe('a secret\n')
})

it('says that nobody writes into a named pipe', () => expect(read('--secret', fifo('alone'), { signal, writerMs: 50 })).rejects.toThrow(/--secret '.*alone': it is a pipe, and nobody wrote into it for 0\.05 s: start its writer first, or name a file/))

it('stops waiting for a writer when it is told to', async () => {
  const stopping = new AbortController()
  const text = read('--secret', fifo('stopped'), { signal: stopping.signal })
  stopping.abort(new Error('stopped by SIGTERM'))
  await expect(text).rejects.toThrow('stopped by SIGTERM')
})

it('waits for a command in <(…) that takes its time, and takes an empty one as it is', async () => {
  expect(await bash('"$0" "$1" <(sleep 0.3; echo a.example)')).toBe('a.example\n')
  expect(await bash('"$0" "$1" <(true)')).toBe('')
})

it('reads standard input from a pipe, a file and nothing', async () => {
  expect(await bash('(sleep 0.2; echo a.example) | "$0" "$1" /dev/stdin')).toBe('a.example\n')
  expect(await bash('"$0" "$1" /dev/stdin < <(echo b.example)')).toBe('b.example\n')
  expect(await bash('"$0" "$1" /dev/stdin <<< c.example')).toBe('c.example\n')
  expect(await bash('"$0" "$1" /dev/stdin < /dev/null')).toBe('')
})

function fifo (name: string): string {
  execFileSync('mkfifo', [join(folder, name)])
  return join(folder, name)
}

/** `$0` is Node, `$1` a program that prints the file that it is given. */
async function bash (script: string): Promise<string> {
  const program = join(folder, 'print.ts')
  await writeFile(program, `import { read } from ${JSON.stringify(join(import.meta.dirname, 'files.ts'))}\nprocess.stdout.write(await read('FILE', process.argv[2] ?? '', { signal: new AbortController().signal }))\n`)
  const child = spawn('bash', ['-c', script, process.execPath, program], { stdio: ['ignore', 'pipe', 'inherit'] })
  let text = ''
  child.stdout.setEncoding('utf8').on('data', chunk => { text += chunk })
  await new Promise(resolve => { child.once('close', resolve) })
  return text
}
