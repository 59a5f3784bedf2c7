// The bus of this process: embedded in a file, or NATS servers somewhere.
import type { Bus } from '@dialtone/contracts'
import { OperatorError, quoted, type Logger, type Meter } from '@dialtone/kernel'
import { connectNats, createEmbeddedBus } from '@dialtone/bus'

type Given = { meter: Meter, logger: Logger, signal: AbortSignal }

/** Of a machine that is not there for this alone; a fleet has a bus of its own. `up --help` says so. */
const LIMITS = { streams: { observations: { maxAgeSeconds: 86_400, maxBytes: 256 * 1024 * 1024 } } } as const

/** How long a NATS server may take to be there. */
const FIRST_MS = 10_000

/** `urls`: `nats://HOST:PORT` or `tls://HOST:PORT`, several with commas; absent: the file. Rejects with an OperatorError `server-unreachable` where no NATS server answers. */
export async function openBus (urls: string | undefined, file: string, { meter, logger, signal }: Given): Promise<Bus> {
  if (urls === undefined) return createEmbeddedBus({ file, meter, logger, limits: LIMITS })
  const servers = urls.split(',')
  for (const server of servers) {
    if (!/^(?:nats|tls):\/\/[^\s/@]+$/.test(server)) throw new OperatorError('usage', `--bus '${quoted(server, 120)}' is no URL of a NATS server: write nats://HOST:PORT or tls://HOST:PORT; a user and its key belong to 'dialtone control' and 'dialtone probe'`)
  }
  const bus = await connectNats({ servers, name: 'up', meter, logger, firstMs: FIRST_MS, ...(servers.some(server => server.startsWith('tls:')) ? { tls: {} } : {}) })
  if (bus.connected && !signal.aborted) return bus
  await bus.stop()
  signal.throwIfAborted()
  throw new OperatorError('server-unreachable', `no NATS server answers at ${servers.join(', ')}: start one with JetStream (nats-server -js), or leave --bus out for the embedded bus`)
}
