import { describe, expect, it } from 'vitest'
import { createEngineFake, createRig } from './engine.test-rig.ts'

const rig = createRig()

describe('beside the API', () => {
  it('a hook answers 401 alike for an unknown line and a wrong secret', async () => {
    const post = (path: string) => rig.app.request(path, { method: 'POST', body: '{"type":"new-message"}' })
    expect((await post('/hooks/lines/line_1/hook-secret')).status).toBe(200)
    const [unknown, wrong] = [await post('/hooks/lines/line_2/hook-secret'), await post('/hooks/lines/line_1/wrong')]
    expect([unknown.status, wrong.status]).toEqual([401, 401])
    const same = async (response: Response) => (await response.text()).replace(/req_\d+/, '')
    expect(await same(unknown)).toBe(await same(wrong))
  })

  it('a hook hands over parsed JSON, or the text that is none', async () => {
    const bodies: unknown[] = []
    const rig = createRig({ engine: { receive: async (_line, _secret, body) => bodies.push(body) > 0 } })
    for (const body of ['{"a":1}', 'a=1']) await rig.app.request('/hooks/lines/l/s', { method: 'POST', body })
    expect(bodies).toEqual([{ a: 1 }, 'a=1'])
  })

  it('unsubscribing takes a POST; a GET only asks', async () => {
    const engine = createEngineFake()
    const seen: unknown[] = []
    const rig = createRig({ engine: { consent: { ...engine.consent, optOut: async (_caller, who) => void seen.push(who) } } })
    const page = await rig.app.request('/unsubscribe/good')
    expect(page.status).toBe(200)
    expect(await page.text()).toContain('<form method="post">')
    expect(seen).toEqual([])
    expect((await rig.app.request('/unsubscribe/good', { method: 'POST', body: 'List-Unsubscribe=One-Click' })).status).toBe(200)
    expect(seen).toMatchObject([{ lead: { id: 'lead_1' }, address: 'a@x.test', channels: null, source: 'unsubscribe' }])
    expect((await rig.app.request('/unsubscribe/bad', { method: 'POST' })).status).toBe(404)
    expect(seen).toHaveLength(1)
  })

  it('is healthy, ready or not, and measured', async () => {
    expect((await rig.app.request('/healthz')).status).toBe(200)
    expect((await rig.app.request('/readyz')).status).toBe(200)
    const down = createRig({ engine: { ready: async () => ({ ready: false, checks: { store: 'ok', queue: 'away' } }) } })
    const response = await down.app.request('/readyz')
    expect(response.status).toBe(503)
    expect(await response.json()).toEqual({ status: 'not_ready', checks: { store: 'ok', queue: 'away' } })
    await rig.call('GET', '/api/messages/msg_1')
    expect(await (await rig.app.request('/metrics')).text()).toMatch(
      /trunkline_http_request_seconds_count\{method="GET",route="\/api\/messages\/\{id\}",status="200"\} \d+/,
    )
  })
})
