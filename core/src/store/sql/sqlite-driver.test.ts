import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { setImmediate as turn } from 'node:timers/promises'
import { CompiledQuery, type Driver } from 'kysely'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { createSqliteDriver } from './sqlite-driver.ts'

/** Larger than what is left of a database of 24 pages. */
const blob = new Uint8Array(200_000)

describe('a shared commit that fails', () => {
  let directory: string
  let database: DatabaseSync
  let driver: Driver
  beforeEach(() => {
    directory = mkdtempSync(join(tmpdir(), 'trunkline-driver-'))
    database = new DatabaseSync(join(directory, 'hub.db'))
    database.exec(`pragma journal_mode = wal; pragma foreign_keys = on; create table parent (id integer primary key);
      create table child (parent integer references parent (id) deferrable initially deferred); create table note (text text, body blob);
      pragma max_page_count = 24`)
    driver = createSqliteDriver(database, () => undefined)
  })
  afterEach(async () => {
    await driver.destroy()
    rmSync(directory, { recursive: true })
  })

  const run = async (sql: string, ...parameters: unknown[]) => (await driver.acquireConnection()).executeQuery(CompiledQuery.raw(sql, parameters))
  const note = (text: string, body: Uint8Array | null = null) => run('insert into note (text, body) values (?, ?)', text, body)
  const notes = async () => (await run('select text from note')).rows.map((row) => (row as { text: string }).text)
  const orphan = () => run('insert into child (parent) values (1)')

  it('fails everybody who was in it, and nobody after', async () => {
    const outcomes = await Promise.allSettled([note('with it'), orphan()])
    expect(outcomes.map(({ status }) => status)).toEqual(['rejected', 'rejected'])
    await note('after it')
    expect(await notes()).toEqual(['after it'])
  })

  it('is nobody’s unhandled rejection when the only write in it had failed already', async () => {
    await expect(note('too large', blob)).rejects.toThrow(/full/)
    await turn()
    await turn()
    await note('small')
    expect(await notes()).toEqual(['small'])
  })

  it('keeps what it answered with success, and nothing that it refused, when SQLite gave up the whole transaction', async () => {
    const names = ['before', 'too large', 'behind']
    const outcomes = await Promise.allSettled(names.map((text) => note(text, text === 'too large' ? blob : null)))
    expect(outcomes[1]?.status).toBe('rejected')
    expect(await notes()).toEqual(names.filter((_, n) => outcomes[n]?.status === 'fulfilled'))
  })

  it('does not take back what another transaction is writing', async () => {
    const settings = {}
    const [first, second] = [await driver.acquireConnection(), await driver.acquireConnection()]
    await driver.beginTransaction(first, settings)
    await first.executeQuery(CompiledQuery.raw('insert into child (parent) values (1)', []))
    await expect(driver.commitTransaction(first)).rejects.toThrow(/FOREIGN KEY/)
    await driver.beginTransaction(second, settings)
    await second.executeQuery(CompiledQuery.raw('insert into note (text) values (?)', ['of the second']))
    // Kysely does so for every transaction whose commit failed.
    await driver.rollbackTransaction(first)
    await driver.commitTransaction(second)
    expect(await notes()).toEqual(['of the second'])
  })
})
