/**
 * Every cause as a row: state, where on the way it lies, who can mend it, how it is proved, what it is taken for and what to do.
 * The vocabulary is that of contracts; what proves a cause is decided in the files beside this folder.
 */
import type { Cause } from '@dialtone/contracts'
import { AUTHENTICATION } from './authentication.ts'
import { DNS } from './dns.ts'
import { PATH } from './path.ts'
import type { CauseRow } from './row.ts'
import { SERVICE } from './service.ts'
import { TLS } from './tls.ts'
import { WORKING } from './working.ts'

export const CAUSE_ROWS: Record<Cause, CauseRow> = { ...WORKING, ...DNS, ...PATH, ...SERVICE, ...TLS, ...AUTHENTICATION }
