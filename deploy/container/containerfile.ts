/** The container file as a builder reads it, as far as ours goes: its instructions, and which files of the checkout it is given. */

export type Instruction = { name: string, args: string }
/** One stage: what it begins from, and what follows. */
export type Stage = { from: string, instructions: Instruction[] }

/** Throws where a line is no instruction. */
export function stagesOf (text: string): Stage[] {
  const stages: Stage[] = []
  for (const line of text.replaceAll(/\\\n\s*/g, '').split('\n')) {
    if (line.trim() === '' || line.startsWith('#')) continue
    const [, name = '', args = ''] = /^([A-Z]+) (.+)$/.exec(line) ?? []
    if (name === '') throw new Error(`this is no instruction: ${line}`)
    if (name === 'FROM') stages.push({ from: args, instructions: [] })
    else if (name !== 'ARG' || stages.length > 0) stages.at(-1)?.instructions.push({ name, args })
  }
  return stages
}

/** All arguments of the instructions of that name. */
export function all (stage: Stage | undefined, name: string): string[] {
  return stage?.instructions.filter(each => each.name === name).map(({ args }) => args) ?? []
}

/** A JSON array: no shell is between. Throws where it is none. */
export function exec (args: string): string[] {
  return JSON.parse(args.slice(args.indexOf('['))) as string[]
}

/** Whether a file, by its path from the root of the checkout, is handed to the builder: of the patterns that fit it or a folder above it, the last one decides. */
export function isGiven (ignore: string): (path: string) => boolean {
  const rules = ignore.split('\n').filter(line => line.trim() !== '' && !line.startsWith('#')).map(line => {
    const pattern = line.replace(/^!/, '')
    const regex = pattern.split('/').map(part => part === '**' ? '(?:[^/]+/)*' : `${part.replaceAll('.', '\\.').replaceAll('*', '[^/]*')}/`).join('')
    return { given: line.startsWith('!'), fits: new RegExp(`^${regex}`) }
  })
  return path => rules.reduce((given, rule) => rule.fits.test(`${path}/`) ? rule.given : given, true)
}
