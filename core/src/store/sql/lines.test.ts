import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it, onTestFinished } from 'vitest'
import { emptyLedger } from '../../line/ledger.ts'
import { freshPace } from '../../line/pacing.ts'
import { silentLog } from '../../testing/moved-clock.ts'
import { createSqliteStores } from './index.ts'

async function open() {
  const directory = mkdtempSync(join(tmpdir(), 'trunkline-lines-'))
  const stores = await createSqliteStores({ file: join(directory, 'hub.db'), log: silentLog })
  onTestFinished(async () => {
    await stores.close()
    rmSync(directory, { recursive: true })
  })
  return stores.lines
}

describe('what a line keeps of its gaps', () => {
  const [first, second, third] = ['2026-03-01T12:00:00Z', '2026-03-01T12:00:30Z', '2026-03-01T12:01:00Z'].map((text) => new Date(text))

  it('gives every date of a pace back as a date', async () => {
    const lines = await open()
    const pace = { ...freshPace('ws_1', 'line_1'), nextSendAt: first ?? null, lastSendAt: second ?? null, nextCheckAt: third ?? null }
    expect(await lines.commitPace(pace)).toBe(true)
    expect(await lines.pace('ws_1', 'line_1')).toEqual({ ...pace, version: 1 })
  })

  it('gives every date of a ledger back as a date', async () => {
    const lines = await open()
    const ledger = { ...emptyLedger('ws_1', 'line_1'), nextNewAt: first ?? null, lastNewAt: second ?? null }
    expect(await lines.commitLedger(ledger)).toBe(true)
    expect(await lines.ledger('ws_1', 'line_1')).toEqual({ ...ledger, version: 1 })
  })
})
