// `npm run goldens [NAME…]`: rewrites what the scenarios of the zoo are expected to show. Commit the difference alone, and say why it changed.
import { execFileSync } from 'node:child_process'
import { join, resolve } from 'node:path'

const root = resolve(import.meta.dirname, '..')
execFileSync(join(root, 'node_modules/.bin/vitest'), ['run', 'src/goldens.test.ts'], { cwd: join(root, 'apps/cli'), stdio: 'inherit', env: { ...process.env, DIALTONE_UPDATE_GOLDENS: '1' } })
