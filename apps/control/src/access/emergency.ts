/**
 * A way back in where nobody has a token any more: a new admin token, made over the bus by whoever has the seed of control, while controls run or while none does. No other token
 * is touched, nor any stream or bucket; controls that run know it at once.
 */
import { Name } from '@dialtone/contracts/schemas'
import type { Bus } from '@dialtone/contracts'
import { OperatorError, type Clock, type Logger, type Random } from '@dialtone/kernel'
import { Check } from 'typebox/value'
import { createAudit } from '../audit/audit.ts'
import { Refusal } from '../resources/problem.ts'
import { createAccess } from './access.ts'
import { ACCESS_DOCUMENT, ACCESS_KEY } from './token.ts'

/** Who it is in the audit: nobody who has a token, since a name there is of lower-case letters. */
const BY = 'who has the seed of control'
/** A server answers who may not ask by silence. */
const REFUSED_MS = 10_000

/**
 * Resolves to the token, and to the name that it has: `admin` where it is the first of the fleet. Rejects with an OperatorError: `usage` where that is no name, `bus-unreachable`
 * (also where no control has ever made what keeps tokens), `bus-refused`, `token-exists` or `too-many-tokens`; then nothing was made.
 */
export async function newAdminToken ({ bus, name, clock, random, logger }: { bus: Bus, name: string, clock: Clock, random: Random, logger: Logger }): Promise<{ token: string, name: string }> {
  if (!Check(Name, name)) throw new OperatorError('usage', `--new-admin-token takes a name of lower-case letters, digits and hyphens, and this is none.`)
  if (!bus.connected) throw new OperatorError('bus-unreachable', 'The bus is not reached, and the tokens are on it: start it first, or see whether --bus, --bus-seed and --bus-ca are right.')
  const audit = createAudit({ bus, clock, logger })
  // Silence would be waited for; where nothing keeps tokens it is said at once.
  await orRefused(bus.documents(ACCESS_DOCUMENT, { create: false }).then(documents => documents.get(ACCESS_KEY)))
  const access = await orRefused(createAccess({ bus, clock, random, logger, audit, create: false }))
  try {
    const made = access.firstToken === undefined ? await access.create({ name, role: 'admin' }, 'bus seed') : { token: access.firstToken, view: access.tokens()[0] }
    const called = made.view?.name ?? name
    await audit.record({ actor: BY, role: 'system', action: 'token.create', subject: `Token/${called}`, outcome: 'done', after: made.view })
    return { token: made.token, name: called }
  } catch (error) {
    if (error instanceof Refusal) throw new OperatorError(error.code, error.message)
    throw error
  } finally {
    await access.stop()
    await audit.stop()
  }
}

async function orRefused<T> (asked: Promise<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(() => reject(refused()), REFUSED_MS)
  })
  asked.catch(() => undefined)
  try {
    return await Promise.race([asked, late])
  } catch (error) {
    throw error instanceof OperatorError && error.code === 'not-allowed' ? refused() : error
  } finally {
    clearTimeout(timer)
  }
}

function refused (): OperatorError {
  return new OperatorError('bus-refused', 'The bus does not let this process read the tokens: give --bus-seed the seed of control, and see whether the bus is well.')
}
