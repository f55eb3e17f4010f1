import { execFile } from 'node:child_process'
import { cp, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { z } from 'zod'

const root = fileURLToPath(new URL('..', import.meta.url))
const report = z.object({ diagnostics: z.array(z.object({ category: z.string(), message: z.string(), location: z.object({ path: z.string() }) })) })

/** What is written, where, and the words of the rule that must answer. */
const broken: [rule: string, path: string, code: string][] = [
  ['one-way: core imports nothing of ours', 'core/src/line/a.ts', `import { x } from '@trunkline/gateway'\nx()`],
  ['one-way: core imports nothing of ours', 'core/src/line/b.ts', `import type { X } from '@trunkline/plugin-twilio'\nexport type Y = X`],
  ['one-way: core imports nothing of ours', 'core/src/line/c.ts', `import { x } from '../../../gateway/src/config.ts'\nx()`],
  ['one-way: core imports nothing of ours', 'core/src/line/d.ts', `export const x = await import('@trunkline/gateway')`],
  ['one-way: the gateway', 'gateway/src/a.ts', `import { x } from '../../core/src/line/line.ts'\nx()`],
  ['one-way: the gateway', 'gateway/src/b.ts', `import { x } from '@trunkline/core/src/line/line.ts'\nx()`],
  ['one-way: the gateway', 'gateway/src/c.ts', `import { x } from '@trunkline/test'\nx()`],
  ['one-way: @trunkline/core/testing', 'gateway/src/d.ts', `import { x } from '@trunkline/core/testing'\nx()`],
  ['one-way: a plugin imports', 'plugins/twilio/src/a.ts', `import { x } from '@trunkline/core'\nx()`],
  ['one-way: a plugin imports', 'plugins/twilio/src/b.ts', `import { x } from '@trunkline/core/testing'\nx()`],
  ['one-way: a plugin imports', 'plugins/twilio/src/c.ts', `import { x } from '@trunkline/plugin-hubspot'\nx()`],
  ['one-way: a plugin imports', 'plugins/twilio/src/d.test.ts', `import { x } from '@trunkline/core'\nx()`],
  ['one-way: a plugin does not reach', 'plugins/twilio/src/e.ts', `import { x } from '../../hubspot/src/decide.ts'\nx()`],
  ['one-way: tests from outside', 'test/a.test.ts', `import { x } from '../core/src/engine.ts'\nx()`],
  ['one-way: tests from outside', 'test/b.test.ts', `import { x } from '@trunkline/core/src/engine.ts'\nx()`],

  ['decisions: a decision imports no node', 'core/src/line/limits.ts', `import { createHash } from 'node:crypto'\ncreateHash('md5')`],
  ['decisions: a decision imports no node', 'core/src/event/retry.ts', `import type { Pool } from 'undici'\nexport type P = Pool`],
  [
    'decisions: a decision imports no node',
    'core/src/conversation/match.ts',
    `import type { Runtime } from '../runtime.ts'\nexport type R = Runtime`,
  ],
  ['decisions: a decision imports no node', 'core/src/message/routing.ts', `import type { X } from '../store/sql/sql.ts'\nexport type Y = X`],
  ['decisions: a decision takes values', 'core/src/message/lifecycle.ts', `import { x } from './store.ts'\nx()`],
  ['decisions: a decision takes values', 'core/src/message/eligibility.ts', `import { accept } from './accept.ts'\naccept()`],
  ['decisions: no await', 'core/src/lead/consent.ts', `export async function may(): Promise<boolean> {\n  return true\n}`],
  ['decisions: no await', 'core/src/lead/addresses.ts', `export const x = await Promise.resolve(1)`],
  ['decisions: time, dice', 'core/src/line/pacing.ts', `export const at = (runtime: { now(): Date }) => runtime.now()`],
  ['decisions: time, dice', 'core/src/availability/order.ts', `export const zone = process.env.TZ`],
  ['decisions: time, dice', 'core/src/campaign/schedule.ts', `export const dice = Math.random()`],

  ['adapters: only core/src/queue/bullmq.ts', 'core/src/queue/other.ts', `import { Queue } from 'bullmq'\nnew Queue('x').close()`],
  ['adapters: only core/src/queue/bullmq.ts', 'gateway/src/redis.ts', `import { Redis } from 'ioredis'\nexport const r: Redis = new Redis()`],
  ['adapters: only core/src/store/mongo', 'core/src/store/sql/m.ts', `import { MongoClient } from 'mongodb'\nexport const m = new MongoClient('x')`],
  ['adapters: only core/src/store/sql', 'core/src/line/pg.ts', `import { Pool } from 'pg'\nexport const p = new Pool()`],
  [
    'adapters: only core/src/store/sql',
    'gateway/src/sqlite.ts',
    `import { DatabaseSync } from 'node:sqlite'\nexport const d = new DatabaseSync('x')`,
  ],
  ['adapters: only core/src/store/sql', 'core/src/store/mongo/k.ts', `import { sql } from 'kysely'\nexport const s = sql`],
  ['adapters: a domain knows ports', 'core/src/message/send.ts', `import { x } from '../transport/sandbox.ts'\nx()`],
  ['adapters: a domain knows ports', 'core/src/message/keep.ts', `import type { X } from '../store/sql/sql.ts'\nexport type Y = X`],
  ['adapters: a domain knows ports', 'core/src/sweep.ts', `import { x } from './queue/memory.ts'\nx()`],
  ['adapters: an adapter imports ports', 'core/src/store/sql/a.ts', `import { accept } from '../../message/accept.ts'\naccept()`],
  ['adapters: an adapter imports ports', 'core/src/transport/b.ts', `import { relay } from '../event/relay.ts'\nrelay()`],

  ['clock: ', 'core/src/line/now.ts', `export const now = Date.now()`],
  ['clock: ', 'gateway/src/now.ts', `export const now = new Date()`],
  ['clock: ', 'plugins/twilio/src/now.ts', `export const clock = Date.now`],
  ['clock: ', 'core/src/line/dice.ts', `export const dice = Math.random()`],

  ['noDefaultExport', 'core/src/line/default.ts', `export default 1`],
  ['noReExportAll', 'core/src/line/star.ts', `export * from './line.ts'`],
  ['noExplicitAny', 'gateway/src/any.ts', `export const x = (y: any) => y`],
  ['useImportType', 'gateway/src/types.ts', `import { X } from './x.ts'\nexport type Y = X`],
  ['noFloatingPromises', 'gateway/src/floating.ts', `async function f(): Promise<void> {}\nf()`],
  ['noFocusedTests', 'gateway/src/only.test.ts', `import { test } from 'vitest'\ntest.only('x', () => {})`],
]

const clean: [path: string, code: string][] = [
  [
    'core/src/message/ok.ts',
    `import type { Stores } from '../store/stores.ts'\nimport { y } from '../transport/transport.ts'\nexport type X = Stores\ny()`,
  ],
  ['core/src/message/schedule.ts', `import { DateTime } from 'luxon'\nexport const at = (now: Date) => DateTime.fromJSDate(now)`],
  [
    'core/src/line/ledger.ts',
    `import type { LineStore } from './store.ts'\nimport { book } from './pacing.ts'\nexport type X = LineStore\nbook(new Date(0))`,
  ],
  ['core/src/queue/bullmq.ts', `import { Queue } from 'bullmq'\nexport const q: Queue = new Queue('x')`],
  [
    'core/src/store/sql/ok.ts',
    `import { sql } from 'kysely'\nimport type { Message } from '../../message/message.ts'\nexport type X = Message\nsql\`x\`.toString()`,
  ],
  ['core/src/transport/ok.ts', `import { refuseAddress } from '../webhook/guard.ts'\nrefuseAddress()`],
  ['core/src/runtime.ts', `export const now = () => new Date()`],
  ['core/src/line/now.test.ts', `export const now = Date.now()`],
  ['gateway/src/ok.ts', `import { x } from '@trunkline/core'\nimport { y } from '@trunkline/plugin-twilio'\nx(y)`],
  ['plugins/twilio/src/ok.ts', `import { x } from '@trunkline/core/plugin'\nimport { y } from './decide.ts'\nx(y)`],
  ['plugins/twilio/src/ok.test.ts', `import { x } from '@trunkline/core/testing'\nx()`],
  ['test/ok.test.ts', `import { x } from '@trunkline/core/testing'\nimport { y } from './fakes/smtp.ts'\nx(y)`],
  ['test/vitest.config.ts', `export default {}`],
]

let folder: string
let found: Map<string, string[]>

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'trunkline-rules-'))
  for (const name of ['.biome.json', 'test/lint', '.gitignore']) await cp(join(root, name), join(folder, name), { recursive: true })
  for (const [path, code] of [...broken.map(([, path, code]) => [path, code] as const), ...clean]) {
    await mkdir(dirname(join(folder, path)), { recursive: true })
    await writeFile(join(folder, path), `${code}\n`)
  }
  const biome = join(root, 'node_modules/.bin/biome')
  const args = ['lint', '--reporter=json', '--max-diagnostics=none']
  // Biome exits with 1 when it finds something, which it must: the report is what counts.
  const out = await new Promise<string>((resolve) => execFile(biome, args, { cwd: folder }, (_, stdout) => resolve(stdout)))
  found = new Map()
  for (const { category, message, location } of report.parse(JSON.parse(out)).diagnostics) {
    found.set(location.path, [...(found.get(location.path) ?? []), `${category} ${message}`])
  }
})

afterAll(() => rm(folder, { recursive: true, force: true }))

describe('each rule of the house fails when it is broken', () => {
  test.each(broken)('%s: %s', (rule, path) => {
    expect(found.get(path)?.join('\n')).toContain(rule)
  })
})

describe('what is allowed passes', () => {
  test.each(clean)('%s', (path) => {
    expect(found.get(path)).toBeUndefined()
  })
})
