import { expect, it } from 'vitest'
import { layers } from './layers.ts'

it('is what was laid last, and in the end what it was', async () => {
  const seen: string[] = []
  const it = layers('base', async value => { seen.push(value) })
  const first = await it.lay('first')
  const second = await it.lay('second')
  await first() // below: nothing changes
  expect(it.current()).toBe('second')
  await second()
  await second()
  expect(it.current()).toBe('base')
  expect(seen).toEqual(['first', 'second', 'base'])
})

it('is what it was where a value cannot be put in force', async () => {
  const seen: string[] = []
  const it = layers('base', async value => {
    seen.push(value)
    if (value === 'bad') throw new Error('no')
  })
  await expect(it.lay('bad')).rejects.toThrow('no')
  expect([it.current(), seen]).toEqual(['base', ['bad', 'base']])
})

it('can be taken away again where that failed', async () => {
  let failing = false
  const seen: string[] = []
  const it = layers('base', async value => {
    if (failing) throw new Error('no')
    seen.push(value)
  })
  const lift = await it.lay('first')
  failing = true
  await expect(lift()).rejects.toThrow('no')
  failing = false
  await lift()
  await lift()
  expect(seen).toEqual(['first', 'base'])
})

it('applies one value at a time, in order', async () => {
  const seen: string[] = []
  const it = layers('base', async value => {
    seen.push(`begin ${value}`)
    await Promise.resolve()
    seen.push(`end ${value}`)
  })
  await Promise.all([it.lay('one'), it.lay('two')])
  expect(seen.map(each => each.split(' ')[0])).toEqual(['begin', 'end', 'begin', 'end'])
})
