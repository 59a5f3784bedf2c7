import { expect, it } from 'vitest'
import { overBudget, readExposition } from './exposition.ts'

it('reads samples with their labels', () => {
  expect(readExposition('# HELP a A\n# TYPE a gauge\na 1\na{x="1",y="q\\"\\\\\\n,}"} +Inf\n')).toEqual([{ name: 'a', labels: {}, value: 1 }, { name: 'a', labels: { x: '1', y: 'q"\\\n,}' }, value: Number.POSITIVE_INFINITY }])
  expect(() => readExposition('a{x="1} 1')).toThrow('no labels')
  expect(() => readExposition('a 1 2 3 x')).toThrow('no sample')
})

it('finds what is above the budget', () => {
  const text = (lines: string[]): string[] => overBudget(readExposition(lines.join('\n')))
  expect(text(['up 1', 'a{domain="x",vantage="v"} 1', 'b{domain="x",vantage="v"} 1', 'a{domain="y"} 1', 'stage{stage="tcp"} 1', 'stage{stage="tls"} 1'])).toEqual([])
  expect(text(['a{domain="x",cause="1"} 1', 'a{domain="x",cause="2"} 1'])).toEqual(['x|||: 2 series in a'])
  expect(text(Array.from({ length: 13 }, (_, at) => `m${at}{domain="x"} 1`))).toEqual(['x|||: 13 series in all'])
  expect(text(['a{v="1"} 1', 'a{v="1"} 2'])).toEqual(['["a",{"v":"1"}]: 2 times'])
})
