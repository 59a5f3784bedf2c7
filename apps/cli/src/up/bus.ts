// The bus of this process: embedded in a file, or a NATS server somewhere.
import type { Bus } from '@dialtone/contracts'
import { OperatorError, quoted, type Logger, type Meter } from '@dialtone/kernel'
import { createEmbeddedBus } from '@dialtone/bus'

type Given = { meter: Meter, logger: Logger, signal: AbortSignal }

/** `url`: `nats://…` or `tls://…`; absent: the file. */
export async function openBus (url: string | undefined, file: string, { meter, logger }: Given): Promise<Bus> {
  if (url === undefined) return createEmbeddedBus({ file, meter, logger })
  throw new OperatorError('usage', quoted(url))
}
