import { expect, it } from 'vitest'
import { createTranscript, redacted } from './transcript.ts'

it('masks dialback keys and keeps who asked whom', () => {
  expect(redacted("<db:result from='a.example' to='b.example'>1e701f12</db:result>")).toBe("<db:result from='a.example' to='b.example'>…</db:result>")
  expect(redacted("<db:result to='b.example'><![CDATA[1e701f12]]></db:result><a/>")).toBe("<db:result to='b.example'>…</db:result><a/>")
  expect(redacted("<db:verify id='a>b'>1e<x>70</x>1f12</db:verify>")).toBe("<db:verify id='a>b'>…</db:verify>")
  expect(redacted("<db:result to='b.example'>1e701")).toBe("<db:result to='b.example'>…")
  expect(redacted("<db:result type='valid' from='a.example' to='b.example'/>")).toBe("<db:result type='valid' from='a.example' to='b.example'/>")
})

it('masks SASL payloads and message bodies', () => {
  expect(redacted("<auth mechanism='EXTERNAL'>eHg=</auth>")).toBe("<auth mechanism='EXTERNAL'>…</auth>")
  expect(redacted("<message to='x'><body>hello</body></message>")).toBe("<message to='x'>…")
})

it('stays small whatever a peer sends', () => {
  const transcript = createTranscript(() => 0)
  for (let i = 0; i < 1000; i++) transcript.received('x'.repeat(10_000))
  expect(transcript.lines()).toHaveLength(61)
  expect(transcript.lines().at(-1)?.text).toBe('940 more lines left out')
  expect(Math.max(...transcript.lines().map(({ text }) => text.length))).toBeLessThan(1300)
})
