import { randomBytes } from 'node:crypto'
import { AppError, type Issue } from '../errors.ts'
import type { Relay } from '../event/event.ts'
import { revise } from '../event/revise.ts'
import { isNational } from '../lead/addresses.ts'
import type { Audit, LineInput, Lines, LineUsage } from '../operations.ts'
import type { Runtime } from '../runtime.ts'
import type { Stores } from '../store/stores.ts'
import type { Checkup, TransportKind } from '../transport/transport.ts'
import { openSettings, sealSettings } from '../workspace/sealed-settings.ts'
import type { Sealer } from '../workspace/secrets.ts'
import { freshHealth } from './health.ts'
import { type LineFields, limitsFor, readLine, readTransport } from './intake.ts'
import { defaultLimits, type Line } from './line.ts'
import { createObserve } from './observe.ts'
import { usageOf } from './usage.ts'

export interface LinesParts {
  readonly stores: Pick<Stores, 'lines' | 'messages' | 'workspaces'>
  readonly runtime: Pick<Runtime, 'now' | 'id'>
  readonly sealer: Sealer
  readonly relay: Relay
  readonly audit: Pick<Audit, 'record'>
  /** The kinds of transport that are installed, by type. */
  readonly kinds: ReadonlyMap<string, TransportKind>
  /** Asks the line's transport how it is. Never rejects for what the vendor does. */
  checkup(line: Line): Promise<Checkup>
}

const blank: LineFields = {
  name: '',
  channel: 'imessage',
  phone: null,
  email: null,
  deviceId: null,
  timezone: 'UTC',
  isActive: true,
  limits: defaultLimits,
}

export function createLines({ stores, runtime, sealer, relay, audit, kinds, checkup }: LinesParts): Lines {
  const notFound = (id: string) => new AppError('LINE_NOT_FOUND', `there is no line ${id}`)

  async function withUsage(line: Line): Promise<Line & LineUsage> {
    return { ...line, ...usageOf(line, await stores.lines.ledger(line.workspaceId, line.id), runtime.now()) }
  }

  async function existing(workspaceId: string, id: string): Promise<Line> {
    const line = await stores.lines.get(workspaceId, id)
    if (!line) throw notFound(id)
    return line
  }

  async function countryOf(workspaceId: string, input: LineInput): Promise<string> {
    if (!input.phone || !isNational(input.phone)) return '+1'
    return (await stores.workspaces.get(workspaceId))?.defaultCountryCode ?? '+1'
  }

  /** The whole line that current and input make together, or every fault of it. */
  function compose(workspaceId: string, current: Line | null, input: LineInput, country: string): LineFields & Pick<Line, 'transport'> {
    const type = input.transport?.type ?? current?.transport.type
    const kind = type === undefined ? undefined : kinds.get(type)
    const before = current ?? { ...blank, limits: kind ? limitsFor(kind) : defaultLimits }
    const { fields, issues } = readLine(before, input, country)
    if (current === null && input.channel === undefined) issues.push({ path: 'channel', message: 'is needed' })
    if (!kind) {
      const known = [...kinds.keys()].join(', ')
      issues.push(type === undefined ? { path: 'transport', message: 'is needed' } : { path: 'transport.type', message: `is none of ${known}` })
    } else if (!kind.channels.includes(fields.channel)) {
      issues.push({ path: 'channel', message: `is not offered by ${kind.type}, which offers ${kind.channels.join(', ')}` })
    }
    const transport = kind && input.transport ? composeTransport(workspaceId, kind, current, input.transport, issues) : current?.transport
    if (issues.length > 0 || !transport) {
      throw new AppError('VALIDATION', issues.map((issue) => `${issue.path}: ${issue.message}`).join('; '), { issues })
    }
    return { ...fields, transport }
  }

  function composeTransport(workspaceId: string, kind: TransportKind, current: Line | null, input: Record<string, unknown>, issues: Issue[]) {
    const at = { workspaceId, place: 'transport' }
    const stored = current?.transport.type === kind.type ? current.transport.sealed : {}
    const kept = openSettings(sealer, at, { settings: {}, sealed: stored })
    const read = readTransport(kind, input, kept)
    issues.push(...read.issues)
    return read.issues.length > 0 ? undefined : { type: kind.type, ...sealSettings(sealer, kind.settings, at, read.settings) }
  }

  return {
    async create(caller, input, reserved) {
      const { workspaceId } = caller
      const composed = compose(workspaceId, null, input, await countryOf(workspaceId, input))
      const now = runtime.now()
      const line: Line = {
        ...composed,
        id: reserved?.id ?? runtime.id('line'),
        workspaceId,
        version: 1,
        seq: 0,
        outbox: [],
        // The sandbox lives in this process and can; what a bridge can do is known after its first check.
        health: freshHealth(composed.channel === 'imessage' && composed.transport.type === 'sandbox'),
        hookSecret: randomBytes(24).toString('base64url'),
        createdAt: now,
        updatedAt: now,
      }
      if (!(await stores.lines.insert(line))) return withUsage(await existing(workspaceId, line.id))
      await audit.record(caller, 'line.created', line.id, { channel: line.channel, transport: line.transport.type })
      return withUsage(line)
    },

    get: async (workspaceId, id) => withUsage(await existing(workspaceId, id)),

    async list(workspaceId, { channel, healthy, active }) {
      const lines = (await stores.lines.list(workspaceId, channel)).filter(
        (line) => (healthy === undefined || (line.health.status === 'healthy') === healthy) && (active === undefined || line.isActive === active),
      )
      return Promise.all(lines.map(withUsage))
    },

    async update(caller, id, patch) {
      const { workspaceId } = caller
      const country = await countryOf(workspaceId, patch)
      const revised = await revise({
        load: () => stores.lines.get(workspaceId, id),
        decide: (line) => ({ ...line, ...compose(workspaceId, line, patch, country), updatedAt: runtime.now() }),
        commit: (line) => stores.lines.commit(line),
      })
      if (!revised) throw notFound(id)
      await audit.record(caller, 'line.updated', id, { fields: Object.keys(patch) })
      return withUsage(revised.doc)
    },

    async remove(caller, id) {
      const { workspaceId } = caller
      await existing(workspaceId, id)
      const open = await stores.messages.openOfLine(workspaceId, id, 1)
      if (open.length > 0) throw new AppError('LINE_IN_USE', 'messages still wait on this line; cancel them or let them go out first')
      if (!(await stores.lines.remove(workspaceId, id))) throw notFound(id)
      await audit.record(caller, 'line.removed', id)
    },

    async check(workspaceId, id) {
      const found = await checkup(await existing(workspaceId, id))
      const line = await createObserve({ lines: stores.lines, runtime, relay })(workspaceId, id, found)
      if (!line) throw notFound(id)
      return withUsage(line)
    },
  }
}
