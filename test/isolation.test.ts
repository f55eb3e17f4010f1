import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type Document, type RouteShape, routesOf } from './rig/every-route.ts'
import { eventually } from './rig/hub.ts'
import { type Receiver, startReceiver } from './rig/receiver.ts'
import { events, startWorld, statusIs, type Tenant, type World } from './rig/world.ts'

/** In everything the victim wrote, and in nobody else's answer. */
const canary = 'CANARY7'
const victimPhone = '+14155550144'

type Ids = Record<'message' | 'lead' | 'list' | 'line' | 'reply' | 'job' | 'webhook' | 'delivery' | 'dnc' | 'key' | 'workspace', string>
type Owner = Tenant & { ids: Ids; key: string }

let world: World
let receiver: Receiver
let victim: Owner
let intruder: Owner
let routes: RouteShape[]

beforeAll(async () => {
  world = await startWorld()
  receiver = await startReceiver()
  victim = await settle(canary, victimPhone)
  intruder = await settle('other', '+14155550145')
  routes = routesOf((await (await fetch(`${world.hub.url}/openapi.json`)).json()) as Document).filter(
    ({ path }) => path.startsWith('/api/') && path !== '/api/webhooks/v1-message',
  )
})
afterAll(async () => {
  await world.close()
  await receiver.close()
})

/** A workspace with one of everything. */
async function settle(word: string, phone: string): Promise<Owner> {
  const tenant = await world.tenant(word)
  const made = async (path: string, body: unknown) => (await tenant.call<Record<string, string>>('POST', path, body)).body
  const line = await tenant.addLine({ name: word, channel: 'imessage', transport: { type: 'sandbox' } })
  const webhook = await tenant.call<{ id: string }>('POST', '/api/webhooks', { url: receiver.url, events: ['*'], name: word })
  const list = await made('/api/lists', { name: word })
  const lead = await tenant.addLead({
    firstName: word,
    phone,
    email: `${word.toLowerCase()}@example.com`,
    externalId: word,
    listId: `${list.id}`,
  })
  const dnc = await made('/api/dnc', { phone: '+14155550166', reason: word })
  const key = await made('/api/keys', { name: word, scopes: ['read'] })
  const { jobId } = await made('/api/leads/check-availability', { leadIds: [lead.id] })
  const message = await tenant.send({ leadId: lead.id, message: word, metadata: { word } })
  await tenant.until(message.id, statusIs('delivered'))
  await tenant.send({ recipientPhone: '+15005550009', message: word })
  const first = async (path: string, field: string) =>
    (
      await eventually(
        async () => (await tenant.call<Record<string, { id: string }[]>>('GET', path)).body[field] ?? [],
        (found) => found.length > 0,
      )
    )[0]?.id ?? ''
  return {
    ...tenant,
    ids: {
      message: message.id,
      lead: lead.id,
      list: `${list.id}`,
      line: line.id,
      reply: await first('/api/replies', 'replies'),
      job: `${jobId}`,
      webhook: webhook.body.id,
      delivery: await first(`/api/webhooks/${webhook.body.id}/deliveries`, 'deliveries'),
      dnc: `${dnc.id}`,
      key: `${key.id}`,
      workspace: tenant.id,
    },
  }
}

/** An id that looks like this one and is nobody's; for other handles, something else that nobody has. */
const ghostOf = (handle: string) =>
  handle.startsWith('+') ? '+14155559999' : handle.includes('@') ? 'nobody@example.com' : `${handle.slice(0, -6)}ZZZZZZ`

/** The answer without what differs between any two calls. */
function comparable(text: string, ...asked: readonly string[]): string {
  return asked
    .filter((one) => one !== '')
    .reduce((rest, one) => rest.replaceAll(one, '<asked>'), text)
    .replace(/\b[a-z]+_[0-9A-Z]{26}(_[0-9A-Z]{26})?\b/g, '<id>')
    .replace(/\d{4}-\d\d-\d\dT[\d:.]+Z/g, '<at>')
}

async function ask(
  as: Owner,
  route: RouteShape,
  slot: RouteShape['slots'][number],
  handle: string,
  own: string,
): Promise<{ status: number; text: string }> {
  const path = route.path.replace(/\{(\w+)\}/g, (_, name: string) => encodeURIComponent(slot.place === 'path' && slot.name === name ? handle : own))
  const query = new URLSearchParams({ ...route.query, ...(slot.place === 'query' ? { [slot.name]: handle } : {}) })
  const needs = slot.name === 'fromLineId' ? { recipientPhone: '+14155550188' } : {}
  const body =
    route.body === null ? undefined : { ...route.body, ...needs, ...(slot.place === 'body' ? { [slot.name]: slot.isList ? [handle] : handle } : {}) }
  const answer = await fetch(`${world.hub.url}${path}${query.size > 0 ? `?${query}` : ''}`, {
    method: route.method,
    headers: { authorization: `Bearer ${as.key}`, ...(body && { 'content-type': 'application/json' }) },
    ...(body && { body: JSON.stringify(body) }),
  })
  return { status: answer.status, text: await answer.text() }
}

/** Asks every route for what is the victim's and for what is nobody's. What is told apart, and how much was asked. */
async function tellApart(as: Owner, asked: readonly RouteShape[]): Promise<{ told: string[]; count: number }> {
  const handles = [...Object.values(victim.ids), victimPhone, `${canary.toLowerCase()}@example.com`, canary]
  const told: string[] = []
  let count = 0

  async function compare(route: RouteShape, slot: RouteShape['slots'][number], handle: string, own: string): Promise<string | null> {
    const theirs = await ask(as, route, slot, handle, own)
    const nobodys = await ask(as, route, slot, ghostOf(handle), own)
    count += 2
    const where = `${route.method} ${route.path} ${slot.place}:${slot.name} ${handle}: ${theirs.status} ${theirs.text}`
    if (theirs.status >= 500 || nobodys.status >= 500) return `${where}, ${nobodys.status}`
    const rest = comparable(theirs.text, handle, own)
    if (
      rest.includes(canary) ||
      handles.some((other) =>
        theirs.text
          .replaceAll(handle, '')
          .replaceAll(own || handle, '')
          .includes(other),
      )
    )
      return `${where} tells`
    return theirs.status === nobodys.status && rest === comparable(nobodys.text, ghostOf(handle), own)
      ? null
      : `${where} instead of ${nobodys.status} ${nobodys.text}`
  }

  for (const route of asked) {
    for (const slot of route.slots) {
      // Writing to somebody's address makes a lead and a message of one's own: that is asked for below.
      if (route.path === '/api/messages' && slot.name.startsWith('recipient')) continue
      // The other ids in the path are the asker's own, so that only this one stands between him and an answer.
      const isShared = (route.path.match(/\{/g) ?? []).length > (slot.place === 'path' ? 1 : 0)
      for (const own of isShared ? [as.ids.webhook, as.ids.list, as.ids.lead, victim.ids.webhook] : ['']) {
        const found = await Promise.all(handles.map((handle) => compare(route, slot, handle, own)))
        told.push(...found.filter((one) => one !== null))
      }
    }
  }
  return { told, count }
}

const look = (who: Tenant) =>
  Promise.all(
    ['messages', 'leads', 'lists', 'lines', 'webhooks', 'keys', 'dnc', 'replies', 'workspace'].map(async (name) => {
      const { body } = await who.call<Record<string, unknown>>('GET', `/api/${name}`)
      return JSON.stringify(body).replace(/"(lastCheckedAt|lastUsedAt|lastSuccessAt)":"[^"]*"/g, '')
    }),
  )

describe('another workspace', () => {
  test("'s handles answer on every route exactly like handles that do not exist", async () => {
    const before = await look(victim)
    const { told, count } = await tellApart(intruder, routes)
    expect(told).toEqual([])
    // The document names what there is: a test that asked little would have proved little.
    expect(count).toBeGreaterThan(1_000)
    expect(await look(victim)).toEqual(before)
  })

  test('would have been told apart: its owner is', async () => {
    const reading = routes.filter((route) => route.method === 'GET' && route.slots.length > 0)
    const { told } = await tellApart(victim, reading)
    const seen = reading.map((route) => route.path).filter((path) => told.some((one) => one.startsWith(`GET ${path} `)))
    const records = ['messages', 'leads', 'lists', 'lines', 'replies', 'jobs', 'webhooks'].map((name) => `/api/${name}/{id}`)
    const searches = ['/api/messages', '/api/leads', '/api/replies', '/api/leads/check-availability', '/api/webhooks/{id}/deliveries']
    expect(seen).toEqual(expect.arrayContaining([...records, ...searches]))
  })

  test("'s records answer 404 by their ids where one's own answer 200", async () => {
    const places: [string, keyof Ids][] = [
      ['/api/messages/', 'message'],
      ['/api/leads/', 'lead'],
      ['/api/lists/', 'list'],
      ['/api/lines/', 'line'],
      ['/api/replies/', 'reply'],
      ['/api/jobs/', 'job'],
      ['/api/webhooks/', 'webhook'],
    ]
    for (const [path, kind] of places) {
      expect((await victim.call('GET', `${path}${victim.ids[kind]}`)).status, kind).toBe(200)
      expect((await intruder.call('GET', `${path}${victim.ids[kind]}`)).status, kind).toBe(404)
    }
  })

  test('may have the same address, the same external id and the same idempotency key', async () => {
    const third = await world.tenant('third')
    const lead = await third.call<{ savedCount: number; leadIds: string[] }>(
      'POST',
      '/api/leads',
      { phone: victimPhone, externalId: canary },
      { 'idempotency-key': 'same' },
    )
    expect([lead.status, lead.body.savedCount]).toEqual([201, 1])
    expect(lead.body.leadIds).not.toContain(victim.ids.lead)
    const again = await intruder.call<{ leadIds: string[] }>('POST', '/api/leads', { phone: '+14155550155' }, { 'idempotency-key': 'same' })
    expect(again.status).toBe(201)
    expect(again.headers.get('idempotency-replayed')).toBeNull()
  })

  test('hears nothing: no event carries what is not of its workspace', () => {
    const told = events(receiver)
    expect(new Set(told.map((event) => event.workspaceId))).toEqual(new Set([victim.ids.workspace, intruder.ids.workspace]))
    for (const event of told.filter((one) => one.workspaceId === intruder.ids.workspace)) expect(JSON.stringify(event)).not.toContain(canary)
  })

  test('cannot be chosen by a header, and the list of workspaces is the installation’s', async () => {
    const answer = await intruder.call<{ id: string }>('GET', '/api/workspace', undefined, {
      'x-workspace-id': victim.ids.workspace,
      'x-tenant-id': victim.ids.workspace,
    })
    expect(answer.body.id).toBe(intruder.ids.workspace)
    expect((await intruder.call('GET', '/api/workspaces')).status).toBe(403)
    expect((await intruder.call('PATCH', `/api/workspaces/${victim.ids.workspace}`, { readOnly: { reason: 'mine' } })).status).toBe(403)
  })
})
