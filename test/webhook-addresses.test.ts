import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { eventually } from './rig/hub.ts'
import { type Receiver, startReceiver } from './rig/receiver.ts'
import { type DeliveryView, startWorld, type World } from './rig/world.ts'

const names = fileURLToPath(new URL('./rig/rebinding-dns.ts', import.meta.url))

let world: World
let inside: Receiver
beforeAll(async () => {
  inside = await startReceiver()
  world = await startWorld({
    ALLOW_PRIVATE_ADDRESSES: 'false',
    NODE_OPTIONS: `--import=${names}`,
    WEBHOOK_RETRY_SCHEDULE_MS: '200,200',
    SWEEP_EVERY_MS: '300',
  })
})
afterAll(async () => {
  await world.close()
  await inside.close()
})

/** Loopback, private, link-local, metadata, carrier NAT, documentation, multicast: in every spelling a URL has for them. */
const spellings = [
  'http://127.0.0.1/',
  'http://127.1/',
  'http://127.0.1/',
  'http://2130706433/',
  'http://0x7f000001/',
  'http://0x7f.1/',
  'http://0177.0.0.1/',
  'http://017700000001/',
  'http://127.0.0.1./',
  'http://127.255.255.254/',
  'http://１２７.０.０.１/',
  'http://127%2e0%2e0%2e1/',
  'http://0/',
  'http://0.0.0.0/',
  'http://localhost/',
  'http://LOCALHOST:8080/',
  'http://localhost./',
  'http://a.localhost/',
  'http://printer.local/',
  'http://db.internal/',
  'http://metadata.google.internal/',
  'http://router.lan/',
  'http://intranet/',
  'http://10.0.0.1/',
  'http://172.16.0.1/',
  'http://172.31.255.255/',
  'http://192.168.1.1/',
  'http://169.254.169.254/latest/meta-data/',
  'http://100.64.0.1/',
  'http://100.100.100.200/',
  'http://192.0.2.1/',
  'http://198.18.0.1/',
  'http://224.0.0.1/',
  'http://255.255.255.255/',
  'http://[::1]/',
  'http://[::]/',
  'http://[::ffff:127.0.0.1]/',
  'http://[::ffff:7f00:1]/',
  'http://[fe80::1]/',
  'http://[fd00:ec2::254]/',
  'http://[64:ff9b::7f00:1]/',
  'http://[2002:7f00:1::]/',
  'http://[ff02::1]/',
  'http://[2001:db8::1]/',
  'https://inside.example.com/',
  'http://user:pass@example.com/',
  'ftp://example.com/',
  'file:///etc/passwd',
  'javascript:alert(1)',
  'https:///nothing',
]

const save = (url: string) => world.call<{ code: string; id: string }>('POST', '/api/webhooks', { url, events: ['message.sent'] })

describe('an address that leads inside', () => {
  test.each(spellings)('%s is refused when it is saved', async (url) => {
    const answer = await save(url)
    expect(answer.status).toBe(400)
    expect(['URL_REFUSED', 'VALIDATION']).toContain(answer.body.code)
  })

  test('is refused in a change too, and nothing is changed', async () => {
    const { body } = await save('https://example.com/hook')
    expect((await world.call('PATCH', `/api/webhooks/${body.id}`, { url: 'http://169.254.169.254/' })).status).toBe(400)
    expect((await world.call<{ url: string }>('GET', `/api/webhooks/${body.id}`)).body.url).toBe('https://example.com/hook')
    expect((await world.call('DELETE', `/api/webhooks/${body.id}`)).status).toBe(204)
  })

  test('by a name that changed its answer after it was saved is refused when connecting: nothing arrives', async () => {
    const port = new URL(inside.url).port
    const { status, body } = await save(`http://rebind.example.com:${port}/hook`)
    expect(status).toBe(201)
    expect((await world.call('POST', `/api/webhooks/${body.id}/test`)).body).toMatchObject({
      success: false,
      statusCode: null,
      response: expect.stringMatching(/not public/),
    })
    await world.send({ recipientPhone: '+14155550123' })
    const failed = await eventually(
      async () => (await world.call<{ deliveries: DeliveryView[] }>('GET', `/api/webhooks/${body.id}/deliveries`)).body.deliveries[0],
      (delivery) => (delivery?.attempts.length ?? 0) > 0,
    )
    expect(failed?.attempts[0]).toMatchObject({ statusCode: null, error: expect.stringMatching(/not public/) })
    expect(inside.received).toEqual([])
  })
})
