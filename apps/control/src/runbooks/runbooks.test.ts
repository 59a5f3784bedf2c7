import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { CAUSES, runbookOf } from '@dialtone/contracts'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { harness, type Harness } from '../http/test-support/harness.ts'
import { loadPages } from './pages.ts'
import { OPERATING } from './routes.ts'

let api: Harness
beforeAll(async () => { api = await harness() })
afterAll(async () => { await api.stop() })

const get = (url: string) => api.app.inject({ url })

describe('a person without a token reads', () => {
  for (const cause of CAUSES) {
    it(`the runbook of ${cause}, whose links all lead somewhere`, async () => {
      const { statusCode, headers, body } = await get(runbookOf(cause))
      expect(statusCode).toBe(200)
      expect(headers['content-type']).toBe('text/html; charset=utf-8')
      expect(body).toContain(`<h1 id="`)
      expect(body).toContain('Mend it</h2>')
      expect(body).not.toContain('<!--')
      expect(await brokenLinks(body)).toEqual([])
    })
  }

  it('the index, with every page in it, and each of them, by links', async () => {
    const { statusCode, body } = await get('/runbooks/')
    expect(statusCode).toBe(200)
    for (const cause of CAUSES) expect(body).toContain(`href="./${cause}"`)
    expect(body).toContain('href="./troubleshoot"')
    for (const name of loadPages(OPERATING).names()) expect(await brokenLinks((await get(runbookOf(name))).body), name).toEqual([])
  })

  it('the index at the path without its slash, too', async () => {
    const { statusCode, headers } = await get('/runbooks')
    expect([statusCode, headers['location']]).toEqual([302, 'runbooks/'])
  })

  it('a page at its path with a slash behind, too', async () => {
    const { statusCode, headers } = await get('/runbooks/healthy/')
    expect([statusCode, headers['location']]).toEqual([302, '../healthy'])
  })

  it('what is near a name that is none, which is shown as text', async () => {
    const { statusCode, body } = await get('/runbooks/certificate.expierd%3Cscript%3E')
    expect(statusCode).toBe(404)
    expect(body).toContain('href="./certificate.expired"')
    expect(body).toContain('certificate.expierd&lt;script&gt;')
  })
})

it('a page runs nothing and loads nothing: its style is the one that the policy names', async () => {
  const { headers, body } = await get('/runbooks/dns.nxdomain')
  const policy = String(headers['content-security-policy'])
  const [, style = ''] = /<style>([^]*?)<\/style>/.exec(body) ?? []
  const hash = Buffer.from(await crypto.subtle.digest('SHA-256', new TextEncoder().encode(style))).toString('base64')
  expect(policy).toContain(`style-src 'sha256-${hash}'`)
  expect(policy).toContain("default-src 'none'")
  expect(body).not.toMatch(/<script|<img|<link| style=| on\w+=/)
})

describe('no other file is served', () => {
  for (const name of ['..', '%2e%2e', '..%2f..%2fpackage', '..%2f..%2f..%2fpackage.json', '%2fetc%2fpasswd', 'dns.nxdomain.md', 'runbooks%2fdns.nxdomain', '__proto__', 'constructor', '%00', 'a'.repeat(100)]) {
    it(name.slice(0, 30), async () => { expect((await get(`/runbooks/${name}`)).statusCode).not.toBe(200) })
  }
})

describe('Markdown', () => {
  const folder = mkdtempSync(join(tmpdir(), 'dialtone-pages-'))
  mkdirSync(join(folder, 'runbooks'))
  writeFileSync(join(folder, 'README.md'), '# Index\n\n[one](runbooks/one.md)\n')
  writeFileSync(join(folder, 'runbooks', 'one.md'), '# One & two\n\n<!-- hidden -->\n<script>alert(1)</script> <b>bold</b> ![x](http://example/x.png)\n\n[out](https://example.org/?a=1&b=2) [index](../README.md) [secret](../../../secret.md) [js](javascript:alert(1)) [here](#one--two)\n\n```sh run\ndig <x> "$A"\n```\n')
  afterAll(() => { rmSync(folder, { recursive: true }) })
  const one = () => loadPages(folder).page('one') ?? ''

  it('shows HTML as text, and hides comments', () => {
    expect(one()).toContain('&lt;script&gt;alert(1)&lt;/script&gt;')
    expect(one()).toContain('&lt;b&gt;')
    expect(one()).not.toContain('hidden')
    expect(one()).not.toContain('<img')
  })
  it('keeps links to pages, headings and the world, and no other', () => {
    expect(one()).toContain('<a href="https://example.org/?a=1&amp;b=2">out</a> <a href="./">index</a> secret js <a href="#one--two">here</a>')
    expect(one()).toContain('<h1 id="one--two">')
  })
  it('keeps commands as they are', () => { expect(one()).toContain('<pre><code>dig &lt;x&gt; &quot;$A&quot;</code></pre>') })
  it('has none where the folder is not there', () => {
    const pages = loadPages(join(folder, 'missing'))
    expect([pages.names(), pages.page('README'), pages.page('one')]).toEqual([[], undefined, undefined])
  })
})

async function brokenLinks (body: string): Promise<string[]> {
  const broken: string[] = []
  for (const [, href = ''] of body.matchAll(/href="(\.\/[^"]*|#[^"]*)"/g)) {
    const [path = '', anchor] = href.split('#')
    const to = path === '' ? body : (await get(`/runbooks/${path.slice(2)}`).then(({ statusCode, body }) => statusCode === 200 ? body : ''))
    if (to === '' || (anchor !== undefined && !to.includes(`id="${anchor}"`))) broken.push(href)
  }
  return broken
}
