/** What an agent may run on its host for a ManagedServer: a file on that host, never on the bus. */
import { Type, type Static } from 'typebox'
import { Name, closed } from './resources/common.ts'

export const HOOKS = ['status', 'start', 'stop', 'reload'] as const
export type HookName = (typeof HOOKS)[number]

/** How long a hook may take: less than control waits for its answer, so that what became of it is always known. */
const MOST_HOOK_SECONDS = 80

/** One command. Run as it stands, without a shell; nothing is added to it. */
export const HookCommand = Type.Object({
  argv: Type.Array(Type.String({ maxLength: 4096, pattern: '^[^\\u0000]*$' }), { minItems: 1, maxItems: 64, description: 'The absolute path of a program, and its arguments' }),
  timeoutSeconds: Type.Optional(Type.Integer({ minimum: 1, maximum: MOST_HOOK_SECONDS, description: 'Then it is ended; default 60. Whoever asked waits for 90 s, and is to hear how it ended' })),
  user: Type.Optional(Type.String({ minLength: 1, maxLength: 32, pattern: '^[a-z_][a-z0-9_.-]*$', description: 'Who runs it, where the agent is root; default the user of the agent' })),
}, closed)
export type HookCommand = Static<typeof HookCommand>

/** By the name of the ManagedServer. */
export const HooksFile = Type.Object({
  servers: Type.Record(Name, Type.Object({ status: Type.Optional(HookCommand), start: Type.Optional(HookCommand), stop: Type.Optional(HookCommand), reload: Type.Optional(HookCommand) }, closed)),
}, closed)
export type HooksFile = Static<typeof HooksFile>
