import { expect, it } from 'vitest'
import { DEFAULT_STATE, typed } from './typed.ts'

it('names the lab that it is for, where there may be another', () => {
  expect(typed('up', DEFAULT_STATE)).toBe('npm run lab -- up')
  expect(typed('up', '/tmp/x')).toBe('npm run lab -- up --state /tmp/x')
  expect(typed('down', "/tmp/it's mine")).toBe("npm run lab -- down --state '/tmp/it'\\''s mine'")
})
